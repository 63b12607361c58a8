import { assert, assertEquals, assertThrows } from "@std/assert";
import { UnsupportedError } from "../../../lib/base/system/errors.ts";
import { BACKEND_VERSION } from "../../../lib/record/backends/backend.ts";
import { clockBackend } from "../../../lib/record/backends/perf_event_backends.ts";
import { BackendRegistry, type Sampler } from "../../../lib/record/backends/registry.ts";
import { RateGuard, type RateGuardOptions } from "../../../lib/record/guard/rate_guard.ts";
import { eventually } from "../../eventually.ts";
import { fakeSampler } from "../fake_rings.ts";

/** Machine of two CPUs on which a recording is watched. */
class Machine {
  /** Microseconds that a sample takes; undefined where it cannot be tried. */
  costUs: number | undefined = 1;
  maxPercent: string | undefined = "25";
  maxRate: string | undefined = "100000";
  seconds = 0;
  cpuSeconds = 0;
  readonly recorded = { progress: { samples: 0, lost: 0, bytes: 0 }, completed: 0 };
  readonly notes: string[] = [];
  readonly rates: number[] = [];

  guard(samplers: Sampler[], changes: Partial<RateGuardOptions> = {}): RateGuard {
    const backends = new BackendRegistry();
    backends.register("clock", BACKEND_VERSION, {
      ...clockBackend,
      setRate: (_opened, rate) => this.rates.push(rate),
    });
    return new RateGuard({
      samplers,
      cpus: 2,
      ofThreads: false,
      note: (line) => this.notes.push(line),
      backends,
      measures: {
        files: {
          read: (path) => path.endsWith("max_percent") ? this.maxPercent : this.maxRate,
          list: () => undefined,
        },
        sampleCost: () => this.costUs === undefined ? undefined : this.costUs * 1e-6,
        now: () => this.seconds,
        ownCpuSeconds: () => this.cpuSeconds,
      },
      ...changes,
    });
  }

  /** Lets a second go by, in which the recorder takes this share of both CPUs. */
  pass(share: number): void {
    this.seconds += 1;
    this.cpuSeconds += 2 * share;
    this.recorded.progress.samples += 8000;
  }
}

/** Returns an event sampled at a rate in Hz, or every so many ns. */
function sampler(how: { rate: number } | { period: number }): Sampler {
  const sampler = fakeSampler();
  const flags = new Set(sampler.attr.flags);
  if ("rate" in how) flags.add("freq");
  else flags.delete("freq");
  const samplePeriod = BigInt("rate" in how ? how.rate : how.period);
  return { ...sampler, attr: { ...sampler.attr, flags, samplePeriod } };
}

Deno.test("RateGuard.begin() lowers a rate that leaves programs too little time, and says so", () => {
  const machine = new Machine(), fast = sampler({ rate: 99999 });
  machine.costUs = 3;
  machine.guard([fast, sampler({ rate: 4000 })]).begin();
  assertEquals([machine.rates, fast.attr.samplePeriod], [[41000], 41000n]);
  assertEquals(machine.notes, [
    "sampling cpu-clock:u at 41000 Hz rather than 99999: each sample takes 3 us of its CPU here, which would leave " +
    "programs too little time (--keep-rate samples as asked)",
  ]);
});

Deno.test("RateGuard.begin() allows samples the share of the CPU that the kernel does, a quarter where that is unknown", () => {
  const rateWhere = (maxPercent: string | undefined) => {
    const machine = new Machine();
    Object.assign(machine, { maxPercent, costUs: 3 });
    machine.guard([sampler({ rate: 99999 })]).begin();
    return machine.rates;
  };
  assertEquals(rateWhere(undefined), rateWhere("25"));
  assertEquals(rateWhere("0"), rateWhere("25"));
  assert(rateWhere("15")[0] < rateWhere("25")[0]);
});

Deno.test("RateGuard.begin() leaves rates that cost little, or whose cost is unknown", () => {
  for (const costUs of [0.5, undefined]) {
    const machine = new Machine(), fast = sampler({ rate: 99999 });
    machine.costUs = costUs;
    machine.guard([fast]).begin();
    assertEquals([machine.rates, machine.notes, fast.attr.samplePeriod], [[], [], 99999n]);
  }
});

Deno.test("RateGuard.begin() refuses a period that leaves programs no time, and changes none", () => {
  const machine = new Machine();
  machine.costUs = 14;
  const error = assertThrows(() => machine.guard([sampler({ period: 10_000 })]).begin(), UnsupportedError);
  assertEquals(
    error.message,
    "cannot sample cpu-clock:u every 10000: that makes about 100000 samples a second on each CPU, of 14 us each, " +
      "which would leave programs no time: give a larger -c, or --keep-rate to sample as asked",
  );
  for (const [period, costUs] of [[10_000, 1], [10_000, undefined], [1_000_000, 14], [0, 14]] as const) {
    machine.costUs = costUs;
    machine.guard([sampler({ period })]).begin();
  }
  assertEquals([machine.rates, machine.notes], [[], []]);
});

Deno.test("RateGuard lowers the rate of a recording that takes too much, of the events that have a higher one", () => {
  const machine = new Machine();
  const guard = machine.guard([sampler({ rate: 8000 }), sampler({ rate: 100 }), sampler({ period: 5 })]);
  const observe = guard.observer(machine.recorded);
  for (const share of [0.4, 0.4, 0.01]) {
    machine.pass(share);
    observe();
  }
  const reason = "the recorder takes 40% of the CPUs, more than its limit of 10%";
  assertEquals(machine.rates, [1600]);
  assertEquals(guard.changes, [{ seconds: 2, from: 8000, to: 1600, reason }]);
  assertEquals(machine.notes, [`lowered the rate from 8000 to 1600 Hz: ${reason}`]);
});

Deno.test("RateGuard says that threads which already run keep their rate", () => {
  const machine = new Machine();
  const observe = machine.guard([sampler({ rate: 8000 })], { ofThreads: true }).observer(machine.recorded);
  for (const share of [0.4, 0.4]) {
    machine.pass(share);
    observe();
  }
  assert(
    machine.notes[0].startsWith("lowered the rate from 8000 to 1600 Hz in threads that start from now on"),
  );
});

Deno.test("RateGuard passes over a second in which an output was completed", () => {
  const machine = new Machine();
  const observe = machine.guard([sampler({ rate: 8000 })]).observer(machine.recorded);
  for (let i = 0; i < 4; i++) {
    machine.pass(0.4);
    machine.recorded.completed++;
    observe();
  }
  assertEquals(machine.rates, []);
});

Deno.test("RateGuard follows the kernel when that lowers its limit", () => {
  const machine = new Machine();
  const observe = machine.guard([sampler({ rate: 8000 })]).observer(machine.recorded);
  machine.maxRate = "2000";
  for (let i = 0; i < 3; i++) {
    machine.pass(0.01);
    observe();
  }
  assertEquals(machine.rates, [2000]);
});

Deno.test("RateGuard warns once where there are only periods, which it keeps", () => {
  const machine = new Machine();
  const guard = machine.guard([sampler({ period: 1000 })]);
  const observe = guard.observer(machine.recorded);
  for (let i = 0; i < 6; i++) {
    machine.pass(0.4);
    observe();
  }
  assertEquals([machine.rates, guard.changes], [[], []]);
  assertEquals(machine.notes, [
    "warning: the recorder takes 40% of the CPUs, more than its limit of 10%: the period is kept as asked; a larger " +
    "-c costs less",
  ]);
});

Deno.test("RateGuard.watch() measures again and again until stop()", async () => {
  const machine = new Machine();
  const guard = machine.guard([sampler({ rate: 8000 })]);
  let looks = 0;
  guard.watch({
    get progress() {
      machine.pass(0.4);
      looks++;
      return machine.recorded.progress;
    },
    completed: 0,
  });
  await eventually(() => looks === 3, "two measurements");
  guard.stop();
  assertEquals(machine.rates, [1600]);
});
