/**
 * Remembers the bodies of methods: stretches of code all of whose addresses have the same answer, since the stack pointer
 * stays where it is. By blocks of 256 bytes, each of which remembers the last stretch in it.
 */

/** Blocks that are remembered, and most that a stretch is entered in. */
const PLACES = 1 << 11, MAX_BLOCKS = 128;
const BLOCK_BITS = 8;

/** Stretches of code, and their answers of `stride` integers. */
export class Bodies {
  readonly #stride: number;
  readonly #objects = new Int32Array(PLACES);
  readonly #blocks = new Float64Array(PLACES);
  readonly #starts = new Float64Array(PLACES);
  readonly #ends = new Float64Array(PLACES);
  readonly #answers: Int32Array;

  constructor(stride: number) {
    this.#stride = stride;
    this.#answers = new Int32Array(PLACES * stride);
  }

  /** Remembers the answer at `at` for [start, end] of an object. */
  put(object: number, start: number, end: number, answers: Int32Array, at: number): void {
    const first = Math.floor(start / (1 << BLOCK_BITS));
    const last = Math.min(Math.floor(end / (1 << BLOCK_BITS)), first + MAX_BLOCKS - 1);
    for (let block = first; block <= last; block++) {
      const place = placeOf(object, block), stride = this.#stride;
      this.#objects[place] = object;
      this.#blocks[place] = block;
      this.#starts[place] = start;
      this.#ends[place] = end;
      for (let i = 0; i < stride; i++) this.#answers[place * stride + i] = answers[at + i];
    }
  }

  /** Copies the answer for an address to `at`; false where none is remembered. */
  take(object: number, pc: number, answers: Int32Array, at: number): boolean {
    const block = Math.floor(pc / (1 << BLOCK_BITS)), place = placeOf(object, block), stride = this.#stride;
    if (
      this.#objects[place] !== object || this.#blocks[place] !== block ||
      !(pc >= this.#starts[place] && pc <= this.#ends[place])
    ) return false;
    for (let i = 0; i < stride; i++) answers[at + i] = this.#answers[place * stride + i];
    return true;
  }
}

function placeOf(object: number, block: number): number {
  return Math.imul((block | 0) ^ Math.imul(object, 0x85ebca6b), 0x9e3779b1) >>> 21;
}
