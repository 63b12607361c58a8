/**
 * Cache that maps three 32-bit words to a row number. A lookup touches one cache line. Later entries force out earlier
 * ones, so memory does not grow with processes that come and go.
 */

import { mix } from "../../base/bytes/hash.ts";

/** 32-bit words of an entry: three of the key, and row + 1 (0: free). */
const ENTRY = 4;
/** 32-bit words of a bucket: four entries, the latest first, in 64 bytes. */
const BUCKET = 4 * ENTRY;
/** Number of buckets: 8 MiB, of which only written pages cost memory. */
const BUCKETS = 1 << 17;

/** Four-way cache from three words to a row. */
export class WordCache {
  readonly #words = new Int32Array(BUCKET * BUCKETS);

  /** Returns the row put in for these words (any 32-bit integers), or -1 if it is not there (any more). */
  find(a: number, b: number, c: number): number {
    const words = this.#words, from = bucketOf(a, b, c);
    for (let at = from; at < from + BUCKET; at += ENTRY) {
      if (words[at] === a && words[at + 1] === b && words[at + 2] === c && words[at + 3] !== 0) {
        return words[at + 3] - 1;
      }
    }
    return -1;
  }

  /** Stores `row` for words that `find` knows no row for. */
  put(a: number, b: number, c: number, row: number): void {
    const words = this.#words, from = bucketOf(a, b, c);
    if (words[from + 3] !== 0) words.copyWithin(from + ENTRY, from, from + BUCKET - ENTRY);
    words[from] = a;
    words[from + 1] = b;
    words[from + 2] = c;
    words[from + 3] = row + 1;
  }
}

/** Returns the index of the first word of the bucket for this key. */
function bucketOf(a: number, b: number, c: number): number {
  return (mix(a ^ Math.imul(c, 0x27d4eb2f), b) & (BUCKETS - 1)) * BUCKET;
}
