/** Estimate of the number of rounds that will decide. */

import type { Judgement } from "./verdict.ts";

/** Margin of an estimated number of rounds: the estimate itself is uncertain. */
const MARGIN = 1.2;

/**
 * Returns how many rounds would probably decide, after `rounds` of them, if the machine stays as it is: intervals narrow
 * with the square root of the number of runs.
 */
export function probableRounds({ ratio, noise }: Judgement, threshold: number, rounds: number): number {
  const { low, high } = ratio.interval, limit = 1 + threshold;
  const gap = Math.abs(ratio.ratio - limit),
    reach = ratio.ratio < limit ? high - ratio.ratio : ratio.ratio - low;
  const factor = Math.max(reach / gap, noise / threshold, 1);
  return Math.ceil(MARGIN * rounds * factor ** 2);
}
