/** How many of ordered values are cut at either end for an interval of a given confidence, by the distribution of a statistic. */

import { probit } from "simple-statistics";

/** How many values are cut at either end, and the confidence (0 to 1) of what is between. */
export interface Cut {
  cut: number;
  confidence: number;
}

/**
 * Returns the cut of the narrowest interval with this confidence, or of the widest one if none has it.
 * @param chances probability of each value of the test's statistic, from 0 on, which is symmetric.
 */
export function cutOf(chances: Float64Array, confidence: number): Cut {
  let outside = 0;
  let best = { cut: 0, confidence: 1 - 2 * chances[0] };
  for (let cut = 0; 2 * cut < chances.length - 1; cut++) {
    outside += chances[cut];
    if (1 - 2 * outside < confidence) break;
    best = { cut, confidence: 1 - 2 * outside };
  }
  return best;
}

/**
 * Returns the cut for a statistic of many values, whose distribution is as good as normal.
 * @param mean of the statistic.
 * @param spread its standard deviation.
 */
export function normalCut(mean: number, spread: number, confidence: number): Cut {
  const cut = Math.floor(mean + probit((1 - confidence) / 2) * spread - 0.5);
  return { cut: Math.max(0, cut), confidence };
}
