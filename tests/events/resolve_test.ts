import { assertEquals, assertThrows } from "@std/assert";
import { UsageError } from "../../lib/base/system/errors.ts";
import { type ResolvedEvent, resolveEvents } from "../../lib/events/resolve.ts";
import {
  AMD,
  ARM,
  INTEL_HYBRID,
  INTEL_SERVER,
  PARAMETERS,
  type Tree,
  VIRTUAL_MACHINE,
  worldOf,
} from "./trees.ts";

const resolve = (text: string, tree: Tree = INTEL_SERVER): ResolvedEvent[] =>
  resolveEvents(text, worldOf(tree)).flatMap((group) => group.events);
const codes = (text: string, tree?: Tree) =>
  resolve(text, tree).map((e) => [e.name, e.attr.type, e.attr.config]);

Deno.test("resolveEvents() encodes generic, raw and PMU events", () => {
  assertEquals(codes("instructions,faults,L1-dcache-load-misses,r1a8,cpu/event=0x3c,umask=0x1,edge/u"), [
    ["instructions", 0, 1n],
    ["faults", 1, 2n],
    ["L1-dcache-load-misses", 3, 0x10000n],
    ["r1a8", 4, 0x1a8n],
    ["cpu/event=0x3c,umask=0x1,edge/u", 4, 0x4013cn],
  ]);
});

Deno.test("resolveEvents() fills split fields and config1", () => {
  assertEquals(codes("cpu/event=0x1c3/", AMD), [["cpu/event=0x1c3/", 4, 0x1_0000_00c3n]]);
  const [loads] = resolve("cpu/mem-loads,ldlat=30/");
  assertEquals([loads.attr.config, loads.attr.config1], [0x1cdn, 30n]);
});

Deno.test("resolveEvents() takes a raw code and whole config words inside a PMU's slashes", () => {
  const [raw] = resolve("cpu/r1a8/");
  assertEquals(raw.attr.config, 0x1a8n);
  const [words] = resolve("msr/config=1,config1=2,config2=0x3,name=mine,period=1000/");
  assertEquals([words.attr.config, words.attr.config1, words.attr.config2], [1n, 2n, 3n]);
  assertEquals([words.name, words.period], ["mine", 1000n]);
  assertEquals(resolve("cycles/freq=99/")[0].freq, 99);
});

Deno.test("resolveEvents() opens an event of several uncore PMUs on each, with unit, scale and CPUs", () => {
  const events = resolve("uncore_imc/cas_count_read/");
  assertEquals(
    events.map((e) => [e.name, e.attr.type, e.attr.config, e.unit, e.scale, e.cpus, e.followsTasks]),
    [
      ["uncore_imc_0/cas_count_read/", 14, 0xf04n, "MiB", 6.103515625e-5, [0, 16], false],
      ["uncore_imc_1/cas_count_read/", 15, 0xf04n, "MiB", 6.103515625e-5, [0, 16], false],
    ],
  );
  assertEquals(events[0].attr.flags.size, 0);
});

Deno.test("resolveEvents() finds a driver's event without its PMU", () => {
  assertEquals(codes("mem-loads"), [["mem-loads", 4, 0x1cdn]]);
  const [energy] = resolve("energy-pkg");
  assertEquals([energy.pmu, energy.unit], ["power", "Joules"]);
});

Deno.test("resolveEvents() opens generic and raw events on each core PMU of a hybrid CPU", () => {
  assertEquals(codes("cycles:u,L1-dcache-loads,r3c,cpu-clock", INTEL_HYBRID), [
    ["cpu_atom/cycles/u", 0, 0xa_0000_0000n],
    ["cpu_core/cycles/u", 0, 0x4_0000_0000n],
    ["cpu_atom/L1-dcache-loads/", 3, 0xa_0000_0000n],
    ["cpu_core/L1-dcache-loads/", 3, 0x4_0000_0000n],
    ["cpu_atom/r3c/", 10, 0x3cn],
    ["cpu_core/r3c/", 4, 0x3cn],
    ["cpu-clock", 1, 0n],
  ]);
  const [core] = resolve("cpu_core/cycles/", INTEL_HYBRID);
  assertEquals([core.attr.type, core.attr.config, core.cpus], [0, 0x4_0000_0000n, [0, 1, 2, 3]]);
});

Deno.test("resolveEvents() encodes ARM's events", () => {
  assertEquals(codes("armv8_pmuv3_0/inst_retired/,armv8_pmuv3/event=0x11,long/,cycles", ARM), [
    ["armv8_pmuv3_0/inst_retired/", 8, 8n],
    ["armv8_pmuv3/event=0x11,long/", 8, 0x11n],
    ["cycles", 0, 0n],
  ]);
});

Deno.test("resolveEvents() expands globs of tracepoints and marks them as sampled each time", () => {
  const events = resolve("sched:sched_wak*:u,syscalls:sys_enter_openat");
  assertEquals(events.map((e) => [e.name, e.attr.type, e.attr.config, e.eachOccurrence]), [
    ["sched:sched_wakeup:u", 2, 375n, true],
    ["sched:sched_waking:u", 2, 376n, true],
    ["syscalls:sys_enter_openat", 2, 600n, true],
  ]);
});

Deno.test("resolveEvents() encodes breakpoints as the kernel wants them", () => {
  const parts = (text: string) => {
    const { attr } = resolve(text)[0];
    return [attr.type, attr.config, attr.config1, attr.config2, attr.bpType];
  };
  assertEquals(parts("mem:0x1000"), [5, 0n, 0x1000n, 4n, 3]);
  assertEquals(parts("mem:0x1000/8:w"), [5, 0n, 0x1000n, 8n, 2]);
  assertEquals(parts("mem:0x1000:x"), [5, 0n, 0x1000n, 8n, 4]);
});

Deno.test("resolveEvents() hands on what a group asks for", () => {
  const [group, weak, plain] = resolveEvents(
    "{cycles,faults}:S,{cycles,faults}:W,cycles",
    worldOf(INTEL_SERVER),
  );
  assertEquals([group.braces, group.events.length, group.sampleRead, group.weak], [true, 2, true, false]);
  assertEquals([weak.sampleRead, weak.weak], [false, true]);
  assertEquals([plain.braces, plain.events.length], [false, 1]);
});

Deno.test("resolveEvents() asks for the precision that the PMU says it has", () => {
  assertEquals(resolve("cycles:P").map((e) => [e.preciseMax, e.attr.preciseIp]), [[true, 3]]);
  assertEquals(resolve("cycles:P", AMD).map((e) => [e.preciseMax, e.attr.preciseIp]), [[true, 0]]);
  assertEquals(resolve("cycles:pp")[0].attr.preciseIp, 2);
});

Deno.test("resolveEvents() lets an event's parameter be given behind it and wants it", () => {
  assertEquals(codes("hv_24x7/PM_CYC,core=5/", PARAMETERS)[0][2], 0xe0_0005_0002n);
  assertThrows(
    () => resolve("hv_24x7/PM_CYC/", PARAMETERS),
    UsageError,
    "event 'hv_24x7/PM_CYC/', character 9: event 'PM_CYC' needs a value for its parameter: core=VALUE",
  );
});

const FAULTS: [text: string, message: string][] = [
  [
    "cycles,instrctions",
    "event 'cycles,instrctions', character 8: no event 'instrctions' (see 'pmuctl list-events'); did you mean instructions?",
  ],
  ["cpu/evnt=0x3c/", "character 5: PMU cpu has no term 'evnt'; it has any, cmask"],
  ["cpu/mem-load/", "did you mean mem-loads?"],
  ["cpu/umask=0x100/", "character 5: umask=0x100 does not fit config:8-15: at most 0xff"],
  ["cpu/event=many/", "character 5: term 'event': 'many' is not a 64-bit number"],
  ["cpu/config/", "term 'config' needs a value: config=NUMBER"],
  ["cpu/name/", "term 'name' needs a value: name=TEXT"],
  ["cycles/umask=1/", "character 8: this event has no term 'umask'; it has config"],
  ["cpu/call-graph=fp/", "pmuctl has no term 'call-graph': use -g"],
  ["cpuu/event=1/", "character 1: no PMU 'cpuu'; expected one of breakpoint, cpu, msr"],
  [
    "sched:sched_swich",
    "character 7: no tracepoint 'sched_swich' in 'sched'; did you mean sched_switch?",
  ],
  [
    "shced:sched_switch",
    "character 1: no event and no tracepoint system 'shced'; did you mean sched?",
  ],
  ["sched:nothing*", "no tracepoint 'nothing*' in 'sched'"],
];

for (const [text, message] of FAULTS) {
  Deno.test(`resolveEvents() refuses '${text}' with a hint`, () => {
    assertThrows(() => resolve(text), UsageError, message);
  });
}

Deno.test("resolveEvents() reads neither PMUs nor tracefs for a software event", () => {
  const untouchable = new Proxy({}, {
    get: (_, property) => {
      throw new Error(`${String(property)} was asked for`);
    },
  });
  // deno-lint-ignore no-explicit-any
  const events = resolveEvents("cpu-clock:u", { pmus: untouchable as any, tracepoints: untouchable as any });
  assertEquals(events[0].events[0].pmu, "software");
});

Deno.test("resolveEvents() refuses a hardware term on a PMU that has none", () => {
  assertThrows(() => resolve("msr/cycles/", VIRTUAL_MACHINE), UsageError, "PMU msr has no term 'cycles'");
  assertEquals(codes("software/cpu-clock/", VIRTUAL_MACHINE), [["software/cpu-clock/", 1, 0n]]);
});

Deno.test("resolveEvents() warns of an event that would always count 0", () => {
  assertEquals(
    resolve("cs:u,{faults,sched:sched_switch}:u,cs,cs:uk,cycles:u").map((e) => e.warning),
    [
      "cs:u always counts 0: it only happens in the kernel",
      undefined,
      "sched:sched_switch always counts 0: it only happens in the kernel",
      undefined,
      undefined,
      undefined,
    ],
  );
});
