/** Texts of source lines that a recording carries. */

import { BLOCK } from "./block_types.ts";
import { BlockReader, type BlockStrings, BlockWriter, damaged } from "./blocks.ts";

/** Source file, as far as it is carried. */
export interface SourceExcerpt {
  /** Texts of lines by number, ascending. */
  texts: ReadonlyMap<number, string>;
  /** Number of lines of the file, if some that the program has are behind its end. */
  count?: number;
  /** Time of the last write, in seconds since 1970; -Infinity where it was not read. */
  modified: number;
  /** Reason why there are no texts. */
  problem?: string;
}

/** Encodes a block with source files by their paths. */
export function writeSources(files: ReadonlyMap<string, SourceExcerpt>): Uint8Array<ArrayBuffer> {
  const excerpts = [...files.values()];
  const texts = excerpts.flatMap((each) => [...each.texts.values()]);
  const numbers = excerpts.flatMap((each) => [...each.texts.keys()]);
  let end = 0;
  return new BlockWriter()
    .strings([...files.keys()])
    .doubles(Float64Array.from(excerpts, ({ modified }) => modified))
    .ints(Int32Array.from(excerpts, ({ count }) => count ?? -1))
    .strings(excerpts.map(({ problem }) => problem ?? ""))
    .ints(Int32Array.from(excerpts, (each) => end += each.texts.size))
    .ints(Int32Array.from(numbers))
    .strings(texts)
    .block(BLOCK.SOURCES);
}

/** Source files of a bundle that was read. */
export class BundledSources {
  readonly #rows: Map<string, number>;
  readonly #modified: Float64Array;
  readonly #counts: Int32Array;
  readonly #problems: BlockStrings;
  readonly #ends: Int32Array;
  readonly #numbers: Int32Array;
  readonly #texts: BlockStrings;

  /** Reads the payload of such a block. Throws BadInputError. */
  constructor(payload: Uint8Array) {
    const r = new BlockReader(payload), paths = r.strings();
    this.#rows = new Map(Array.from({ length: paths.length }, (_, row) => [paths.text(row), row]));
    this.#modified = r.doubles();
    this.#counts = r.ints(-1, 2 ** 31);
    this.#problems = r.strings();
    this.#ends = r.ints(0, 2 ** 31);
    this.#numbers = r.ints(1, 2 ** 31);
    this.#texts = r.strings();
    const columns = [this.#modified, this.#counts, this.#problems, this.#ends];
    if (columns.some(({ length }) => length !== paths.length)) throw damaged();
    if (this.#texts.length !== this.#numbers.length) throw damaged();
    if (this.#ends.some((end, row) => end < (this.#ends[row - 1] ?? 0) || end > this.#texts.length)) {
      throw damaged();
    }
  }

  /** Returns what is carried of a file; undefined if nothing is. */
  of(path: string): SourceExcerpt | undefined {
    const row = this.#rows.get(path);
    if (row === undefined) return undefined;
    const texts = new Map<number, string>();
    for (let at = this.#ends[row - 1] ?? 0; at < this.#ends[row]; at++) {
      texts.set(this.#numbers[at], this.#texts.text(at));
    }
    const count = this.#counts[row], problem = this.#problems.text(row);
    return {
      texts,
      modified: this.#modified[row],
      ...count < 0 ? {} : { count },
      ...problem === "" ? {} : { problem },
    };
  }

  /** Paths of the files. */
  get paths(): Iterable<string> {
    return this.#rows.keys();
  }
}
