/** Limit on file descriptors: a measurement takes one for each event, thread and CPU. */

import { ERRNO } from "../lib/base/system/errno.ts";
import { UnsupportedError } from "../lib/base/system/errors.ts";
import { counted } from "../lib/base/text/plural.ts";
import { raiseFileLimit } from "./pmu.ts";

/** Purpose of the descriptors, for the error message. */
export interface Descriptors {
  /** Attempt: `record pid 412`. */
  attempt: string;
  /** Number of each thing that takes descriptors: `{ event: 2, thread: 300 }`. */
  counts: Readonly<Record<string, number>>;
  /** Alternative to raising the limit: `record with -a`. */
  instead: string;
}

/** Descriptors for everything else: rings, pipes, the output, files that Deno has open, and object files. */
export const OTHER_DESCRIPTORS = 256;

/** Raises the limit as far as this user may; returns whether it allows `want` descriptors. */
export function descriptorsAllowed(want: number): boolean {
  return raiseFileLimit(want) >= want;
}

/** Raises the limit to `want` descriptors. Throws UnsupportedError (EMFILE) where this user may not. */
export function requireDescriptors(want: number, { attempt, counts, instead }: Descriptors): void {
  if (descriptorsAllowed(want)) return;
  const parts = Object.entries(counts).map(([one, n]) => counted(n, one));
  throw new UnsupportedError({
    attempt,
    cause: `${parts.slice(0, -1).join(", ")} and ${parts.at(-1)} take ${want} file descriptors, ` +
      `and no more than ${raiseFileLimit()} are allowed`,
    remedy: `raise the limit (ulimit -n ${want}, or LimitNOFILE=${want} of a service), or ${instead}`,
  }, ERRNO.EMFILE);
}

/**
 * Returns how many files may be held open at the same time: `most`, or a share of the descriptors that are left, where
 * this user may not have more.
 */
export function holdableFiles(most: number, share: number): number {
  const used = openDescriptors();
  const left = raiseFileLimit(used + Math.ceil(most / share)) - used;
  return Math.max(1, Math.min(most, Math.floor(share * left)));
}

/** Returns the number of descriptors that this process has open; 0 where /proc is not mounted. */
function openDescriptors(): number {
  try {
    return [...Deno.readDirSync("/proc/self/fd")].length;
  } catch {
    return 0;
  }
}
