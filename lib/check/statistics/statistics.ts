/**
 * What a handful of runs says, and how sure that is. Intervals make no assumption on how times are
 * distributed, because they are skewed to the right by whatever else the machine did.
 */

import {
  binomialDistribution,
  mean,
  median,
  medianAbsoluteDeviation,
  quantileSorted,
  sampleStandardDeviation,
} from "simple-statistics";
import { seededRandom } from "../../run/random.ts";

/** A range that holds the true value with at least this confidence (0 to 1), were the runs repeated. */
export interface Interval {
  low: number;
  high: number;
  confidence: number;
}

export interface Summary {
  n: number;
  median: number;
  mean: number;
  /** Of the sample (n - 1); 0 for a single run. */
  sd: number;
  min: number;
  max: number;
  /** Of the median. Its confidence is below what was asked for where there are too few runs. */
  interval: Interval;
  /** Runs, by their index, that lie far from the others. */
  outliers: Outlier[];
}

export interface Outlier {
  run: number;
  value: number;
  /** The modified z-score: how many robust standard deviations from the median. */
  score: number;
}

/** Iglewicz and Hoaglin, How to Detect and Handle Outliers (1993): |0.6745 (x - median) / MAD| above 3.5. */
const OUTLIER_SCORE = 3.5;
const MAD_TO_SD = 0.6745;

/** Throws RangeError for no samples. */
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

/** The runs whose modified z-score is above 3.5; none where half of the runs or more are alike (MAD 0). */
export function outliersOf(samples: readonly number[]): Outlier[] {
  const list = [...samples];
  const middle = median(list);
  const mad = medianAbsoluteDeviation(list);
  if (mad === 0) return [];
  return samples.map((value, run) => ({ run, value, score: (MAD_TO_SD * (value - middle)) / mad }))
    .filter(({ score }) => Math.abs(score) > OUTLIER_SCORE);
}

/**
 * The interval of the median between two order statistics: it leaves the median out as often as `n` tosses of
 * a coin give `k` heads or fewer, on either side (David and Nagaraja, Order Statistics, 7.1). The narrowest that has
 * the confidence; with too few runs all of them, and the confidence that this has, 1 - 2^(1-n).
 */
export function medianInterval(sorted: readonly number[], confidence = 0.95): Interval {
  const n = sorted.length;
  const heads = n > 1 ? binomialDistribution(n, 0.5) ?? [] : [];
  let outside = 0;
  let best: Interval = { low: sorted[0], high: sorted[n - 1], confidence: n > 1 ? 1 - 2 ** (1 - n) : 0 };
  for (let k = 0; k < (n - 1) / 2; k++) {
    outside += heads[k] ?? 0;
    if (1 - 2 * outside < confidence) break;
    best = { low: sorted[k], high: sorted[n - 1 - k], confidence: 1 - 2 * outside };
  }
  return best;
}

/** How `b` compares with `a`: the ratio b / a, below 1 where b takes less. */
export interface Ratio {
  ratio: number;
  interval: Interval;
}

/**
 * The ratio of what was measured in pairs, run i of `a` beside run i of `b`: the median of the pairs' ratios,
 * in which whatever slowed both for a while cancels out. Its interval is that of the median of the pairs.
 * Throws RangeError when there are no pairs, or values that are not above 0.
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
 * The ratio of the medians of two sets of runs that were not made in pairs (a baseline and today), with the
 * percentile bootstrap's interval (Efron and Tibshirani, An Introduction to the Bootstrap, 13.3): both are resampled
 * `resamples` times, in blocks of as many runs in a row as `block` says, round the end to the start (Politis and Romano,
 * the circular block bootstrap). The same for the same `seed`. Throws RangeError as pairedRatio().
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
