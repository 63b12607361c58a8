/**
 * Permutation test of E-divisive: how often does a series whose values come in an order by chance have as good a split? It
 * allows for the split being the best of all, which the t-test of a split does not, and assumes nothing of how values are
 * distributed. Source: Matteson and James (2014), 3.
 */

import { seededRandom } from "../../run/random.ts";
import { Splitter } from "./e_divisive.ts";

/** Orders that are tried. */
const PERMUTATIONS = 999;
/** Least probability that the test can give. */
export const LEAST_PROBABILITY = 1 / (PERMUTATIONS + 1);

/**
 * Returns the probability that values in an order by chance have a split as good as the best one of `values`; from 0.001.
 * When it is above `enough`, it may be an estimate of fewer orders. The same values give the same result.
 */
export function splitProbability(values: Float64Array, enough: number): number {
  const shuffled = values.slice();
  const splitter = new Splitter(shuffled);
  const { q } = splitter.best(0, values.length);
  const atLeast = q * (1 - ROUNDING);
  const most = Math.ceil(enough * (PERMUTATIONS + 1));
  const random = seededRandom(1);
  let better = 0;
  for (let tried = 1; tried <= PERMUTATIONS; tried++) {
    shuffle(shuffled, random);
    if (splitter.best(0, shuffled.length).q >= atLeast) better++;
    if (better > most) return (1 + better) / (1 + tried);
  }
  return (1 + better) / (1 + PERMUTATIONS);
}

/** Relative error of sums that are added up in another order: an order as good must not count as worse. */
const ROUNDING = 1e-9;

/** Shuffles in place (Fisher and Yates). */
function shuffle(values: Float64Array, random: () => number): void {
  for (let i = values.length - 1; i > 0; i--) {
    const other = Math.floor(random() * (i + 1));
    const value = values[i];
    values[i] = values[other];
    values[other] = value;
  }
}
