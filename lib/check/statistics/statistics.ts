/**
 * Statistics of a few runs, with their uncertainty. The intervals assume no particular distribution of times, because
 * these are skewed to the right by whatever else the machine did.
 */

import {
  mean,
  median,
  medianAbsoluteDeviation,
  quantileSorted,
  sampleStandardDeviation,
} from "simple-statistics";
import { seededRandom } from "../../run/random.ts";
import { type Cut, cutOf, normalCut } from "./cuts.ts";

/** Range that holds the true value with at least this confidence (0 to 1), if the runs were repeated. */
export interface Interval {
  low: number;
  high: number;
  confidence: number;
}

/** Summary of samples. */
export interface Summary {
  n: number;
  median: number;
  mean: number;
  /** Standard deviation of the sample (n - 1); 0 for a single run. */
  sd: number;
  min: number;
  max: number;
  /** Interval of the median. Its confidence is lower than requested when there are too few runs. */
  interval: Interval;
  /** Runs that are far from the others. */
  outliers: Outlier[];
}

/** Run that is far from the others. */
export interface Outlier {
  /** Index of the run. */
  run: number;
  value: number;
  /** Modified z-score: distance from the median in robust standard deviations. */
  score: number;
}

/**
 * Outliers have a modified z-score |0.6745 (x - median) / MAD| above 3.5: Iglewicz and Hoaglin, How to Detect and
 * Handle Outliers (1993).
 */
const OUTLIER_SCORE = 3.5;
const MAD_TO_SD = 0.6745;

/** Summarizes samples. Throws RangeError when there are none. */
export function summarize(samples: readonly number[], confidence = 0.95): Summary {
  if (samples.length === 0) throw new RangeError("there is nothing to summarize");
  const sorted = [...samples].sort((a, b) => a - b);
  return {
    n: sorted.length,
    median: median(sorted),
    mean: mean(sorted),
    sd: sorted.length > 1 ? sampleStandardDeviation(sorted) : 0,
    min: sorted[0],
    max: sorted[sorted.length - 1],
    interval: medianInterval(sorted, confidence),
    outliers: outliersOf(samples),
  };
}

/** Returns the runs whose modified z-score is above 3.5; none when at least half of the runs are equal (MAD 0). */
export function outliersOf(samples: readonly number[]): Outlier[] {
  const list = [...samples];
  const middle = median(list);
  const mad = medianAbsoluteDeviation(list);
  if (mad === 0) return [];
  return samples.map((value, run) => ({ run, value, score: (MAD_TO_SD * (value - middle)) / mad }))
    .filter(({ score }) => Math.abs(score) > OUTLIER_SCORE);
}

/** Number of runs up to which the distribution of heads is exact; beyond, the normal one is as good. */
const MAX_EXACT = 200;

/**
 * Returns the interval of the median between two order statistics. It misses the median as often as `n` tosses of a
 * coin give at most `cut` heads, on either side (David and Nagaraja, Order Statistics, 7.1). This is the narrowest one
 * with the confidence; with too few runs it spans all of them, with confidence 1 - 2^(1-n).
 */
export function medianInterval(sorted: readonly number[], confidence = 0.95): Interval {
  const n = sorted.length;
  const { cut, confidence: reached } = medianCut(n, confidence);
  return { low: sorted[cut], high: sorted[n - 1 - cut], confidence: reached };
}

function medianCut(n: number, confidence: number): Cut {
  if (n > MAX_EXACT) return normalCut(n / 2, Math.sqrt(n) / 2, confidence);
  // probability of each number of heads of n coins
  const heads = new Float64Array(n + 1);
  heads[0] = 2 ** -n;
  for (let k = 1; k <= n; k++) heads[k] = heads[k - 1] * (n - k + 1) / k;
  return cutOf(heads, confidence);
}

/** Ratio b / a of two commands, below 1 when `b` takes less. */
export interface Ratio {
  ratio: number;
  interval: Interval;
}

/**
 * Returns the ratio of paired measurements, run i of `a` beside run i of `b`: the median of the pairs' ratios, in
 * which whatever slowed both for a while cancels out. The interval is that of this median. Throws RangeError when
 * there are no pairs, or values are not above 0.
 */
export function pairedRatio(a: readonly number[], b: readonly number[], confidence = 0.95): Ratio {
  if (a.length === 0 || a.length !== b.length) throw new RangeError("pairs are wanted");
  const ratios = a.map((value, i) => b[i] / value).sort((x, y) => x - y);
  if (!(ratios[0] > 0 && ratios[ratios.length - 1] < Infinity)) {
    throw new RangeError("ratios are of values above 0");
  }
  return { ratio: median(ratios), interval: medianInterval(ratios, confidence) };
}

/**
 * Returns the ratio of the medians of two unpaired sets of runs, such as a baseline and today's, with the percentile
 * bootstrap's interval (Efron and Tibshirani, An Introduction to the Bootstrap, 13.3). Both sets are resampled
 * `resamples` times in blocks of `block` consecutive runs, wrapping around at the end (the circular block bootstrap
 * of Politis and Romano). The same `seed` gives the same result. Throws RangeError as pairedRatio() does.
 */
export function unpairedRatio(
  a: readonly number[],
  b: readonly number[],
  confidence = 0.95,
  { seed = 1, resamples = 4000, block = 1 } = {},
): Ratio {
  if (!(a.length > 0 && b.length > 0 && a.every((x) => x > 0) && b.every((x) => x > 0))) {
    throw new RangeError("ratios are of values above 0");
  }
  const random = seededRandom(seed);
  const medianOfResample = (from: readonly number[], into: Float64Array) => {
    for (let i = 0, start = 0; i < into.length; i++) {
      if (i % block === 0) start = Math.floor(random() * from.length);
      into[i] = from[(start + i % block) % from.length];
    }
    return quantileSorted(into.sort() as unknown as number[], 0.5);
  };
  const [intoA, intoB] = [new Float64Array(a.length), new Float64Array(b.length)];
  const ratios = new Float64Array(resamples);
  for (let i = 0; i < resamples; i++) ratios[i] = medianOfResample(b, intoB) / medianOfResample(a, intoA);
  const sorted = ratios.sort() as unknown as number[];
  const tail = (1 - confidence) / 2;
  return {
    ratio: median([...b]) / median([...a]),
    interval: { low: quantileSorted(sorted, tail), high: quantileSorted(sorted, 1 - tail), confidence },
  };
}
