/** Texts of source lines that a recording carries. */

import { BLOCK } from "./block_types.ts";
import { type BlockLayout, BlockReader, BlockWriter, type ColumnsRead, damaged } from "./blocks.ts";

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

/** Columns of the files; `lineEnds` is the row of LINES behind those of the file. */
const FILES = {
  paths: "strings",
  modified: "doubles",
  counts: [-1, 2 ** 31],
  problems: "strings",
  lineEnds: [0, 2 ** 31],
} as const satisfies BlockLayout;

/** Columns of the lines of all files. */
const LINES = { numbers: [1, 2 ** 31], texts: "strings" } as const satisfies BlockLayout;

/** Encodes a block with source files by their paths. */
export function writeSources(files: ReadonlyMap<string, SourceExcerpt>): Uint8Array<ArrayBuffer> {
  const excerpts = [...files.values()];
  let end = 0;
  return new BlockWriter().table(FILES, {
    paths: [...files.keys()],
    modified: Float64Array.from(excerpts, ({ modified }) => modified),
    counts: Int32Array.from(excerpts, ({ count }) => count ?? -1),
    problems: excerpts.map(({ problem }) => problem ?? ""),
    lineEnds: Int32Array.from(excerpts, (each) => end += each.texts.size),
  }).table(LINES, {
    numbers: Int32Array.from(excerpts.flatMap((each) => [...each.texts.keys()])),
    texts: excerpts.flatMap((each) => [...each.texts.values()]),
  }).block(BLOCK.SOURCES);
}

/** Source files of a bundle that was read. */
export class BundledSources {
  readonly #rows: Map<string, number>;
  readonly #files: ColumnsRead<typeof FILES>;
  readonly #lines: ColumnsRead<typeof LINES>;

  /** Reads the payload of such a block. Throws BadInputError. */
  constructor(payload: Uint8Array) {
    const r = new BlockReader(payload), files = r.table(FILES), { paths, lineEnds } = files;
    this.#files = files;
    this.#lines = r.table(LINES);
    this.#rows = new Map(Array.from({ length: paths.length }, (_, row) => [paths.text(row), row]));
    const { length } = this.#lines.numbers;
    if (lineEnds.some((end, row) => end < (lineEnds[row - 1] ?? 0) || end > length)) throw damaged();
  }

  /** Returns what is carried of a file; undefined if nothing is. */
  of(path: string): SourceExcerpt | undefined {
    const row = this.#rows.get(path);
    if (row === undefined) return undefined;
    const { modified, counts, problems, lineEnds } = this.#files, lines = this.#lines;
    const texts = new Map<number, string>();
    for (let at = lineEnds[row - 1] ?? 0; at < lineEnds[row]; at++) {
      texts.set(lines.numbers[at], lines.texts.text(at));
    }
    const count = counts[row], problem = problems.text(row);
    return {
      texts,
      modified: modified[row],
      ...count < 0 ? {} : { count },
      ...problem === "" ? {} : { problem },
    };
  }

  /** Paths of the files. */
  get paths(): Iterable<string> {
    return this.#rows.keys();
  }
}
