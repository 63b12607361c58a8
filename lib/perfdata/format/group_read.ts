/**
 * Counts that samples carry (PERF_SAMPLE_READ): for a group's leader those of the whole group. A count becomes a
 * sample whose period is its increase since it was last seen, as in perf's deliver_sample_group().
 */

import { PERF_FORMAT } from "../../base/system/abi.ts";
import { mix } from "../../base/bytes/hash.ts";
import type { AttrLayout } from "./attr_layout.ts";

const TWO_32 = 4294967296;

/** Layout of a READ field: offsets in bytes from its start. See readSize(). */
export interface ReadLayout {
  /** Offset of the number of counts; -1 for a single count that is no group. */
  members: number;
  /** Offset of the first count. */
  first: number;
  /** Offset of a count's id from the count. */
  id: number;
  /** Distance from one count to the next. */
  stride: number;
  /** True when each count is of one thread, although all threads share the event ids. */
  byThread: boolean;
}

/**
 * Compiles the layout of the counts in an event's samples; undefined when they carry none, or no ids to attribute
 * them by.
 * @param inherit the attr's flag: with it the kernel (since 6.12) gives each thread's own counts.
 */
export function compileRead({ read, readFormat }: AttrLayout, inherit: boolean): ReadLayout | undefined {
  if (read < 0 || !(readFormat & PERF_FORMAT.ID)) return undefined;
  const bit = (flag: number) => (readFormat & flag ? 8 : 0);
  const times = bit(PERF_FORMAT.TOTAL_TIME_ENABLED) + bit(PERF_FORMAT.TOTAL_TIME_RUNNING);
  if (!(readFormat & PERF_FORMAT.GROUP)) {
    return { members: -1, first: 0, id: 8 + times, stride: 0, byThread: inherit };
  }
  return { members: 0, first: 8 + times, id: 8, stride: 16 + bit(PERF_FORMAT.LOST), byThread: inherit };
}

/** Words in a slot: id (two halves), thread, count (two halves). A free slot has id 0. */
const SLOT = 5;

/** Most recent count of each id, or of each id and thread. Allocates only to grow, and uses no bigint. */
export class LastCounts {
  #slots = new Uint32Array(64 * SLOT);
  #mask = 63;
  #used = 0;

  /**
   * Stores the count and returns its increase since the last call; the first one increases from 0. Ids and counts are
   * given as two 32-bit halves; `tid` is -1 for a count that belongs to no single thread. Returns 0 for id 0, which
   * no event has, and for a count that decreased, which occurs only in damaged files.
   */
  advance(idLow: number, idHigh: number, tid: number, low: number, high: number): number {
    if ((idLow | idHigh) === 0) return 0;
    if ((this.#used + 1) * 2 > this.#mask + 1) this.#grow();
    const slots = this.#slots;
    const at = this.#find(idLow >>> 0, idHigh >>> 0, tid >>> 0);
    if ((slots[at] | slots[at + 1]) === 0) {
      this.#used++;
      slots[at] = idLow;
      slots[at + 1] = idHigh;
      slots[at + 2] = tid;
    }
    const delta = ((high >>> 0) - slots[at + 4]) * TWO_32 + ((low >>> 0) - slots[at + 3]);
    slots[at + 3] = low;
    slots[at + 4] = high;
    return delta > 0 ? delta : 0;
  }

  /** Returns the offset of the slot with this id and thread, or of the free slot where it belongs. */
  #find(idLow: number, idHigh: number, tid: number): number {
    const slots = this.#slots;
    for (let i = mix(mix(idLow, idHigh), tid) & this.#mask;; i = (i + 1) & this.#mask) {
      const at = i * SLOT;
      if ((slots[at] | slots[at + 1]) === 0) return at;
      if (slots[at] === idLow && slots[at + 1] === idHigh && slots[at + 2] === tid) return at;
    }
  }

  #grow(): void {
    const old = this.#slots;
    this.#slots = new Uint32Array(old.length * 2);
    this.#mask = this.#slots.length / SLOT - 1;
    for (let at = 0; at < old.length; at += SLOT) {
      if ((old[at] | old[at + 1]) === 0) continue;
      this.#slots.set(old.subarray(at, at + SLOT), this.#find(old[at], old[at + 1], old[at + 2]));
    }
  }
}
