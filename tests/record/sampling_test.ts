import { assertEquals } from "@std/assert";
import { PERF_FORMAT, PERF_SAMPLE } from "../../lib/base/abi.ts";
import { rateText } from "../../lib/events/attr.ts";
import { resolveEvents } from "../../lib/events/resolve.ts";
import { samplingAttr, trackingAttr } from "../../lib/record/sampling.ts";

const [{ events: [clock] }] = resolveEvents("cpu-clock:u");
const common = { several: false, watermark: 4096, enableOnExec: true };

Deno.test("samplingAttr() samples at a rate unless a period is asked for, which wins", () => {
  const rate = samplingAttr(clock, { freq: 999, callGraph: false }, common, "own");
  assertEquals([rateText(rate), rate.flags.has("freq")], ["999 Hz", true]);
  const period = samplingAttr(clock, { freq: 999, period: 5000n, callGraph: true }, common, "own");
  assertEquals([rateText(period), period.flags.has("freq")], ["every 5000", false]);
  assertEquals((period.sampleType & PERF_SAMPLE.CALLCHAIN) !== 0, true);
});

Deno.test("samplingAttr() keeps what the event's modifiers asked for", () => {
  const attr = samplingAttr(clock, { callGraph: false }, common, "own");
  assertEquals([attr.flags.has("excludeKernel"), attr.flags.has("excludeUser")], [true, false]);
});

Deno.test("samplingAttr() names the event in each record only where there are several", () => {
  const alone = samplingAttr(clock, { callGraph: false }, common, "own");
  const among = samplingAttr(clock, { callGraph: false }, { ...common, several: true }, "other");
  assertEquals(alone.sampleType & PERF_SAMPLE.IDENTIFIER, 0);
  assertEquals(among.sampleType & PERF_SAMPLE.IDENTIFIER, PERF_SAMPLE.IDENTIFIER);
  assertEquals([alone.flags.has("mmap2"), among.flags.has("mmap2")], [true, false]);
});

Deno.test("trackingAttr() runs from the start and shares the samplers' fields", () => {
  const tracker = trackingAttr(clock, { ...common, several: true });
  assertEquals([tracker.flags.has("disabled"), tracker.flags.has("task")], [false, true]);
  assertEquals(tracker.readFormat & PERF_FORMAT.ID, PERF_FORMAT.ID);
});
