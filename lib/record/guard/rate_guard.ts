/** Keeps a recording from taking the machine down: measures its cost for rate_policy.ts, and lowers the rate. */

import { CLOCK } from "../../base/system/numbers.ts";
import { clockNs } from "../../../ffi/pmu.ts";
import { UnsupportedError } from "../../base/system/errors.ts";
import { greatest } from "../../base/bytes/lists.ts";
import type { EventAttr } from "../../events/attr.ts";
import { hostFiles, type KernelFiles, readNumber } from "../../events/files.ts";
import type { TimedRateChange } from "../../perfdata/own/session_info.ts";
import { backends } from "../backends/all.ts";
import type { Backend, BackendRegistry, Sampler } from "../backends/registry.ts";
import {
  firstRate,
  livelocks,
  type RateChange,
  RatePolicy,
  type RecordingInterval,
  SAFE_RATE,
} from "./rate_policy.ts";
import type { RecordingProgress } from "../request/request.ts";
import { sampleCost } from "./sample_cost.ts";

/** Milliseconds between two measurements. */
const POLL_MS = 1000;
/** Share of a CPU's time that the kernel allows for sampling when kernel.perf_cpu_time_max_percent cannot be read. */
const DEFAULT_BUDGET = 0.25;

/** Recording that is watched. */
export interface GuardedRecording {
  readonly progress: RecordingProgress;
  /** Outputs that have been completed: each takes time that has nothing to do with the rate. */
  readonly completed: number;
}

/** Measurements of this machine and of this process. */
export interface GuardMeasures {
  files: KernelFiles;
  /** Returns the seconds that a sample of the event takes; undefined when it cannot be tried. */
  sampleCost(attr: EventAttr): number | undefined;
  /** Returns the seconds on a clock that never goes back. */
  now(): number;
  /** Returns the CPU time in seconds of all threads of this process, the drain's among them. */
  ownCpuSeconds(): number;
}

const LIVE_MEASURES: GuardMeasures = {
  files: hostFiles,
  sampleCost: (attr) => sampleCost(attr),
  now: () => performance.now() / 1000,
  ownCpuSeconds: () => Number(clockNs(CLOCK.PROCESS_CPUTIME_ID)) / 1e9,
};

/** Options of a guard. */
export interface RateGuardOptions {
  samplers: readonly Sampler[];
  /** Number of CPUs of the machine. */
  cpus: number;
  /** Whether the events are of threads: those that already run keep their rate when it is changed. */
  ofThreads: boolean;
  note: (line: string) => void;
  /** Backends that opened the events; this process's by default. */
  backends?: Pick<BackendRegistry, "all">;
  /** Measurements in place of this machine's. */
  measures?: GuardMeasures;
}

/** Guard of one recording: `begin()` before sampling starts, `watch()` while it runs, `stop()`. */
export class RateGuard {
  readonly #options: RateGuardOptions;
  readonly #measures: GuardMeasures;
  /** Events that are sampled at a rate; a period that the user gave is never changed. */
  readonly #rated: Sampler[];
  readonly #changes: TimedRateChange[] = [];
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(options: RateGuardOptions) {
    this.#options = options;
    this.#measures = options.measures ?? LIVE_MEASURES;
    this.#rated = options.samplers.filter(({ attr }) => attr.flags.has("freq"));
  }

  /** Changes made by `watch()`, in order. */
  get changes(): readonly TimedRateChange[] {
    return this.#changes;
  }

  /**
   * Lowers a rate that would leave the CPUs little time for anything else, before sampling starts: with such a rate,
   * `watch()` would not get to run. Throws UnsupportedError for a period that would do that, since a period is never
   * changed.
   */
  begin(): void {
    this.#checkPeriods();
    for (const sampler of this.#rated) {
      const asked = Number(sampler.attr.samplePeriod);
      if (asked <= SAFE_RATE) continue;
      const cost = this.#measures.sampleCost(sampler.attr);
      if (cost === undefined) continue;
      const percent = readNumber(this.#measures.files, "/proc/sys/kernel/perf_cpu_time_max_percent");
      const to = firstRate(asked, cost, percent ? percent / 100 : DEFAULT_BUDGET);
      if (to === asked) continue;
      this.#backendOf(sampler).setRate(sampler, to);
      sampler.attr = { ...sampler.attr, samplePeriod: BigInt(to) };
      const each = (cost * 1e6).toFixed(0);
      this.#options.note(
        `sampling ${sampler.event.name} at ${to} Hz rather than ${asked}: each sample takes ${each} us of its CPU here, ` +
          `which would leave programs too little time (--keep-rate samples as asked)`,
      );
    }
  }

  /** Measures once a second what the recording costs, and lowers the rate when that is too much. */
  watch(recorded: GuardedRecording): void {
    this.#timer = setInterval(this.observer(recorded), POLL_MS);
    Deno.unrefTimer(this.#timer as unknown as number);
  }

  /** Returns a function that measures what happened since its last call, and lowers the rate when it costs too much. */
  observer(recorded: GuardedRecording): () => void {
    const rates = this.#rated.map(({ attr }) => Number(attr.samplePeriod));
    // where no event has a rate there is none to lower, but the user is warned once
    const control = new RatePolicy(rates.length > 0 ? greatest(rates) : SAFE_RATE);
    const started = this.#measures.now();
    let warned = false;
    const next = intervalReader(recorded, this.#options.cpus, this.#measures);
    return () => {
      const interval = next();
      const change = warned || !interval ? undefined : control.observe(interval);
      if (!change) return;
      if (rates.length === 0) {
        warned = true;
        this.#options.note(`warning: ${change.reason}: the period is kept as asked; a larger -c costs less`);
      } else {
        this.#apply(change, this.#measures.now() - started);
      }
    };
  }

  /** Ends `watch()`. */
  stop(): void {
    clearInterval(this.#timer);
  }

  #apply({ from, to, reason }: RateChange, seconds: number) {
    for (const sampler of this.#rated) {
      if (Number(sampler.attr.samplePeriod) > to) this.#backendOf(sampler).setRate(sampler, to);
    }
    this.#changes.push({ seconds, from, to, reason });
    const whose = this.#options.ofThreads ? " in threads that start from now on, and in the first" : "";
    this.#options.note(`lowered the rate from ${from} to ${to} Hz${whose}: ${reason}`);
  }

  #checkPeriods() {
    for (const sampler of this.#options.samplers) {
      const { event, attr } = sampler;
      if (attr.flags.has("freq") || attr.samplePeriod === 0n) continue; // 0: its leader samples for it
      const estimate = this.#backendOf(sampler).estimateFrequency(event);
      const rate = estimate === undefined ? 0 : estimate / Number(attr.samplePeriod);
      if (rate <= SAFE_RATE) continue;
      const cost = this.#measures.sampleCost(attr);
      if (cost === undefined || !livelocks(rate, cost)) continue;
      throw new UnsupportedError({
        attempt: `sample ${event.name} every ${attr.samplePeriod}`,
        cause:
          `that makes about ${Math.round(rate)} samples a second on each CPU, of ${
            (cost * 1e6).toFixed(0)
          } us each, ` +
          "which would leave programs no time",
        remedy: "give a larger -c, or --keep-rate to sample as asked",
      });
    }
  }

  #backendOf({ choice }: Sampler): Backend {
    const registry = this.#options.backends ?? backends;
    return registry.all().find(({ name }) => name === choice.backend)!; // it cannot go while it is in use
  }
}

/** Seconds of the shortest interval that tells anything: after a long wait for a CPU, timers come one right behind the other. */
const MIN_SECONDS = 0.1;

/**
 * Returns a function that measures what happened since it last returned something; undefined when an output was completed
 * since, and when that was only just.
 */
function intervalReader(
  recorded: GuardedRecording,
  cpus: number,
  measures: GuardMeasures,
): () => RecordingInterval | undefined {
  const now = () => ({
    at: measures.now(),
    ownCpuSeconds: measures.ownCpuSeconds(),
    ...recorded.progress,
    completed: recorded.completed,
  });
  let last = now();
  return () => {
    const before = last, current = now();
    if (current.at - before.at < MIN_SECONDS) return undefined;
    last = current;
    if (last.completed > before.completed) return undefined;
    return {
      seconds: last.at - before.at,
      ownCpuSeconds: last.ownCpuSeconds - before.ownCpuSeconds,
      cpus,
      written: last.samples - before.samples,
      lost: last.lost - before.lost,
      bytes: last.bytes - before.bytes,
      kernelLimit: readNumber(measures.files, "/proc/sys/kernel/perf_event_max_sample_rate"),
    };
  };
}
