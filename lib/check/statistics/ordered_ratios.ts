/** The interval that rank tests have in common: between two of all ratios, as many from either end as their confidence allows. */

import { quantileSorted } from "simple-statistics";
import type { Ratio } from "./statistics.ts";

/** How many ratios are cut at either end, and the confidence (0 to 1) of what is between. */
export interface Cut {
  cut: number;
  confidence: number;
}

/** Returns the median of ratios and the interval between two of them, given their logarithms in ascending order. */
export function ratioOfOrdered(logs: Float64Array, { cut, confidence }: Cut): Ratio {
  return {
    ratio: Math.exp(quantileSorted(logs as unknown as number[], 0.5)),
    interval: { low: Math.exp(logs[cut]), high: Math.exp(logs[logs.length - 1 - cut]), confidence },
  };
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
