/**
 * Interval of the center of paired differences, from Wilcoxon's signed-rank test. It assumes only that each
 * difference is as likely to be above the center as below it by as much. The random order of a pair's runs ensures
 * that for two identical commands: nothing has to be normally distributed, and no load has to be steady.
 *
 * Source: Hollander, Wolfe and Chicken, Nonparametric Statistical Methods (2014), 3.2 (the Hodges-Lehmann estimate)
 * and 3.3 (Tukey's interval).
 */

import { type Cut, cutOf, normalCut } from "./cuts.ts";
import { ratioOfOrdered } from "./ordered_ratios.ts";
import type { Ratio } from "./statistics.ts";
import { WalshAverages } from "./walsh_averages.ts";

/** Number of pairs up to which the distribution is exact; beyond, the normal one is as good. */
const MAX_EXACT = 200;

/**
 * Returns the ratio b / a of paired measurements, and its interval at `confidence` (0 to 1). With too few pairs the interval is as wide as the data, and its confidence is lower than requested. Throws
 * RangeError when there are no pairs, or values are not above 0.
 */
export function signedRankRatio(a: readonly number[], b: readonly number[], confidence: number): Ratio {
  if (a.length === 0 || a.length !== b.length) throw new RangeError("pairs are wanted");
  const logs = Float64Array.from(a, (value, i) => Math.log(b[i] / value));
  if (!logs.every(Number.isFinite)) throw new RangeError("ratios are of values above 0");
  return ratioOfOrdered(new WalshAverages(logs), signedRankCut(logs.length, confidence));
}

/** Returns the smallest number of pairs whose interval can have this confidence. */
export function fewestPairs(confidence: number): number {
  return Math.ceil(1 - Math.log2(1 - confidence));
}

/** Returns the number of averages to cut at either end for an interval of this confidence, and its confidence. */
function signedRankCut(n: number, confidence: number): Cut {
  if (n <= MAX_EXACT) return cutOf(rankSumChances(n), confidence);
  return normalCut(n * (n + 1) / 4, Math.sqrt(n * (n + 1) * (2 * n + 1) / 24), confidence);
}

const known = new Map<number, Float64Array>();

/** Returns the probability of each sum of the ranks 1 to n when each rank is included with probability 1/2. */
function rankSumChances(n: number): Float64Array {
  const ready = known.get(n);
  if (ready) return ready;
  const chances = new Float64Array(n * (n + 1) / 2 + 1);
  chances[0] = 1;
  let top = 0;
  for (let rank = 1; rank <= n; rank++) {
    top += rank;
    for (let sum = top; sum >= 0; sum--) {
      chances[sum] = (chances[sum] + (sum >= rank ? chances[sum - rank] : 0)) / 2;
    }
  }
  known.set(n, chances);
  return chances;
}
