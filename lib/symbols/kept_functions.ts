/**
 * Inlined functions by debug information, from a table that an earlier report has kept as far as it knows them. Rows are
 * those of the table, then those of the debug information, which is opened when an address is asked for that the table
 * does not know.
 */

import type { InlinedFunctions } from "./dwarf/info/inlined_functions.ts";
import type { ElfFile } from "./elf/elf.ts";
import { type CodeOffsets, codeOffsets } from "./code_offsets.ts";
import type { KeptTables } from "./files/symbol_files.ts";
import { FunctionTable, FunctionTableBuilder } from "./kept/function_table.ts";
import { UNKNOWN } from "./kept/kept_ranges.ts";
import { type KeptKey, TABLE_FACTOR } from "./kept_key.ts";
import { LimitError } from "./object/limits.ts";
import type { ObjectElf } from "./object_elf.ts";

/** Place of the kept table of an object. */
export interface KeptPlace {
  tables: KeptTables;
  key: KeptKey;
}

/** Functions at addresses that were asked for, each with those that it was inlined into; see InlinedFunctions. */
export class KeptFunctions {
  readonly #file: ElfFile;
  readonly #code: CodeOffsets;
  readonly #open: () => InlinedFunctions | undefined;
  readonly #place: KeptPlace | undefined;
  readonly #table: FunctionTable | undefined;
  /** Number of rows of the table. */
  readonly #kept: number;
  #functions: InlinedFunctions | undefined;
  #isOpen = false;

  /**
   * Reads the kept table, if there is one. Throws LimitError.
   * @param open opens the debug information.
   */
  constructor(
    elf: Pick<ObjectElf, "file" | "shift">,
    open: () => InlinedFunctions | undefined,
    place?: KeptPlace,
  ) {
    const { file } = elf;
    this.#file = file;
    this.#code = codeOffsets(elf);
    this.#open = open;
    this.#place = place;
    const bytes = place?.tables.read(tableName(place));
    if (bytes !== undefined) {
      file.cost.hold(TABLE_FACTOR * bytes.length);
      this.#table = FunctionTable.read(bytes, place!.key.stamp);
    }
    this.#kept = this.#table?.length ?? 0;
  }

  /**
   * Returns the row of the innermost function at an address (as in AddressSpaces.at), or -1. Throws BadInputError,
   * LimitError.
   */
  at(at: number): number {
    const known = this.#table?.at(this.#code.offset(at)) ?? UNKNOWN;
    if (known !== UNKNOWN) return known;
    const address = this.#code.linked(at);
    if (Number.isNaN(address)) return -1;
    if (!this.#isOpen) {
      this.#isOpen = true;
      this.#functions = this.#open();
    }
    const row = this.#functions?.at(address) ?? -1;
    return row < 0 ? -1 : row + this.#kept;
  }

  /** Returns the row of the function that a row's function was inlined into; -1 if its code is its own. */
  parent(row: number): number {
    if (row < this.#kept) return this.#table!.parent(row);
    const parent = this.#functions!.parent(row - this.#kept);
    return parent < 0 ? -1 : parent + this.#kept;
  }

  /** Returns the name of a row's function, as InlinedFunctions.name() gives it. Throws BadInputError, LimitError. */
  name(row: number): string {
    return row < this.#kept ? this.#table!.name(row) : this.#functions!.name(row - this.#kept);
  }

  /** Returns the line of the call that was inlined; 0 if unknown. */
  callLine(row: number): number {
    return row < this.#kept ? this.#table!.callLine(row) : this.#functions!.callLine(row - this.#kept);
  }

  /** Returns the path of the source file of the call that was inlined; "" if unknown. Throws BadInputError, LimitError. */
  callPath(row: number): string {
    return row < this.#kept ? this.#table!.callPath(row) : this.#functions!.callPath(row - this.#kept);
  }

  /**
   * Adds what was read of the debug information to the kept table, unless it is too much. Throws BadInputError if it is
   * damaged.
   * @param isWhole returns whether nothing was missing, after all was read.
   */
  keep(isWhole: () => boolean): void {
    if (this.#place === undefined || this.#functions === undefined) return;
    const parts = this.#code.parts();
    let builder: FunctionTableBuilder;
    try {
      builder = new FunctionTableBuilder(this.#table, this.#file.cost);
      this.#functions.keep(builder, (low, high, row) => {
        for (const { offset, end, shift } of parts) {
          builder.addRange(Math.max(offset, low - shift), Math.min(end, high - shift), row);
        }
      });
    } catch (error) {
      if (error instanceof LimitError) return;
      throw error;
    }
    const { tables, key } = this.#place;
    if (isWhole()) tables.write(tableName(this.#place), builder.bytes(key.stamp));
  }
}

function tableName({ key }: KeptPlace): string {
  return `${key.name}.functions`;
}
