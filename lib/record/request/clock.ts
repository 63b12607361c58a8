/** Clocks that samples can be stamped with. */

import { CLOCK } from "../../base/system/numbers.ts";
import { UsageError } from "../../base/system/errors.ts";

/** Numbers of clock_gettime(2), by the names that `-k` takes. The kernel takes some of them for some PMUs only. */
const CLOCKS: ReadonlyMap<string, number> = new Map([
  ["realtime", CLOCK.REALTIME],
  ["monotonic", CLOCK.MONOTONIC],
  ["monotonic_raw", CLOCK.MONOTONIC_RAW],
  ["boottime", CLOCK.BOOTTIME],
  ["tai", CLOCK.TAI],
]);

/** Names of the clocks, as the help has them. */
export const CLOCK_NAMES: readonly string[] = [...CLOCKS.keys()];

/** Returns the number of a clock named as in perf: `monotonic`, `mono`, `CLOCK_MONOTONIC_RAW`. Throws UsageError. */
export function parseClock(text: string): number {
  const name = text.toLowerCase().replace(/^clock_/, "");
  const clock = CLOCKS.get(name) ?? CLOCKS.get(SHORT.get(name) ?? "");
  if (clock !== undefined) return clock;
  throw new UsageError(`--clockid '${text}': expected one of ${CLOCK_NAMES.join(", ")}`);
}

const SHORT: ReadonlyMap<string, string> = new Map([
  ["real", "realtime"],
  ["mono", "monotonic"],
  ["raw", "monotonic_raw"],
  ["boot", "boottime"],
]);
