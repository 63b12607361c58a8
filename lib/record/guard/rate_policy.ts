/**
 * Decides when a recording costs the machine too much, and to what rate it goes down. Pure: rate_guard.ts measures. A
 * rate is only ever lowered, so that it settles.
 */

/** Measurements of an interval of a recording, of that interval alone. */
export interface RecordingInterval {
  seconds: number;
  /** CPU seconds of the recorder itself, all its threads together. */
  ownCpuSeconds: number;
  /** Number of CPUs of the machine. */
  cpus: number;
  /** Samples that were written. */
  written: number;
  /** Samples that were lost for want of room. */
  lost: number;
  /** Bytes that went into the output. */
  bytes: number;
  /** kernel.perf_event_max_sample_rate, which the kernel lowers when its own part takes too long. */
  kernelLimit?: number;
}

/** Rate that was lowered. */
export interface RateChange {
  /** Rate before, in Hz, for each event on each CPU. */
  from: number;
  /** Rate from then on. */
  to: number;
  /** Reason as a clause: `the recorder takes 31% of the CPUs, more than its limit of 10%`. */
  reason: string;
}

/** Share of the machine's CPU time that the recorder itself may take. */
const OWN_CPU_BUDGET = 0.1;
/** Share of samples that may be lost in an interval: it is better to take fewer, and to have them all. */
const LOST_BUDGET = 0.2;
/** Bytes a second that may go into the output: as many as a good disk takes. */
const BYTES_BUDGET = 256 * 2 ** 20;
/** Intervals in a row over a budget before the rate is lowered: one alone is a hiccup. */
const INTERVALS_BEFORE_ACTION = 2;
/** Share of the budget to aim for, so that it is met at once rather than approached. */
const MARGIN = 0.8;
/** Lowest rate in Hz: below, sampling costs next to nothing, and something else is too slow. */
const MIN_RATE = 100;

/** Returns the factor that the rate has to go down by after an interval, and why; undefined when no budget is exceeded. */
function excess(s: RecordingInterval, rate: number): { factor: number; reason: string } | undefined {
  const percent = (share: number) => `${(100 * share).toFixed(0)}%`;
  const own = s.ownCpuSeconds / (s.seconds * s.cpus);
  const lost = s.lost / Math.max(1, s.lost + s.written);
  const bytes = s.bytes / s.seconds;
  const found = [
    {
      factor: OWN_CPU_BUDGET / own,
      reason: `the recorder takes ${percent(own)} of the CPUs, more than its limit of ${
        percent(OWN_CPU_BUDGET)
      }`,
    },
    {
      factor: lost > LOST_BUDGET ? 1 - lost : 1,
      reason: `${percent(lost)} of the samples came faster than the recorder could take them`,
    },
    {
      factor: BYTES_BUDGET / bytes,
      reason: `${(bytes / 2 ** 20).toFixed(0)} MiB a second are written to the output`,
    },
    {
      factor: (s.kernelLimit ?? Infinity) / rate / MARGIN,
      reason: `the kernel has lowered kernel.perf_event_max_sample_rate to ${s.kernelLimit}`,
    },
  ].filter(({ factor }) => factor < 1).sort((a, b) => a.factor - b.factor);
  return found[0];
}

/** Rate of one recording, lowered by what `observe()` is given. */
export class RatePolicy {
  #rate: number;
  #over = 0;
  /** Whether the rate was just changed: the interval in which that happened has samples of both. */
  #mixed = false;

  /** @param rate in Hz, at the start of the recording. */
  constructor(rate: number) {
    this.#rate = rate;
  }

  /** Returns the change to make after this interval, or undefined. The change counts as made. */
  observe(interval: RecordingInterval): RateChange | undefined {
    if (this.#mixed) {
      this.#mixed = false;
      return undefined;
    }
    const found = excess(interval, this.#rate);
    this.#over = found ? this.#over + 1 : 0;
    if (!found || this.#over < INTERVALS_BEFORE_ACTION) return undefined;
    const from = this.#rate;
    const to = Math.max(MIN_RATE, twoDigits(from * found.factor * MARGIN));
    if (to >= from) return undefined;
    this.#rate = to;
    this.#over = 0;
    this.#mixed = true;
    return { from, to, reason: found.reason };
  }
}

/** Rounds down to two digits: nobody needs to read `18437 Hz`. */
function twoDigits(rate: number): number {
  const unit = 10 ** Math.max(0, Math.floor(Math.log10(rate)) - 1);
  return Math.floor(rate / unit) * unit;
}

/** Samples a second on each CPU that any machine bears: a recording at no more is started as asked. */
export const SAFE_RATE = 20000;
/** Cost of a real sample in trial samples: its stack is deeper, and it is stored. */
const REAL_SAMPLE = 2;
/** Share of a CPU's time beyond which programs get none, the recorder among them. */
const LIVELOCK = 0.9;

/**
 * Returns the rate to begin with, in Hz on each CPU, when `asked` is requested and a sample costs `cost` seconds of its
 * CPU: one that takes no more than `budget` of the CPU's time (kernel.perf_cpu_time_max_percent, which the kernel
 * applies to hardware counters but not to timers), and at least SAFE_RATE.
 */
export function firstRate(asked: number, cost: number, budget: number): number {
  if (asked <= SAFE_RATE || cost === 0) return asked;
  return Math.min(asked, Math.max(SAFE_RATE, twoDigits(budget / (cost * REAL_SAMPLE))));
}

/** Returns whether `rate` samples a second of `cost` seconds each would leave the CPU no time for programs. */
export function livelocks(rate: number, cost: number): boolean {
  return rate * cost * REAL_SAMPLE > LIVELOCK;
}
