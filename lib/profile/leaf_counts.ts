/**
 * Samples of the same place added up, for reports without callers. That is waiting for memory, and nearly nothing
 * else: so what a sample is like and what its like add up to lie in one line of the CPU's cache; and samples are
 * collected, so that the CPU fetches the lines of many at once.
 */

import { fold, mix } from "./hash_index.ts";

/** Words of a slot: object, thread and event; then doubles: address, count, period. */
const SLOT = 8;
const NUMBERS = SLOT / 2;
const ADDRESS = 1;
/** 0: the slot is free. */
const COUNT = 2;
const PERIOD = 3;
/** 4 MiB, of which only what is written to costs memory; what is too small is copied to grow. */
const FIRST_SLOTS = 1 << 17;
/** A thread's row and an event's index are one word; of more than these nothing is kept. */
const MOST_EVENTS = 64;
const MOST_THREADS = 2 ** 31 / MOST_EVENTS;
/** Samples collected: their lines fit into a CPU's second cache. */
const BATCH = 1 << 10;

/** What samples of one kind have in common, and add up to. */
export interface LeafCount {
  /** Row of the object, -1 for none. */
  object: number;
  /** In the object; absolute without one. */
  address: number;
  /** Row of the thread. */
  thread: number;
  /** Index of the event. */
  event: number;
  /** How many samples. */
  count: number;
  /** The sum of their periods. */
  period: number;
}

export class LeafCounts {
  #words = new Int32Array(SLOT * FIRST_SLOTS);
  #numbers = new Float64Array(this.#words.buffer);
  #mask = FIRST_SLOTS - 1;
  #used = 0;
  // the samples that have been collected
  readonly #batchWords = new Int32Array(2 * BATCH);
  readonly #batchNumbers = new Float64Array(2 * BATCH);
  readonly #hashes = new Int32Array(BATCH);
  #collected = 0;
  /** What was read of the lines: without a use of it the engine would not read. */
  touched = 0;

  /** Counts a sample, which is described as in LeafCount. False when it has no room for such threads and events. */
  add(object: number, address: number, thread: number, event: number, period: number): boolean {
    if (event >= MOST_EVENTS || thread >= MOST_THREADS) return false;
    const at = 2 * this.#collected++;
    this.#batchWords[at] = object;
    this.#batchWords[at + 1] = thread * MOST_EVENTS + event;
    this.#batchNumbers[at] = address;
    this.#batchNumbers[at + 1] = period;
    if (this.#collected === BATCH) this.#addBatch();
    return true;
  }

  /** Adds the samples that have been collected. */
  #addBatch(): void {
    const many = this.#collected, hashes = this.#hashes, words = this.#words, mask = this.#mask;
    const batchWords = this.#batchWords, batchNumbers = this.#batchNumbers;
    let touched = 0;
    for (let i = 0; i < many; i++) {
      const h = hash(batchWords[2 * i], batchNumbers[2 * i], batchWords[2 * i + 1]);
      hashes[i] = h;
      touched ^= words[(h & mask) * SLOT]; // nothing waits for it
    }
    this.touched = touched;
    for (let i = 0; i < many; i++) {
      this.#add(
        hashes[i],
        batchWords[2 * i],
        batchNumbers[2 * i],
        batchWords[2 * i + 1],
        batchNumbers[2 * i + 1],
      );
    }
    this.#collected = 0;
  }

  #add(hash: number, object: number, address: number, who: number, period: number): void {
    const words = this.#words, numbers = this.#numbers, mask = this.#mask;
    for (let slot = hash & mask;; slot = (slot + 1) & mask) {
      const word = slot * SLOT, number = slot * NUMBERS;
      const count = numbers[number + COUNT];
      if (count === 0) {
        words[word] = object;
        words[word + 1] = who;
        numbers[number + ADDRESS] = address;
      } else if (
        words[word] !== object || words[word + 1] !== who || numbers[number + ADDRESS] !== address
      ) continue;
      numbers[number + COUNT] = count + 1;
      numbers[number + PERIOD] += period;
      if (count === 0 && ++this.#used * 2 > mask) this.#grow();
      return;
    }
  }

  /** Shows what there is, one after the other in the same object. */
  forEach(visit: (leaf: Readonly<LeafCount>) => void): void {
    this.#addBatch();
    const words = this.#words, numbers = this.#numbers;
    const leaf = { object: 0, address: 0.5, thread: 0, event: 0, count: 0.5, period: 0.5 };
    for (let slot = 0; slot <= this.#mask; slot++) {
      const at = slot * NUMBERS;
      leaf.count = numbers[at + COUNT];
      if (leaf.count === 0) continue;
      const who = words[slot * SLOT + 1];
      leaf.object = words[slot * SLOT];
      leaf.address = numbers[at + ADDRESS];
      leaf.event = who % MOST_EVENTS;
      leaf.thread = (who - leaf.event) / MOST_EVENTS;
      leaf.period = numbers[at + PERIOD];
      visit(leaf);
    }
  }

  #grow(): void {
    const words = this.#words, numbers = this.#numbers;
    this.#mask = this.#mask * 2 + 1;
    const mask = this.#mask;
    const toWords = this.#words = new Int32Array(words.length * 2);
    const to = this.#numbers = new Float64Array(toWords.buffer);
    for (let from = 0; from < numbers.length; from += NUMBERS) {
      if (numbers[from + COUNT] === 0) continue;
      const object = words[2 * from], who = words[2 * from + 1], address = numbers[from + ADDRESS];
      let slot = hash(object, address, who) & mask;
      while (to[slot * NUMBERS + COUNT] !== 0) slot = (slot + 1) & mask;
      const at = slot * NUMBERS;
      toWords[2 * at] = object;
      toWords[2 * at + 1] = who;
      to[at + ADDRESS] = address;
      to[at + COUNT] = numbers[from + COUNT];
      to[at + PERIOD] = numbers[from + PERIOD];
    }
  }
}

function hash(object: number, address: number, who: number): number {
  return mix(fold(address) ^ Math.imul(object, 0x27d4eb2f), who);
}
