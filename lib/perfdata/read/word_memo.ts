/** Memo of decoded values by the words they were decoded from. A recording repeats a few of them very often. */

import { mix } from "../../base/bytes/hash.ts";

const BUCKETS = 1024;
/**
 * Limit of values kept; at the limit all are dropped, so that memory does not grow with a file that never repeats
 * itself.
 */
const MAX_VALUES = 8192;

interface MemoEntry<T> {
  /** Copy of the words that `value` was decoded from. */
  words: Uint32Array;
  value: T;
  next: MemoEntry<T> | undefined;
}

/** Map from sequences of 32-bit words to values. */
export class WordMemo<T> {
  readonly #buckets: (MemoEntry<T> | undefined)[] = new Array(BUCKETS).fill(undefined);
  #count = 0;

  /** Returns the value stored for the words [from, to) of `words`; undefined when there is none. */
  find(words: Uint32Array, from: number, to: number): T | undefined {
    const length = to - from;
    search: for (let known = this.#buckets[bucketOf(words, from, to)]; known; known = known.next) {
      if (known.words.length !== length) continue;
      for (let i = 0; i < length; i++) {
        if (known.words[i] !== words[from + i]) continue search;
      }
      return known.value;
    }
    return undefined;
  }

  /** Stores `value` for words that find() has no value for. */
  put(words: Uint32Array, from: number, to: number, value: T): void {
    if (this.#count === MAX_VALUES) {
      this.#buckets.fill(undefined);
      this.#count = 0;
    }
    const bucket = bucketOf(words, from, to);
    this.#buckets[bucket] = { words: words.slice(from, to), value, next: this.#buckets[bucket] };
    this.#count++;
  }
}

function bucketOf(words: Uint32Array, from: number, to: number): number {
  let hash = 0;
  for (let at = from; at < to; at++) hash = mix(hash, words[at]);
  return hash & (BUCKETS - 1);
}
