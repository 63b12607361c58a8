/** Callers of samples that have a copy of their stack, wherever they come from. */

import { MAX_STACK_COPY } from "../../../base/system/abi.ts";
import type { SampleCursor } from "../../../perfdata/read/reader.ts";
import type { ProfileStacks } from "../../model/profile.ts";

/** Most frames of a stack: more than fit in the largest copy, of 64 KiB. */
export const MAX_FRAMES = 4096;

/** Callers in user space of one sample at a time. */
export interface UserStacks {
  /** Entries of the last chain: pairs of words, low and high, innermost first. */
  readonly words: Uint32Array;
  readonly count: number;
  /** Row of the object that stands for the missing part of the last chain; -1 if it is whole. */
  readonly cut: number;
  /** Takes the sample under `c`; returns false if it has no user stack, like those of kernel threads. */
  unwind(c: SampleCursor): boolean;
  /** Returns the results of all samples. */
  summary(): ProfileStacks;
  /** Closes the files that were opened. */
  close(): void;
}

/** Returns the option of `record` for copies longer than `room` bytes; "" if there are none. */
export function longerCopies(room: number): string {
  return room < MAX_STACK_COPY ? `--call-graph dwarf,${Math.min(MAX_STACK_COPY, 2 * room)}` : "";
}
