/** Numbers by 32-bit keys that a file chooses: ids of processes and threads, numbers of CPUs. */

import { mix } from "./hash.ts";

/** What `get` gives for a key that is not there. */
export const ABSENT = -0x80000000;
/** Stands in a slot whose key was taken out, where others may lie behind it. */
const REMOVED = -0x7fffffff;
const FIRST_SLOTS = 16;

/** 32-bit keys and values, in open addressing: 16 to 32 bytes an entry. */
export class IntMap {
  /** Slots of two: key, value. A value of ABSENT says that the slot is free. */
  #slots = emptySlots(FIRST_SLOTS);
  #mask = FIRST_SLOTS - 1;
  /** Slots that are not free. */
  #used = 0;
  /** How many keys there are. */
  size = 0;

  /** @param keys each of them is there to begin with, its last place among them as its value. */
  constructor(keys: ArrayLike<number> = []) {
    for (let i = 0; i < keys.length; i++) this.set(keys[i], i);
  }

  /** The value of `key`, or ABSENT. */
  get(key: number): number {
    const slots = this.#slots, mask = this.#mask;
    for (let slot = mix(key, 0) & mask;; slot = (slot + 1) & mask) {
      const value = slots[2 * slot + 1];
      if (value === ABSENT) return ABSENT;
      if (slots[2 * slot] === key && value !== REMOVED) return value;
    }
  }

  /** Sets the value of `key`: any 32-bit integer but the two lowest. */
  set(key: number, value: number): void {
    const slots = this.#slots, mask = this.#mask;
    let slot = mix(key, 0) & mask, free = -1;
    for (;; slot = (slot + 1) & mask) {
      const found = slots[2 * slot + 1];
      if (found === ABSENT) break;
      if (found === REMOVED) free = free < 0 ? slot : free;
      else if (slots[2 * slot] === key) {
        slots[2 * slot + 1] = value;
        return;
      }
    }
    if (free < 0) {
      free = slot;
      this.#used++;
    }
    slots[2 * free] = key;
    slots[2 * free + 1] = value;
    this.size++;
    if (this.#used * 2 > mask) this.#rebuild();
  }

  /** Takes `key` out; false when it is not there. */
  delete(key: number): boolean {
    const slots = this.#slots, mask = this.#mask;
    for (let slot = mix(key, 0) & mask;; slot = (slot + 1) & mask) {
      const value = slots[2 * slot + 1];
      if (value === ABSENT) return false;
      if (slots[2 * slot] !== key || value === REMOVED) continue;
      slots[2 * slot + 1] = REMOVED;
      this.size--;
      return true;
    }
  }

  /** Room for twice the keys there are; what was taken out is gone for good. */
  #rebuild(): void {
    const old = this.#slots;
    let capacity = FIRST_SLOTS;
    while (capacity < 4 * this.size) capacity *= 2;
    const slots = this.#slots = emptySlots(capacity), mask = this.#mask = capacity - 1;
    this.#used = this.size;
    for (let at = 0; at < old.length; at += 2) {
      if (old[at + 1] === ABSENT || old[at + 1] === REMOVED) continue;
      let slot = mix(old[at], 0) & mask;
      while (slots[2 * slot + 1] !== ABSENT) slot = (slot + 1) & mask;
      slots[2 * slot] = old[at];
      slots[2 * slot + 1] = old[at + 1];
    }
  }
}

function emptySlots(capacity: number): Int32Array {
  const slots = new Int32Array(2 * capacity);
  for (let at = 1; at < slots.length; at += 2) slots[at] = ABSENT;
  return slots;
}
