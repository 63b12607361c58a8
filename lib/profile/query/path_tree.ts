/** Prefix tree of stacks by what their frames count as (a name, a symbol), with fewer rows than the tree of frames. */

import type { Profile } from "../model/profile.ts";
import { StackTable } from "../model/tables.ts";

/** Prefix tree of stacks, and the row of each stack in it. */
export interface PathTree {
  /** Caller's row, which comes first, or -1. */
  parent: Int32Array;
  /** Number that the innermost frame counts as. */
  what: Int32Array;
  /** Row of each of `profile.stacks`. */
  ofStack: Int32Array;
}

/** Builds the tree of the stacks when frame f counts as `ofFrame[f]`. */
export function pathTree({ stacks }: Profile, ofFrame: Int32Array): PathTree {
  const table = new StackTable();
  const ofStack = new Int32Array(stacks.parent.length);
  // callers come first, so each stack needs one step from its caller's path
  for (let stack = 0; stack < ofStack.length; stack++) {
    const parent = stacks.parent[stack];
    ofStack[stack] = table.intern(parent < 0 ? -1 : ofStack[parent], ofFrame[stacks.frame[stack]]);
  }
  return { parent: table.parent.values(), what: table.frame.values(), ofStack };
}
