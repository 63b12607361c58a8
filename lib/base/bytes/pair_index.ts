/** Numbers for pairs of 32-bit words that an input file chooses, such as the parent and the frame of a stack. */

import { mix } from "./hash.ts";

const FIRST_SLOTS = 1 << 10;

/** Numbers pairs from 0 on, in the order in which they come. */
export class PairIndex {
  /** Number of different pairs. */
  length = 0;
  /**
   * Slots of three words: the pair, and its number + 1 (0: free). The keys are in the slots because reports spend most of
   * their time here.
   */
  #slots = new Int32Array(3 * FIRST_SLOTS);
  #mask = FIRST_SLOTS - 1;

  /** Returns the number of a pair; adds it if it is new: its number is the `length` from before. */
  numberOf(first: number, second: number): number {
    const slots = this.#slots, mask = this.#mask;
    let slot = mix(first, second) & mask;
    for (;;) {
      const at = slot * 3;
      const entry = slots[at + 2];
      if (entry === 0) break;
      if (slots[at] === first && slots[at + 1] === second) return entry - 1;
      slot = (slot + 1) & mask;
    }
    const number = this.length++;
    slots[slot * 3] = first;
    slots[slot * 3 + 1] = second;
    slots[slot * 3 + 2] = number + 1;
    if (number * 3 > mask * 2) this.#grow();
    return number;
  }

  /** Returns the number of a pair, or -1 if it has none. */
  find(first: number, second: number): number {
    const slots = this.#slots, mask = this.#mask;
    for (let slot = mix(first, second) & mask;; slot = (slot + 1) & mask) {
      const entry = slots[3 * slot + 2];
      if (entry === 0 || (slots[3 * slot] === first && slots[3 * slot + 1] === second)) return entry - 1;
    }
  }

  #grow() {
    const old = this.#slots;
    this.#mask = this.#mask * 2 + 1;
    const slots = this.#slots = new Int32Array(3 * (this.#mask + 1));
    for (let at = 0; at < old.length; at += 3) {
      if (old[at + 2] === 0) continue;
      let slot = mix(old[at], old[at + 1]) & this.#mask;
      while (slots[slot * 3 + 2] !== 0) slot = (slot + 1) & this.#mask;
      slots[slot * 3] = old[at];
      slots[slot * 3 + 1] = old[at + 1];
      slots[slot * 3 + 2] = old[at + 2];
    }
  }
}
