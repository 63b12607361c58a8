/**
 * Note on the wall time next to a verdict by other metrics: a command that waits longer need not use more of anything
 * else.
 */

import { median, quantile } from "simple-statistics";
import { formatQuantity } from "../metrics/format_quantity.ts";
import { formatSignedPercent } from "./result.ts";

/** Smallest number of runs of each command for a note. */
export const WALL_RUNS = 3;
/** Smallest change that is noted, as a fraction: so few runs show no smaller one. */
const MIN_CHANGE = 0.1;

/**
 * Returns a note about the wall times in ns of the old and the new command, when `sources` decide. Undefined unless
 * the new one clearly takes longer: three of four runs are longer than three of four old ones, and the median is 10%
 * longer.
 */
export function wallNote(
  old: readonly number[],
  now: readonly number[],
  sources: readonly string[],
): string | undefined {
  if (old.length < WALL_RUNS || now.length < WALL_RUNS) return undefined;
  const [before, after] = [median([...old]), median([...now])];
  const apart = quantile([...now], 0.25) > quantile([...old], 0.75);
  if (!apart || after < before * (1 + MIN_CHANGE)) return undefined;
  return `the median wall time went from ${formatQuantity(before, "ns")} to ${formatQuantity(after, "ns")} ` +
    `(${formatSignedPercent(after / before - 1)}), which ${sources.join(" and ")} ` +
    `${sources.length === 1 ? "does" : "do"} not show: use -m wall to check it`;
}
