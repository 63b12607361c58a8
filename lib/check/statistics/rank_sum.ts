/**
 * Interval of the shift between two samples that are not pairs, from the rank-sum test of Wilcoxon, Mann and Whitney. It
 * assumes only that both have the same distribution but for the shift; of logarithms, but for a factor.
 *
 * Source: Hollander, Wolfe and Chicken, Nonparametric Statistical Methods (2014), 4.2 (the Hodges-Lehmann estimate) and 4.3
 * (Moses' interval).
 */

import { type Cut, cutOf, normalCut } from "./cuts.ts";
import { ratioOfOrdered } from "./ordered_ratios.ts";
import type { Ratio } from "./statistics.ts";

/** Product of sample sizes up to which the distribution is exact; beyond, the normal one is as good. */
const MAX_EXACT = 2500;

/**
 * Returns the ratio b / a of two samples, and its interval at `confidence` (0 to 1). With too few values the interval is as
 * wide as the data, and its confidence is lower than requested. Throws RangeError when one is empty, or values are not
 * above 0.
 */
export function rankSumRatio(a: readonly number[], b: readonly number[], confidence: number): Ratio {
  if (a.length === 0 || b.length === 0) throw new RangeError("values are wanted");
  const shifts = new Float64Array(a.length * b.length);
  let at = 0;
  for (const before of a) for (const now of b) shifts[at++] = Math.log(now / before);
  if (!shifts.every(Number.isFinite)) throw new RangeError("ratios are of values above 0");
  shifts.sort();
  return ratioOfOrdered(
    { length: shifts.length, at: (index) => shifts[index] },
    rankSumCut(a.length, b.length, confidence),
  );
}

/** Returns the smallest size of two samples whose interval can have this confidence. */
export function fewestOfEach(confidence: number): number {
  let size = 1;
  for (let orders = 2; 1 - 2 / orders < confidence; size++) {
    orders *= (2 * size + 1) * (2 * size + 2) / (size + 1) ** 2;
  }
  return size;
}

/** Returns the number of shifts to cut at either end for an interval of this confidence, and its confidence. */
function rankSumCut(n: number, m: number, confidence: number): Cut {
  if (n * m > MAX_EXACT) return normalCut(n * m / 2, Math.sqrt(n * m * (n + m + 1) / 12), confidence);
  return cutOf(rankSumChances(n, m), confidence);
}

/**
 * Returns the probability of each number of pairs, one value of either sample, in which the first is the smaller one, when
 * all orders of n + m values are alike likely.
 */
function rankSumChances(n: number, m: number): Float64Array {
  // orders with the largest value in the first sample, and in the second: P(n, m, u) = n/(n+m) P(n-1, m, u-m) + m/(n+m) P(n, m-1, u)
  let row = Array.from({ length: m + 1 }, () => Float64Array.of(1));
  for (let i = 1; i <= n; i++) {
    const next = [Float64Array.of(1)];
    for (let j = 1; j <= m; j++) {
      const both = new Float64Array(i * j + 1);
      row[j].forEach((chance, u) => both[u + j] += i / (i + j) * chance);
      next[j - 1].forEach((chance, u) => both[u] += j / (i + j) * chance);
      next.push(both);
    }
    row = next;
  }
  return row[m];
}
