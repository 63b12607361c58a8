/**
 * From a callchain as it lies in a record to the interned stack it became. Two samples with the same
 * words in the same address space have the same stack, so most samples are answered here, without
 * looking at a single map. It is a cache: when it has grown past its limit it starts over, so that
 * memory does not grow with processes that come and go.
 */

import { float64Column, int32Column } from "../base/column.ts";
import { fold, HashIndex, mix } from "./hash_index.ts";

/** Words of callchains kept, at 4 bytes each, before the cache starts over. */
const MOST_WORDS = 1 << 23;

export class ChainCache {
  #words = new Uint32Array(1 << 12);
  #used = 0;
  readonly #start = int32Column();
  readonly #length = int32Column();
  readonly #space = int32Column();
  readonly #ip = float64Column();
  readonly #hash = int32Column();
  readonly #stack = int32Column();
  readonly #index = new HashIndex();
  readonly #hashOfRow = (row: number) => this.#hash.data[row];
  #slot = 0;
  #lastHash = 0;

  /**
   * The stack put in for this key, or -1. The key is the address space, the sample's address, and
   * `words[start]` to `words[start + length - 1]`.
   */
  find(space: number, ip: number, words: Uint32Array, start: number, length: number): number {
    let hash = mix(space, fold(ip));
    // the low words alone tell addresses apart; the comparison below looks at everything
    for (let i = start; i < start + length; i += 2) {
      hash = Math.imul(hash ^ words[i], 0x01000193) ^ (hash >>> 15);
    }
    hash = mix(hash, length);
    this.#lastHash = hash;
    const { slots, mask } = this.#index;
    let slot = hash & mask;
    for (let entry; (entry = slots[slot]) !== 0; slot = (slot + 1) & mask) {
      const row = entry - 1;
      if (
        this.#hash.data[row] === hash && this.#length.data[row] === length &&
        this.#space.data[row] === space && this.#ip.data[row] === ip &&
        this.#same(this.#start.data[row], words, start, length)
      ) return this.#stack.data[row];
    }
    this.#slot = slot;
    return -1;
  }

  /** Keeps `stack` for the key of the last `find`, which must have answered -1. */
  put(space: number, ip: number, words: Uint32Array, start: number, length: number, stack: number): void {
    if (this.#used + length > MOST_WORDS) {
      this.#restart();
      this.#slot = this.#lastHash & this.#index.mask;
    }
    if (this.#used + length > this.#words.length) {
      const grown = new Uint32Array(Math.max(this.#words.length * 2, this.#used + length));
      grown.set(this.#words);
      this.#words = grown;
    }
    for (let i = 0; i < length; i++) this.#words[this.#used + i] = words[start + i];
    const row = this.#start.push(this.#used);
    this.#used += length;
    this.#length.push(length);
    this.#space.push(space);
    this.#ip.push(ip);
    this.#hash.push(this.#lastHash);
    this.#stack.push(stack);
    this.#index.insert(this.#slot, row, this.#hashOfRow);
  }

  #same(at: number, words: Uint32Array, start: number, length: number): boolean {
    const kept = this.#words;
    for (let i = 0; i < length; i++) if (kept[at + i] !== words[start + i]) return false;
    return true;
  }

  #restart() {
    this.#used = 0;
    this.#index.clear();
    for (const c of [this.#start, this.#length, this.#space, this.#ip, this.#hash, this.#stack]) c.length = 0;
  }
}
