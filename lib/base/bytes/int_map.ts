/** Map from 32-bit keys that an input file chooses (process ids, thread ids, CPU numbers) to numbers. */

import { mix } from "./hash.ts";

/** Value that `get` returns for a missing key. */
export const ABSENT = -0x80000000;
/** Tombstone: value of a slot whose key was deleted, so that probing continues past it. */
const REMOVED = -0x7fffffff;
const FIRST_SLOTS = 16;

/** Hash map of 32-bit keys and values with open addressing: 16 to 32 bytes per entry. */
export class IntMap {
  /** Pairs of key and value. The value ABSENT marks a free slot. */
  #slots = emptySlots(FIRST_SLOTS);
  #mask = FIRST_SLOTS - 1;
  /** Number of slots in use, tombstones included. */
  #used = 0;
  /** Number of keys. */
  size = 0;

  /** @param keys initial keys; each maps to its last index in this list. */
  constructor(keys: ArrayLike<number> = []) {
    for (let i = 0; i < keys.length; i++) this.set(keys[i], i);
  }

  /** Returns the value of `key`, or ABSENT. */
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

  /** Deletes `key`; returns whether it was there. */
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

  /** Rehashes into a table with room for twice the keys, which drops the tombstones. */
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
