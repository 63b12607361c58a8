/**
 * When a recording costs the machine too much, and what rate it should go down to. Pure: the figures come
 * from rate_guard.ts. A rate is only ever lowered, so that it comes to rest.
 */

/** A stretch of a recording. All figures are of that stretch alone. */
export interface RecordingInterval {
  seconds: number;
  /** CPU seconds that the recorder itself took, all its threads together. */
  ownCpuSeconds: number;
  /** CPUs of the machine. */
  cpus: number;
  /** Samples that were written, and that were not for want of room. */
  written: number;
  lost: number;
  /** Bytes that went into the output. */
  bytes: number;
  /** kernel.perf_event_max_sample_rate, which the kernel lowers when its own part takes too long. */
  kernelLimit?: number;
}

/** A rate that was lowered. */
export interface RateChange {
  /** In Hz, for each event on each CPU. */
  from: number;
  to: number;
  /** `the recorder takes 31% of the CPUs, of 10% that it may`. */
  reason: string;
}

/** The recorder's own share of the machine's CPU time that is too much. */
export const OWN_CPU_BUDGET = 0.1;
/** Of samples lost in a stretch: it is better to take fewer, and to have them all. */
const LOST_BUDGET = 0.2;
/** Bytes a second into the output: what a good disk takes. */
const BYTES_BUDGET = 256 * 2 ** 20;
/** Stretches over a budget before anything is done: one alone is a hiccup. */
const INTERVALS_BEFORE_ACTION = 2;
/** Aim below the budget, so that it is met at once rather than approached. */
const MARGIN = 0.8;
/** Below this, sampling costs nothing to speak of, and it is something else that is too slow. */
const MIN_RATE = 100;

/** What is too much in a stretch: the factor that the rate has to go down by, and why; undefined when nothing is. */
function excess(s: RecordingInterval, rate: number): { factor: number; reason: string } | undefined {
  const percent = (share: number) => `${(100 * share).toFixed(0)}%`;
  const own = s.ownCpuSeconds / (s.seconds * s.cpus);
  const lost = s.lost / Math.max(1, s.lost + s.written);
  const bytes = s.bytes / s.seconds;
  const found = [
    {
      factor: OWN_CPU_BUDGET / own,
      reason: `the recorder takes ${percent(own)} of the CPUs, of ${percent(OWN_CPU_BUDGET)} that it may`,
    },
    {
      factor: lost > LOST_BUDGET ? 1 - lost : 1,
      reason: `${percent(lost)} of the samples came faster than they could be written`,
    },
    {
      factor: BYTES_BUDGET / bytes,
      reason: `${(bytes / 2 ** 20).toFixed(0)} MiB a second go into the output`,
    },
    {
      factor: (s.kernelLimit ?? Infinity) / rate / MARGIN,
      reason: `the kernel has lowered kernel.perf_event_max_sample_rate to ${s.kernelLimit}`,
    },
  ].filter(({ factor }) => factor < 1).sort((a, b) => a.factor - b.factor);
  return found[0];
}

/** Watches over one recording's rate. */
export class RatePolicy {
  #rate: number;
  #over = 0;
  /** The stretch in which a rate was changed has samples of both. */
  #mixed = false;

  /** @param rate in Hz, as the recording begins. */
  constructor(rate: number) {
    this.#rate = rate;
  }

  /** The change to make after this stretch, or undefined. It counts as made. */
  observe(stretch: RecordingInterval): RateChange | undefined {
    if (this.#mixed) {
      this.#mixed = false;
      return undefined;
    }
    const found = excess(stretch, this.#rate);
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

/** Rounded down to two digits: nobody needs to read `18437 Hz`. */
function twoDigits(rate: number): number {
  const unit = 10 ** Math.max(0, Math.floor(Math.log10(rate)) - 1);
  return Math.floor(rate / unit) * unit;
}

/** Samples a second on each CPU that any machine bears: up to here, a recording begins as it is asked to. */
export const SAFE_RATE = 20000;
/** A real sample has a deeper stack than the ones that were tried, and has to be stored. */
const REAL_SAMPLE = 2;
/** Beyond this share of a CPU's time there is none left for programs, the recorder among them. */
const LIVELOCK = 0.9;

/**
 * The rate to begin with, in Hz on each CPU, when `asked` is wanted and a sample costs `cost` seconds of its
 * CPU: what takes no more than `budget` of the CPU's time (kernel.perf_cpu_time_max_percent, which the kernel
 * heeds for hardware counters but not for timers), and at least SAFE_RATE.
 */
export function firstRate(asked: number, cost: number, budget: number): number {
  if (asked <= SAFE_RATE || cost === 0) return asked;
  return Math.min(asked, Math.max(SAFE_RATE, twoDigits(budget / (cost * REAL_SAMPLE))));
}

/** Whether `rate` samples a second of `cost` seconds each would leave the CPU no time. */
export function livelocks(rate: number, cost: number): boolean {
  return rate * cost * REAL_SAMPLE > LIVELOCK;
}
