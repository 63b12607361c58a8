/** Marks of call chains as numbers, as the other entries of chains in tests are. */

import { markOf } from "../../lib/unwind/chain_marks.ts";

/** Returns the mark for a reason. */
export function mark(end: Parameters<typeof markOf>[0]): number {
  return markOf(end) * 2 ** 32;
}
