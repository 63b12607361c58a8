/**
 * From three 32-bit words to a row number. Samples are answered from here, so a look-up touches one line of the
 * CPU's cache. It is a cache: what was put in may be gone, forced out by what came later, and memory does not
 * grow with processes that come and go.
 */

import { mix } from "./hash_index.ts";

/** Words of an entry: the three of the key, and row + 1 (0: free). */
const ENTRY = 4;
/** Words of a bucket: four entries, the latest first, in 64 bytes. */
const BUCKET = 4 * ENTRY;
/** Buckets there are at most: 8 MiB. */
const MOST_BUCKETS = 1 << 17;

export class WordCache {
  #words = new Int32Array(BUCKET << 8);
  /** Number of buckets less one. */
  #mask = (1 << 8) - 1;
  #put = 0;

  /** The row put in for these words (any 32-bit integers), or -1 when there is none any more. */
  find(a: number, b: number, c: number): number {
    const words = this.#words;
    const from = (hash(a, b, c) & this.#mask) * BUCKET;
    for (let at = from; at < from + BUCKET; at += ENTRY) {
      if (words[at] === a && words[at + 1] === b && words[at + 2] === c && words[at + 3] !== 0) {
        return words[at + 3] - 1;
      }
    }
    return -1;
  }

  /** Keeps `row` for words that `find` knows no row for. */
  put(a: number, b: number, c: number, row: number): void {
    // twice as many as there are buckets leave these half full
    if (++this.#put > 2 * this.#mask && this.#mask < MOST_BUCKETS - 1) this.#grow();
    this.#insert(a, b, c, row + 1);
  }

  #insert(a: number, b: number, c: number, entry: number): void {
    const words = this.#words;
    const from = (hash(a, b, c) & this.#mask) * BUCKET;
    if (words[from + 3] !== 0) {
      for (let at = from + BUCKET - 1; at >= from + ENTRY; at--) words[at] = words[at - ENTRY];
    }
    words[from] = a;
    words[from + 1] = b;
    words[from + 2] = c;
    words[from + 3] = entry;
  }

  #grow() {
    const old = this.#words;
    this.#mask = this.#mask * 2 + 1;
    this.#words = new Int32Array(BUCKET * (this.#mask + 1));
    // each bucket's oldest first, so that the latest stay in front
    for (let at = old.length - ENTRY; at >= 0; at -= ENTRY) {
      if (old[at + 3] !== 0) this.#insert(old[at], old[at + 1], old[at + 2], old[at + 3]);
    }
  }
}

function hash(a: number, b: number, c: number): number {
  return mix(a ^ Math.imul(c, 0x27d4eb2f), b);
}
