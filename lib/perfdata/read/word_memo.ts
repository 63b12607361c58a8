/** What has been decoded before, found again by its bytes: a recording says a few things a great many times. */

const BUCKETS = 1024;
/** Values kept; then all are forgotten, so that memory does not grow with a file that never says a thing twice. */
const MAX_VALUES = 8192;

interface MemoEntry<T> {
  /** A copy of the words that `value` was decoded from. */
  words: Uint32Array;
  value: T;
  next: MemoEntry<T> | undefined;
}

/** Values by sequences of 32-bit words. */
export class WordMemo<T> {
  readonly #buckets: (MemoEntry<T> | undefined)[] = new Array(BUCKETS).fill(undefined);
  #count = 0;

  /** The value that was put in for the words that `words` has in [from, to), or undefined. */
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

  /** Keeps `value` for words that `find` knows none for. */
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

/** FNV-1a over words, its high bits mixed into the low ones. */
function bucketOf(words: Uint32Array, from: number, to: number): number {
  let hash = 0x811c9dc5 | 0;
  for (let at = from; at < to; at++) hash = Math.imul(hash ^ words[at], 0x01000193);
  return (hash ^ (hash >>> 10) ^ (hash >>> 20)) & (BUCKETS - 1);
}
