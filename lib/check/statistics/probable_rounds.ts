/** Estimate of the number of rounds that will decide. */

import type { Judgement } from "./verdict.ts";

/** Margin of an estimated number of rounds: the estimate itself is uncertain. */
const MARGIN = 1.2;

/** Part of an interval's reach that is about one standard error of the ratio. */
const STANDARD_ERROR = 0.25;

/**
 * Returns how many rounds would probably decide, after `rounds` of them, if the machine stays as it is: intervals narrow
 * with the square root of the number of runs.
 * @param isHopeful whether to take the ratio for one standard error farther from the threshold than it seems to be, for the
 *   number that has a fair chance to decide.
 */
export function probableRounds(
  { ratio, noise }: Judgement,
  threshold: number,
  rounds: number,
  isHopeful = false,
): number {
  const { low, high } = ratio.interval, limit = 1 + threshold;
  const reach = ratio.ratio < limit ? high - ratio.ratio : ratio.ratio - low;
  const gap = Math.abs(ratio.ratio - limit) + (isHopeful ? STANDARD_ERROR * reach : 0);
  const factor = Math.max(reach / gap, noise / threshold, 1);
  return Math.ceil(MARGIN * rounds * factor ** 2);
}
