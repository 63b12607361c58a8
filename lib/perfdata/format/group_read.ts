/**
 * The counts that samples carry (PERF_SAMPLE_READ): of a group's leader those of the whole group. A count
 * becomes samples by how far it has come since it was last seen, as in perf's deliver_sample_group().
 */

import { PERF_FORMAT } from "../../base/system/abi.ts";
import { mix } from "../../base/bytes/hash.ts";
import type { AttrLayout } from "./attr_layout.ts";

const TWO_32 = 4294967296;

/** Where the counts of a READ field are, in bytes from where that begins: see readSize(). */
export interface ReadLayout {
  /** Offset of the number of counts; -1 where there is one, not a group's. */
  members: number;
  /** Of the first count, of its id behind it, and from one count to the next. */
  first: number;
  id: number;
  stride: number;
  /** Counts are of one thread each, though all threads share their ids. */
  byThread: boolean;
}

/**
 * Where an event's samples have their counts; undefined when they have none, or no ids to tell whose they are.
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

/** Slots are five words: id (two halves), thread, count (two halves); a free one has id 0. */
const SLOT = 5;

/** The last count seen of each id, or of each id and thread. No bigint and nothing allocated but to grow. */
export class LastCounts {
  #slots = new Uint32Array(64 * SLOT);
  #mask = 63;
  #used = 0;

  /**
   * How far the count has come (its first value counts from 0), and remembers it. Ids and counts are two
   * 32-bit halves each; `tid` is -1 where a count is of no one thread. An id 0, which no event has, gives 0. A count
   * that went back, which only damaged files have, gives 0 too.
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

  /** Offset of the slot of these, or of the free one where they belong. */
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
