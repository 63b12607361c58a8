import { assertEquals } from "@std/assert";
import { PERF_FORMAT, PERF_SAMPLE } from "../../../lib/base/system/abi.ts";
import { rateText } from "../../../lib/events/attr.ts";
import { resolveEvents } from "../../../lib/events/resolve.ts";
import {
  memberAttr,
  readingLeaderAttr,
  readMemberAttr,
  SAMPLE_FIELDS,
  type Sampling,
  samplingAttr,
  trackingAttr,
} from "../../../lib/record/request/sampling.ts";

const [{ events: [clock] }] = resolveEvents("cpu-clock:u");
const common = { several: false, watermark: 4096, enableOnExec: true };

Deno.test("samplingAttr() samples at a rate unless a period is asked for, which wins", () => {
  const rate = samplingAttr(clock, { freq: 999 }, common, "own");
  assertEquals([rateText(rate), rate.flags.has("freq")], ["999 Hz", true]);
  const period = samplingAttr(clock, { freq: 999, period: 5000n, callGraph: { mode: "fp" } }, common, "own");
  assertEquals([rateText(period), period.flags.has("freq")], ["every 5000", false]);
  assertEquals((period.sampleType & PERF_SAMPLE.CALLCHAIN) !== 0, true);
});

Deno.test("samplingAttr() keeps what the event's modifiers asked for", () => {
  const attr = samplingAttr(clock, {}, common, "own");
  assertEquals([attr.flags.has("excludeKernel"), attr.flags.has("excludeUser")], [true, false]);
});

Deno.test("samplingAttr() names the event in each record only where there are several", () => {
  const alone = samplingAttr(clock, {}, common, "own");
  const among = samplingAttr(clock, {}, { ...common, several: true }, "other");
  assertEquals(alone.sampleType & PERF_SAMPLE.IDENTIFIER, 0);
  assertEquals(among.sampleType & PERF_SAMPLE.IDENTIFIER, PERF_SAMPLE.IDENTIFIER);
  assertEquals([alone.flags.has("mmap2"), among.flags.has("mmap2")], [true, false]);
});

Deno.test("trackingAttr() runs from the start, or from exec like the samplers, and shares their fields", () => {
  const tracker = trackingAttr(clock, {}, { ...common, several: true, enableOnExec: false });
  assertEquals([tracker.flags.has("disabled"), tracker.flags.has("task")], [false, true]);
  const onExec = trackingAttr(clock, {}, common).flags;
  assertEquals([onExec.has("disabled"), onExec.has("enableOnExec")], [true, true]);
  assertEquals(tracker.readFormat & PERF_FORMAT.ID, PERF_FORMAT.ID);
});

Deno.test("samplingAttr() lets what is said of an event win over what is said of all", () => {
  const attrOf = (text: string, sampling: Sampling) => {
    const [{ events: [event] }] = resolveEvents(text);
    return rateText(samplingAttr(event, sampling, common, "own"));
  };
  assertEquals(attrOf("cpu-clock,=700", { period: 5000n }), "every 700");
  assertEquals(attrOf("cpu-clock/period=600/", { freq: 99 }), "every 600");
  assertEquals(attrOf("cpu-clock/freq=50/", { period: 5000n }), "50 Hz");
  assertEquals(attrOf("cpu-clock", { defaultFreq: 100 }), "100 Hz");
});

Deno.test("samplingAttr() samples an event N times slower than cycles as often as it would cycles", () => {
  const [{ events: [event] }] = resolveEvents("page-faults,1000");
  const attrOf = (sampling: Sampling) => samplingAttr(event, sampling, common, "own").samplePeriod;
  assertEquals(attrOf({ freq: 100, cyclesPerSecond: 2e9 }), 20_000n);
  assertEquals(attrOf({ period: 5_000_000n, cyclesPerSecond: 2e9 }), 5000n);
  assertEquals(attrOf({ period: 10n }), 1n);
});

Deno.test("samplingAttr() copies registers and stacks for dwarf, and leaves the user's chain to the reader", () => {
  const callGraph = { mode: "dwarf", stackBytes: 512, registers: 0xffn } as const;
  const attr = samplingAttr(clock, { callGraph }, common, "own");
  const { CALLCHAIN, REGS_USER, STACK_USER } = PERF_SAMPLE;
  assertEquals(attr.sampleType & (CALLCHAIN | REGS_USER | STACK_USER), CALLCHAIN | REGS_USER | STACK_USER);
  assertEquals([attr.sampleRegsUser, attr.sampleStackUser], [0xffn, 512]);
  assertEquals([attr.flags.has("excludeCallchainUser"), attr.flags.has("mmapData")], [true, true]);
});

Deno.test("samplingAttr() copies registers and stacks for auto, without the data mappings that only perf reads", () => {
  const callGraph = { mode: "auto", stackBytes: 4096, registers: 0xffn } as const;
  const attr = samplingAttr(clock, { callGraph }, common, "own");
  const { CALLCHAIN, REGS_USER, STACK_USER } = PERF_SAMPLE;
  assertEquals(attr.sampleType & (CALLCHAIN | REGS_USER | STACK_USER), CALLCHAIN | REGS_USER | STACK_USER);
  assertEquals([attr.sampleRegsUser, attr.sampleStackUser], [0xffn, 4096]);
  assertEquals([attr.flags.has("excludeCallchainUser"), attr.flags.has("mmapData")], [false, false]);
  const withData = { callGraph, fields: new Set(["data"] as const) };
  assertEquals(samplingAttr(clock, withData, common, "own").flags.has("mmapData"), true);
  assertEquals(trackingAttr(clock, { callGraph }, common).flags.has("mmapData"), false);
});

Deno.test("samplingAttr() adds the fields, the clock and the following of children that are asked for", () => {
  const plain = samplingAttr(clock, {}, common, "own");
  assertEquals([plain.flags.has("inherit"), plain.flags.has("useClockid")], [true, false]);
  const fields = new Set(SAMPLE_FIELDS);
  const attr = samplingAttr(clock, { fields, clockid: 4, inherit: false }, common, "own");
  const { ADDR, DATA_SRC, WEIGHT_STRUCT, PHYS_ADDR, DATA_PAGE_SIZE, CODE_PAGE_SIZE } = PERF_SAMPLE;
  assertEquals(
    attr.sampleType & ~plain.sampleType,
    ADDR | DATA_SRC | WEIGHT_STRUCT | PHYS_ADDR | DATA_PAGE_SIZE | CODE_PAGE_SIZE,
  );
  assertEquals([attr.flags.has("inherit"), attr.flags.has("useClockid"), attr.clockid], [false, true, 4]);
});

Deno.test("readingLeaderAttr() and readMemberAttr() let one event sample for all, and agree on its fields", () => {
  const alone = samplingAttr(clock, { freq: 99 }, { ...common, several: true }, "own");
  const leader = readingLeaderAttr(alone, false);
  assertEquals([leader.flags.has("inherit"), leader.samplePeriod], [true, 99n]);
  assertEquals(leader.sampleType & PERF_SAMPLE.READ, PERF_SAMPLE.READ);
  assertEquals(leader.readFormat & PERF_FORMAT.GROUP, PERF_FORMAT.GROUP);
  const member = readMemberAttr(
    samplingAttr(clock, { freq: 99 }, { ...common, several: true }, "other"),
    leader,
  );
  assertEquals([member.samplePeriod, member.flags.has("freq"), member.flags.has("disabled")], [
    0n,
    false,
    false,
  ]);
  assertEquals([member.sampleType, member.readFormat], [leader.sampleType, leader.readFormat]);
  assertEquals(rateText(member), "read at its leader's samples");
});

Deno.test("readingLeaderAttr() does not inherit on whole CPUs, and memberAttr() follows its leader in that", () => {
  const alone = samplingAttr(clock, {}, common, "own");
  const leader = readingLeaderAttr(alone, true);
  assertEquals(leader.flags.has("inherit"), false);
  const member = memberAttr(alone, leader);
  assertEquals([member.flags.has("inherit"), member.flags.has("enableOnExec")], [false, false]);
  assertEquals([member.samplePeriod, member.flags.has("freq")], [4000n, true]);
});
