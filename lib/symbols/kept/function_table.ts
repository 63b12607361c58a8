/**
 * Table of the functions of an object's code, and of those that were inlined into them: what reports need of its debug
 * information, in a hundredth of the size. It may know only a part of the addresses.
 *
 *     const table = FunctionTable.read(bytes, undefined);
 *     for (let row = table.at(offset); row >= 0; row = table.parent(row)) {
 *       console.log(table.name(row), table.callPath(row), table.callLine(row));
 *     }
 *
 * Whoever wrote the bytes chose what they say. They are checked where they are used: no value leads out of the table, and
 * each function was inlined into one of an earlier row, so that this loop ends.
 */

import { uint32Column } from "../../base/bytes/column.ts";
import type { Cost } from "../object/limits.ts";
import { decodeKept, encodeKept, KEPT, type KeptStrings, lineOf } from "./kept_bytes.ts";
import { KeptOwners, KeptRanges } from "./kept_ranges.ts";
import { StringRows } from "./string_rows.ts";

/** Functions, read from bytes. */
export class FunctionTable {
  readonly #owners: KeptOwners;
  readonly #parents: Uint32Array;
  readonly #names: Uint32Array;
  readonly #callPaths: Uint32Array;
  readonly #callLines: Uint32Array;
  readonly #strings: KeptStrings;

  private constructor(columns: readonly Uint32Array[], strings: KeptStrings) {
    const [starts, owners, parents, names, callPaths, callLines] = columns;
    this.#owners = new KeptOwners(starts, owners, parents.length);
    this.#parents = parents;
    this.#names = names;
    this.#callPaths = callPaths;
    this.#callLines = callLines;
    this.#strings = strings;
  }

  /**
   * Reads what FunctionTableBuilder.bytes() wrote, and keeps views of it. Returns undefined if it is damaged, of another
   * version, or has another stamp; any stamp will do if none is given.
   */
  static read(bytes: Uint8Array<ArrayBuffer>, stamp: string | undefined): FunctionTable | undefined {
    const decoded = decodeKept(bytes, { kind: KEPT.FUNCTIONS, columns: 6, stamp });
    if (decoded === undefined) return undefined;
    const { columns, strings } = decoded, [starts, owners, parents, ...rest] = columns;
    const isSound = KeptOwners.areSound(starts, owners) &&
      rest.every(({ length }) => length === parents.length);
    return isSound ? new FunctionTable(columns, strings) : undefined;
  }

  /** Number of rows. */
  get length(): number {
    return this.#parents.length;
  }

  /** Returns the row of the innermost function at an offset in the file, NOTHING or UNKNOWN (kept_ranges.ts). */
  at(offset: number): number {
    return this.#owners.at(offset);
  }

  /** Returns the row of the function that a row's function was inlined into; -1 if its code is its own. */
  parent(row: number): number {
    const parent = this.#parents[row] - 1;
    return parent < row ? parent : -1;
  }

  /** Returns the name of a row's function, as InlinedFunctions.name() gives it. */
  name(row: number): string {
    return this.#strings.text(this.#names[row]);
  }

  /** Returns the line of the call that was inlined; 0 if unknown. */
  callLine(row: number): number {
    return lineOf(this.#callLines[row]);
  }

  /** Returns the path of the source file of the call that was inlined; "" if unknown. */
  callPath(row: number): string {
    return this.#strings.text(this.#callPaths[row]);
  }

  /** Adds the known ranges to others, whose rows are the same. */
  addTo(ranges: KeptRanges): void {
    this.#owners.addTo(ranges);
  }
}

/** Function to add to a table. `parent` is a row that was added before, or -1. */
export interface KeptFunction {
  parent: number;
  name: string;
  callPath: string;
  callLine: number;
}

/** Bytes of memory of a function besides its strings; functions that are charged for at once. */
const FUNCTION_BYTES = 64, CHARGED = 1024;

/** Builder of a table; adds to what another one knows, if there is one. */
export class FunctionTableBuilder {
  readonly #cost: Cost | undefined;
  readonly #ranges: KeptRanges;
  readonly #parents = uint32Column();
  readonly #names = uint32Column();
  readonly #callPaths = uint32Column();
  readonly #callLines = uint32Column();
  readonly #strings: StringRows;

  /** @param cost is charged for what is collected, as held. Throws LimitError. */
  constructor(known?: FunctionTable, cost?: Cost) {
    this.#cost = cost;
    this.#ranges = new KeptRanges(cost);
    this.#strings = new StringRows(cost);
    if (known === undefined) return;
    for (let row = 0; row < known.length; row++) {
      this.addFunction({
        parent: known.parent(row),
        name: known.name(row),
        callPath: known.callPath(row),
        callLine: known.callLine(row),
      });
    }
    known.addTo(this.#ranges);
  }

  /** Adds a function, and returns its row. Throws LimitError. */
  addFunction({ parent, name, callPath, callLine }: KeptFunction): number {
    if (this.#names.length % CHARGED === 0) this.#cost?.hold(CHARGED * FUNCTION_BYTES);
    this.#names.push(this.#strings.row(name));
    this.#callPaths.push(this.#strings.row(callPath));
    this.#callLines.push(callLine);
    return this.#parents.push(parent + 1);
  }

  /** Adds the offsets in the file from `low` up to `high`, where a row's function is the innermost, or NOTHING is. */
  addRange(low: number, high: number, row: number): void {
    this.#ranges.add(low, high, row);
  }

  /** Encodes the table. Ranges must not overlap. */
  bytes(stamp: string): Uint8Array<ArrayBuffer> {
    const { starts, owners } = this.#ranges.columns();
    const rows = [this.#parents, this.#names, this.#callPaths, this.#callLines].map((column) =>
      column.values()
    );
    const { strings } = this.#strings;
    return encodeKept({ kind: KEPT.FUNCTIONS, stamp, columns: [starts, owners, ...rows], strings });
  }
}
