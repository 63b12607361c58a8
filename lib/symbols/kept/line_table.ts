/**
 * Table of the source lines of an object's code: what reports need of its line tables, without running them. It may know
 * only a part of the addresses. Whoever wrote the bytes chose what they say, and they are checked where they are used.
 */

import { uint32Column } from "../../base/bytes/column.ts";
import type { Cost } from "../object/limits.ts";
import { decodeKept, encodeKept, KEPT, type KeptStrings, lineOf } from "./kept_bytes.ts";
import { KeptOwners, KeptRanges } from "./kept_ranges.ts";
import { StringRows } from "./string_rows.ts";

/** Lines, read from bytes. */
export class LineTable {
  readonly #owners: KeptOwners;
  readonly #paths: Uint32Array;
  readonly #lines: Uint32Array;
  readonly #strings: KeptStrings;

  private constructor([starts, owners, paths, lines]: readonly Uint32Array[], strings: KeptStrings) {
    this.#owners = new KeptOwners(starts, owners, paths.length);
    this.#paths = paths;
    this.#lines = lines;
    this.#strings = strings;
  }

  /**
   * Reads what LineTableBuilder.bytes() wrote, and keeps views of it. Returns undefined if it is damaged, of another
   * version, or has another stamp; any stamp will do if none is given.
   */
  static read(bytes: Uint8Array<ArrayBuffer>, stamp: string | undefined): LineTable | undefined {
    const decoded = decodeKept(bytes, { kind: KEPT.LINES, columns: 4, stamp });
    if (decoded === undefined) return undefined;
    const { columns, strings } = decoded, [starts, owners, paths, lines] = columns;
    const isSound = KeptOwners.areSound(starts, owners) && lines.length === paths.length;
    return isSound ? new LineTable(columns, strings) : undefined;
  }

  /** Number of rows: lines that code is of. */
  get length(): number {
    return this.#paths.length;
  }

  /** Returns the row of the line that the code at an offset in the file is of, NOTHING or UNKNOWN (kept_ranges.ts). */
  at(offset: number): number {
    return this.#owners.at(offset);
  }

  /** Returns the number of a row's path. */
  pathOf(row: number): number {
    return this.#paths[row];
  }

  /** Returns a path by its number, as SourceLines.paths has it. */
  path(number: number): string {
    return this.#strings.text(number);
  }

  /** Returns the number of a row's line, from 1; 0 for code that the compiler made up. */
  line(row: number): number {
    return lineOf(this.#lines[row]);
  }

  /** Returns the lines of rows, or of answers of `at` that are none: the row of `paths`, -1 if unknown, and the line. */
  lines(rows: Int32Array): { file: Int32Array; line: Int32Array; paths: string[] } {
    const paths: string[] = [], ids = new Map<number, number>();
    const file = rows.map((row) => {
      if (row < 0) return -1;
      const number = this.#paths[row];
      let id = ids.get(number);
      if (id === undefined) ids.set(number, id = paths.push(this.path(number)) - 1);
      return id;
    });
    return { file, line: rows.map((row) => row < 0 ? 0 : this.line(row)), paths };
  }

  /** Adds the known ranges to others, whose rows are the same. */
  addTo(ranges: KeptRanges): void {
    this.#owners.addTo(ranges);
  }
}

/** Bytes of memory of a row; rows that are charged for at once. */
const ROW_BYTES = 64, CHARGED = 1024;
/** Lines of a path that are looked up in a list; those of longer files are looked up by text. */
const MAX_LISTED = 1 << 16;

/** Builder of a table; adds to what another one knows, if there is one. */
export class LineTableBuilder {
  readonly #cost: Cost | undefined;
  readonly #ranges: KeptRanges;
  readonly #paths = uint32Column();
  readonly #lines = uint32Column();
  readonly #strings: StringRows;
  /** Row of each line of each path, plus one. */
  readonly #listed: number[][] = [];
  readonly #others = new Map<string, number>();

  /** @param cost is charged for what is collected, as held. Throws LimitError. */
  constructor(known?: LineTable, cost?: Cost) {
    this.#cost = cost;
    this.#ranges = new KeptRanges(cost);
    this.#strings = new StringRows(cost);
    if (known === undefined) return;
    for (let row = 0; row < known.length; row++) {
      this.#add(this.path(known.path(known.pathOf(row))), known.line(row));
    }
    known.addTo(this.#ranges);
  }

  /** Returns the number of a path. */
  path(path: string): number {
    return this.#strings.row(path);
  }

  /** Returns the row of a line of the path with a number. */
  row(path: number, line: number): number {
    const row = line < MAX_LISTED ? this.#listed[path]?.[line] : this.#others.get(`${path} ${line}`);
    return row === undefined ? this.#add(path, line) : row - 1;
  }

  #add(path: number, line: number): number {
    if (this.#lines.length % CHARGED === 0) this.#cost?.hold(CHARGED * ROW_BYTES);
    this.#lines.push(line);
    const row = this.#paths.push(path);
    if (line < MAX_LISTED) (this.#listed[path] ??= [])[line] = row + 1;
    else this.#others.set(`${path} ${line}`, row + 1);
    return row;
  }

  /** Adds the offsets in the file from `low` up to `high`, whose code is of a row's line, or of none (NOTHING). */
  addRange(low: number, high: number, row: number): void {
    this.#ranges.add(low, high, row);
  }

  /** Encodes the table. Ranges must not overlap. */
  bytes(stamp: string): Uint8Array<ArrayBuffer> {
    const { starts, owners } = this.#ranges.columns(), { strings } = this.#strings;
    const columns = [starts, owners, this.#paths.values(), this.#lines.values()];
    return encodeKept({ kind: KEPT.LINES, stamp, columns, strings });
  }
}
