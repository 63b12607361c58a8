/** The wall time beside a verdict that goes by something else: a command that waits longer takes no more of the rest. */

import { median, quantile } from "simple-statistics";
import { formatQuantity } from "../metrics/format_quantity.ts";
import { formatSignedPercent } from "./result.ts";

/** So many runs of each it takes to say anything. */
export const WALL_RUNS = 3;
/** Less of a change is none to be told of runs so few. */
const MIN_CHANGE = 0.1;

/**
 * What is to be said of the wall times of the old and the new command, in ns, where `sources` decide; undefined unless the
 * new one takes clearly longer: three of four runs longer than three of four of the old ones, by 10% in the middle.
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
  return `the wall time went from ${formatQuantity(before, "ns")} to ${formatQuantity(after, "ns")} ` +
    `(${formatSignedPercent(after / before - 1)}), which ${sources.join(" and ")} ` +
    `${sources.length === 1 ? "does" : "do"} not tell: -m wall decides by it`;
}
