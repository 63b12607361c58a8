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

/** Names that start at given places of some bytes. */
export class StringTableNames implements SymbolNames {
  readonly #bytes: Uint8Array;
  readonly #starts: Uint32Array;
  readonly #ends: Uint32Array | undefined;

  /**
   * @param starts where each name starts in `bytes`.
   * @param ends where it ends; without them names end at a NUL.
   */
  constructor(bytes: Uint8Array, starts: Uint32Array, ends?: Uint32Array) {
    this.#bytes = bytes;
    this.#starts = starts;
    this.#ends = ends;
  }

  text(i: number): string {
    return decoder.decode(this.#bytes.subarray(this.#starts[i], this.#end(i)));
  }

  length(i: number): number {
    return Math.max(0, this.#end(i) - this.#starts[i]);
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

/** Several lists one behind the other, each with what its names end in (`@plt` for the stubs of a PLT). */
export class JoinedNames implements SymbolNames {
  readonly #parts: { from: number; names: SymbolNames; suffix: string }[] = [];
  #count = 0;

  /** Appends `count` names. */
  add(names: SymbolNames, count: number, suffix = ""): this {
    if (count > 0) this.#parts.unshift({ from: this.#count, names, suffix });
    this.#count += count;
    return this;
  }

  text(i: number): string {
    const part = this.#part(i);
    return part.names.text(i - part.from) + part.suffix;
  }

  length(i: number): number {
    const part = this.#part(i);
    return part.names.length(i - part.from) + part.suffix.length;
  }

  underscores(i: number): number {
    const part = this.#part(i);
    return part.names.underscores(i - part.from);
  }

  startsWith(i: number, prefix: string): boolean {
    const part = this.#part(i);
    return part.names.startsWith(i - part.from, prefix);
  }

  #part(i: number) {
    for (const part of this.#parts) if (i >= part.from) return part;
    throw new RangeError(`no symbol ${i}`);
  }
}
