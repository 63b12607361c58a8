/**
 * Ids of frames and stacks: 64 bits of a hash of what they are, so recordings of different machines have the same ids for
 * the same code, without an index that they share. Among 50 million different stacks, two have the same id with a
 * probability of 1 to 15,000.
 */

import { mix } from "../../base/bytes/hash.ts";

/** Ids as two columns of 32 bits. */
export class ContentIds {
  readonly low: Int32Array;
  readonly high: Int32Array;

  constructor(length: number) {
    this.low = new Int32Array(length);
    this.high = new Int32Array(length);
  }

  get length(): number {
    return this.low.length;
  }

  /** Returns an id as the signed 64-bit number that the files have. */
  at(row: number): bigint {
    return BigInt(this.high[row]) * 4294967296n + BigInt(this.low[row] >>> 0);
  }
}

/** Numbers ids from 0 on, in the order in which they come. */
export class IdIndex {
  /** Number of different ids. */
  length = 0;
  /** Slots of three words: low, high, number + 1 (0: free). */
  #slots = new Int32Array(3 << 10);
  #mask = (1 << 10) - 1;

  /** Returns the number of an id; adds it if it is new. */
  numberOf(low: number, high: number): number {
    const slots = this.#slots, mask = this.#mask;
    let slot = mix(low, high) & mask;
    for (;; slot = (slot + 1) & mask) {
      const entry = slots[3 * slot + 2];
      if (entry === 0) break;
      if (slots[3 * slot] === low && slots[3 * slot + 1] === high) return entry - 1;
    }
    slots[3 * slot] = low;
    slots[3 * slot + 1] = high;
    slots[3 * slot + 2] = ++this.length;
    if (this.length * 3 > mask * 2) this.#grow();
    return this.length - 1;
  }

  /** Returns the number of an id, or -1 if it has none. */
  find(low: number, high: number): number {
    const slots = this.#slots, mask = this.#mask;
    for (let slot = mix(low, high) & mask;; slot = (slot + 1) & mask) {
      const entry = slots[3 * slot + 2];
      if (entry === 0 || (slots[3 * slot] === low && slots[3 * slot + 1] === high)) return entry - 1;
    }
  }

  #grow() {
    const old = this.#slots;
    this.#mask = this.#mask * 2 + 1;
    const slots = this.#slots = new Int32Array(3 * (this.#mask + 1));
    for (let at = 0; at < old.length; at += 3) {
      if (old[at + 2] === 0) continue;
      let slot = mix(old[at], old[at + 1]) & this.#mask;
      while (slots[3 * slot + 2] !== 0) slot = (slot + 1) & this.#mask;
      slots[3 * slot] = old[at];
      slots[3 * slot + 1] = old[at + 1];
      slots[3 * slot + 2] = old[at + 2];
    }
  }
}
