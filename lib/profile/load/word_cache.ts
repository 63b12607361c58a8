/**
 * From three 32-bit words to a row number. Samples are answered from here, so a look-up touches one line of the
 * CPU's cache. It is a cache: what was put in may be gone, forced out by what came later, and memory does not
 * grow with processes that come and go.
 */

import { mix } from "../../base/bytes/hash.ts";

/** Words of an entry: the three of the key, and row + 1 (0: free). */
const ENTRY = 4;
/** Words of a bucket: four entries, the latest first, in 64 bytes. */
const BUCKET = 4 * ENTRY;
/** 8 MiB, of which only what is written to costs memory. */
const BUCKETS = 1 << 17;

export class WordCache {
  readonly #words = new Int32Array(BUCKET * BUCKETS);

  /** The row put in for these words (any 32-bit integers), or -1 when there is none any more. */
  find(a: number, b: number, c: number): number {
    const words = this.#words, from = bucketOf(a, b, c);
    for (let at = from; at < from + BUCKET; at += ENTRY) {
      if (words[at] === a && words[at + 1] === b && words[at + 2] === c && words[at + 3] !== 0) {
        return words[at + 3] - 1;
      }
    }
    return -1;
  }

  /** Keeps `row` for words that `find` knows no row for. */
  put(a: number, b: number, c: number, row: number): void {
    const words = this.#words, from = bucketOf(a, b, c);
    if (words[from + 3] !== 0) words.copyWithin(from + ENTRY, from, from + BUCKET - ENTRY);
    words[from] = a;
    words[from + 1] = b;
    words[from + 2] = c;
    words[from + 3] = row + 1;
  }
}

/** Where the bucket of these words begins. */
function bucketOf(a: number, b: number, c: number): number {
  return (mix(a ^ Math.imul(c, 0x27d4eb2f), b) & (BUCKETS - 1)) * BUCKET;
}
