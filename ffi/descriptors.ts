/** Whether there may be as many file descriptors as a measurement takes: one for each event, thread and CPU. */

import { ERRNO } from "../lib/base/system/errno.ts";
import { UnsupportedError } from "../lib/base/system/errors.ts";
import { raiseFileLimit } from "./pmu.ts";

/** What takes the descriptors, for the error. */
export interface Descriptors {
  /** `record pid 412`. */
  attempt: string;
  /** Of what there are how many: `{ event: 2, thread: 300 }`. */
  counts: Readonly<Record<string, number>>;
  /** What could be done instead of raising the limit: `record with -a`. */
  instead: string;
}

/** Descriptors for all else: rings, pipes, the output, what Deno has open, and what objects are read from. */
export const OTHER_DESCRIPTORS = 256;

/** Raises the limit as far as this user may; tells whether that is `want`. */
export function descriptorsAllowed(want: number): boolean {
  return raiseFileLimit(want) >= want;
}

/** Raises the limit to `want`. Throws UnsupportedError (EMFILE) where this user may not. */
export function requireDescriptors(want: number, { attempt, counts, instead }: Descriptors): void {
  if (descriptorsAllowed(want)) return;
  const parts = Object.entries(counts).map(([one, n]) => `${n} ${one}${n === 1 ? "" : "s"}`);
  throw new UnsupportedError({
    attempt,
    cause: `${parts.slice(0, -1).join(", ")} and ${parts.at(-1)} take ${want} file descriptors, ` +
      `and no more than ${raiseFileLimit()} are allowed`,
    remedy: `raise the limit (ulimit -n ${want}, or LimitNOFILE=${want} of a service), or ${instead}`,
  }, ERRNO.EMFILE);
}
