/**
 * Names of symbols, left in the bytes they came in until somebody asks: a binary of 200,000 symbols
 * has a few hundred that a report prints.
 */

const decoder = new TextDecoder();
const UNDERSCORE = 0x5f;

/** The names of a numbered list of symbols. Lengths are in bytes. */
export interface SymbolNames {
  text(i: number): string;
  length(i: number): number;
  /** Underscores at its start. */
  underscores(i: number): number;
  /** Whether it starts with `prefix`, which is ASCII. */
  startsWith(i: number, prefix: string): boolean;
}

/** What the names of some symbols get appended, because no table has them with it. */
export interface Suffix {
  text: string;
  /** The first symbol whose name gets it; so do all behind. */
  from: number;
}

/** Names that start at given places of some bytes. */
export class StringTableNames implements SymbolNames {
  readonly #bytes: Uint8Array;
  readonly #starts: Uint32Array;
  readonly #ends: Uint32Array | undefined;
  readonly #suffix: Suffix;

  /**
   * @param starts where each name starts in `bytes`.
   * @param ends where it ends; without them names end at a NUL.
   */
  constructor(
    bytes: Uint8Array,
    starts: Uint32Array,
    { ends, suffix = { text: "", from: Infinity } }: { ends?: Uint32Array; suffix?: Suffix } = {},
  ) {
    this.#bytes = bytes;
    this.#starts = starts;
    this.#ends = ends;
    this.#suffix = suffix;
  }

  text(i: number): string {
    const text = decoder.decode(this.#bytes.subarray(this.#starts[i], this.#end(i)));
    return i >= this.#suffix.from ? text + this.#suffix.text : text;
  }

  length(i: number): number {
    const length = Math.max(0, this.#end(i) - this.#starts[i]);
    return i >= this.#suffix.from ? length + this.#suffix.text.length : length;
  }

  underscores(i: number): number {
    const bytes = this.#bytes;
    const start = this.#starts[i];
    let end = start;
    while (bytes[end] === UNDERSCORE) end++;
    return end - start;
  }

  startsWith(i: number, prefix: string): boolean {
    const start = this.#starts[i];
    for (let k = 0; k < prefix.length; k++) {
      if (this.#bytes[start + k] !== prefix.charCodeAt(k)) return false;
    }
    return true;
  }

  #end(i: number): number {
    if (this.#ends !== undefined) return this.#ends[i];
    const end = this.#bytes.indexOf(0, this.#starts[i]);
    return end < 0 ? this.#bytes.length : end;
  }
}
