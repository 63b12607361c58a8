/**
 * Table from an event id (u64, as two halves) to the event's index. Every sample of a file with several events is
 * looked up here, hence no bigint and no Map: it uses open addressing in one typed array.
 */

import { mix } from "../../base/bytes/hash.ts";

/** Words in a slot: low half, high half, event index + 1 (0 = free). */
const SLOT = 3;

/** Hash table from event ids to event indices. */
export class IdTable {
  #slots = new Int32Array(16 * SLOT);
  #mask = 15;
  #count = 0;

  /** Number of ids in the table. */
  get size(): number {
    return this.#count;
  }

  /** Maps `id` to the event with index `event`; a later call for the same id replaces it. */
  set(id: bigint, event: number): void {
    if ((this.#count + 1) * 2 > this.#mask + 1) this.#grow();
    this.#put(Number(BigInt.asIntN(32, id)), Number(BigInt.asIntN(32, id >> 32n)), event + 1);
  }

  /** Returns the index of the event with the id of these halves (any 32-bit integers); -1 when there is none. */
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
