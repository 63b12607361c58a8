/**
 * Stacks of a profile as a dataset has them: lists of frames, from the root, each with an id that is the same in every
 * recording.
 */

import { int32Column } from "../../base/bytes/column.ts";
import { PairIndex } from "../../base/bytes/pair_index.ts";
import type { Profile } from "../../profile/model/profile.ts";
import { ContentIds } from "../layout/content_ids.ts";
import type { TableFile } from "./table_file.ts";

/** Stacks of a profile that have samples, each once. */
export interface DatasetStacks {
  /** Number of each stack of the profile; -1 for those that are only part of others. */
  numberOf: Int32Array;
  /** Id of each number. */
  ids: ContentIds;
  /** Stack of the profile with each number. Stacks that begin alike are next to each other. */
  rows: Int32Array;
}

/** Collects the stacks of a profile. */
export function stacksOf(profile: Profile, frameIds: ContentIds): DatasetStacks {
  const { parent } = profile.stacks;
  const all = stackIds(profile, frameIds), isSampled = new Uint8Array(parent.length);
  for (const stack of profile.samples.stack) isSampled[stack] = 1;
  const numberOf = new Int32Array(parent.length).fill(-1), index = new PairIndex(), rows = int32Column();
  forEachInTree(parent, (stack) => {
    if (isSampled[stack] === 0) return;
    const number = numberOf[stack] = index.numberOf(all.low[stack], all.high[stack]);
    if (number === rows.length) rows.push(stack);
  });
  const ids = new ContentIds(rows.length);
  rows.values().forEach((stack, number) => {
    ids.low[number] = all.low[stack];
    ids.high[number] = all.high[stack];
  });
  return { numberOf, ids, rows: rows.values() };
}

/** Calls `visit` for each row of a prefix tree, behind its parent and before the next sibling of that. */
function forEachInTree(parent: Int32Array, visit: (row: number) => void): void {
  // children in the order of their rows, linked from the first one; row 0 of `first` is for the roots
  const first = new Int32Array(parent.length + 1).fill(-1), next = new Int32Array(parent.length);
  for (let row = parent.length - 1; row >= 0; row--) {
    next[row] = first[parent[row] + 1];
    first[parent[row] + 1] = row;
  }
  const waiting = int32Column();
  if (first[0] >= 0) waiting.push(first[0]);
  while (waiting.length > 0) {
    const row = waiting.data[--waiting.length];
    visit(row);
    if (next[row] >= 0) waiting.push(next[row]);
    if (first[row + 1] >= 0) waiting.push(first[row + 1]);
  }
}

/** Returns the id of each stack: that of the stack below it, mixed with that of its frame. */
function stackIds({ stacks: { parent, frame } }: Profile, frames: ContentIds): ContentIds {
  const ids = new ContentIds(parent.length), { low, high } = ids;
  for (let row = 0; row < parent.length; row++) {
    const below = parent[row];
    mixInto(ids, row, below < 0 ? 0 : low[below], below < 0 ? 0 : high[below], frames, frame[row]);
  }
  return ids;
}

/** Sets `ids[row]` to a hash of two ids, by the rounds and the end of MurmurHash3 (x86_128, two of its four lanes). */
function mixInto(
  ids: ContentIds,
  row: number,
  a: number,
  b: number,
  frames: ContentIds,
  frame: number,
): void {
  const first = Math.imul(frames.low[frame], 0x239b961b), second = Math.imul(frames.high[frame], 0xab0e9789);
  a ^= Math.imul((first << 15) | (first >>> 17), 0xab0e9789);
  a = Math.imul((((a << 19) | (a >>> 13)) + b) | 0, 5) + 0x561ccd1b | 0;
  b ^= Math.imul((second << 16) | (second >>> 16), 0x38b34ae5);
  b = Math.imul((((b << 17) | (b >>> 15)) + a) | 0, 5) + 0x0bcaa747 | 0;
  a = a + b | 0;
  b = a + b | 0;
  a = finished(a);
  b = finished(b);
  a = a + b | 0;
  ids.low[row] = a;
  ids.high[row] = a + b | 0;
}

function finished(h: number): number {
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}

/** Most stacks of a row group, and ids in their lists from which it ends. */
const GROUP_STACKS = 1 << 16, GROUP_IDS = 1 << 20;

/** Writes the stacks. */
export function writeStacks(
  file: TableFile,
  { stacks }: Profile,
  frameIds: ContentIds,
  { ids, rows }: DatasetStacks,
): void {
  const { parent, frame } = stacks;
  for (let from = 0; from < rows.length;) {
    const lists = int32Column(1 << 16), ends = int32Column(1 << 12);
    for (let i = from; i < rows.length && ends.length < GROUP_STACKS && lists.length < GROUP_IDS; i++) {
      const start = lists.length;
      for (let row = rows[i]; row >= 0; row = parent[row]) lists.push(frame[row]);
      lists.data.subarray(start, lists.length).reverse();
      ends.push(lists.length);
    }
    const group = rows.subarray(from, from + ends.length);
    file.ids("stack_id", ids, group.map((_, i) => from + i));
    file.ids("leaf_id", frameIds, group.map((stack) => frame[stack]));
    file.idLists("frame_ids", frameIds, { rows: lists.values(), ends: ends.values() });
    file.endGroup(group.length);
    from += group.length;
  }
}
