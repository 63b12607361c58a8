/**
 * Last entries of call chains that were unwound while they were recorded and end before a root. They say why, so that a
 * reader can tell such a chain from a whole one. A mark looks like an address, but none that a program can have: programs
 * that do not know marks show an unknown caller.
 */

import type { End } from "./ends.ts";

/** High word of a mark, plus a reason of END; the low word is 0. On x86-64 and aarch64 no such address can be mapped. */
const MARK_HIGH = 0x706d7500;
/** Number of possible reasons. */
const REASONS = 16;

/** Reason besides those of END: the code is of a machine, or a kind of process, whose stacks are not unwound here. */
export const OTHER_MACHINE = 15;

/** Returns the high word of the mark for a reason; its low word is 0. */
export function markOf(end: End | typeof OTHER_MACHINE): number {
  return MARK_HIGH + end;
}

/** Returns the reason of the mark with these words; -1 if they are an address. */
export function endOfMark(low: number, high: number): number {
  const end = (high >>> 0) - MARK_HIGH;
  return low === 0 && end > 0 && end < REASONS ? end : -1;
}
