/**
 * From an event id (u64, as its two halves) to the event's index. Every sample of a file with several
 * events is looked up here, hence no bigint and no Map: open addressing in one typed array.
 */

import { mix } from "../../base/bytes/hash.ts";

/** Slots are three words: low half, high half, event index + 1 (0 = free). */
const SLOT = 3;

export class IdTable {
  #slots = new Int32Array(16 * SLOT);
  #mask = 15;
  #count = 0;

  /** Number of ids known. */
  get size(): number {
    return this.#count;
  }

  /** Makes `id` mean event `event`; the last of two meanings wins. */
  set(id: bigint, event: number): void {
    if ((this.#count + 1) * 2 > this.#mask + 1) this.#grow();
    this.#put(Number(BigInt.asIntN(32, id)), Number(BigInt.asIntN(32, id >> 32n)), event + 1);
  }

  /** The event index of the id with these halves (any 32-bit integers), or -1. */
  find(low: number, high: number): number {
    const slots = this.#slots;
    const lo = low | 0, hi = high | 0;
    for (let i = mix(lo, hi) & this.#mask;; i = (i + 1) & this.#mask) {
      const at = i * SLOT;
      const event = slots[at + 2];
      if (event === 0) return -1;
      if (slots[at] === lo && slots[at + 1] === hi) return event - 1;
    }
  }

  #put(lo: number, hi: number, event: number): void {
    const slots = this.#slots;
    let at = (mix(lo, hi) & this.#mask) * SLOT;
    while (slots[at + 2] !== 0 && (slots[at] !== lo || slots[at + 1] !== hi)) {
      at = (at + SLOT) % slots.length;
    }
    if (slots[at + 2] === 0) this.#count++;
    slots[at] = lo;
    slots[at + 1] = hi;
    slots[at + 2] = event;
  }

  #grow(): void {
    const old = this.#slots;
    this.#slots = new Int32Array(old.length * 2);
    this.#mask = this.#slots.length / SLOT - 1;
    this.#count = 0;
    for (let at = 0; at < old.length; at += SLOT) {
      if (old[at + 2] !== 0) this.#put(old[at], old[at + 1], old[at + 2]);
    }
  }
}
