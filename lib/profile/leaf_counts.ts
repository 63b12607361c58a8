/**
 * Samples of the same place added up before they become rows, for reports without callers. What a sample is like
 * and what its like add up to lie in one line of the CPU's cache: without that a flat report waits for memory
 * most of the time.
 */

import { fold, mix } from "./hash_index.ts";

/** Words of a slot: object, thread and event; then doubles: address, count, period. */
const SLOT = 8;
const NUMBERS = SLOT / 2;
const ADDRESS = 1;
/** 0: the slot is free. */
const COUNT = 2;
const PERIOD = 3;
/** Slots there are at most: 8 MiB. */
const MOST_SLOTS = 1 << 18;
/** A thread's row and an event's index are one word; of more events than this nothing is kept. */
const MOST_EVENTS = 64;
const MOST_THREADS = 2 ** 31 / MOST_EVENTS;

/** Told what has been added up for a row. */
export type TakeCounts = (row: number, count: number, period: number) => void;

export class LeafCounts {
  #words = new Int32Array(SLOT << 10);
  #numbers = new Float64Array(this.#words.buffer);
  /** Row of each slot, which only flush() looks at. */
  #rows = new Int32Array(1 << 10);
  #mask = (1 << 10) - 1;
  #used = 0;
  readonly #take: TakeCounts;

  /** @param take is told by flush() what has been added up, and when there is no more room. */
  constructor(take: TakeCounts) {
    this.#take = take;
  }

  /**
   * Counts a sample where its like is known; false where it is not, and put() has to say which row is theirs.
   * @param object its row, -1 for none.
   * @param address in the object.
   */
  add(object: number, address: number, thread: number, event: number, period: number): boolean {
    if (event >= MOST_EVENTS) return false;
    const words = this.#words, numbers = this.#numbers, mask = this.#mask;
    const who = thread * MOST_EVENTS + event;
    for (let slot = hash(object, address, who) & mask;; slot = (slot + 1) & mask) {
      const word = slot * SLOT, number = slot * NUMBERS;
      if (numbers[number + COUNT] === 0) return false;
      if (words[word] !== object || words[word + 1] !== who || numbers[number + ADDRESS] !== address) {
        continue;
      }
      numbers[number + COUNT] += 1;
      numbers[number + PERIOD] += period;
      return true;
    }
  }

  /** Counts a sample whose like add() does not know, and has them go to `row` from now on. */
  put(object: number, address: number, thread: number, event: number, period: number, row: number): void {
    if (event >= MOST_EVENTS || thread >= MOST_THREADS) return this.#take(row, 1, period);
    if (++this.#used * 2 > this.#mask) this.#makeRoom();
    const who = thread * MOST_EVENTS + event;
    const slot = this.#freeSlot(hash(object, address, who)), number = slot * NUMBERS;
    this.#words[slot * SLOT] = object;
    this.#words[slot * SLOT + 1] = who;
    this.#numbers[number + ADDRESS] = address;
    this.#numbers[number + COUNT] = 1;
    this.#numbers[number + PERIOD] = period;
    this.#rows[slot] = row;
  }

  /** Hands over all that has been added up, and forgets it. */
  flush(): void {
    const numbers = this.#numbers;
    for (let slot = 0; slot <= this.#mask; slot++) {
      const at = slot * NUMBERS;
      if (numbers[at + COUNT] > 0) this.#take(this.#rows[slot], numbers[at + COUNT], numbers[at + PERIOD]);
    }
    numbers.fill(0);
    this.#used = 0;
  }

  #freeSlot(hash: number): number {
    let slot = hash & this.#mask;
    while (this.#numbers[slot * NUMBERS + COUNT] !== 0) slot = (slot + 1) & this.#mask;
    return slot;
  }

  #makeRoom(): void {
    if (this.#mask + 1 >= MOST_SLOTS) {
      this.flush();
      this.#used = 1;
      return;
    }
    const { length } = this.#rows;
    const words = this.#words, rows = this.#rows, numbers = this.#numbers;
    this.#mask = length * 4 - 1;
    this.#words = new Int32Array(words.length * 4);
    this.#numbers = new Float64Array(this.#words.buffer);
    this.#rows = new Int32Array(length * 4);
    for (let from = 0; from < length; from++) {
      const at = from * NUMBERS, word = from * SLOT;
      if (numbers[at + COUNT] === 0) continue;
      const slot = this.#freeSlot(hash(words[word], numbers[at + ADDRESS], words[word + 1]));
      this.#numbers.set(numbers.subarray(at, at + NUMBERS), slot * NUMBERS);
      this.#rows[slot] = rows[from];
    }
  }
}

function hash(object: number, address: number, who: number): number {
  return mix(fold(address) ^ Math.imul(object, 0x27d4eb2f), who);
}
