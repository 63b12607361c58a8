/**
 * Inlined functions of a file: which functions the code at an address was written in. Units of .debug_info are read when
 * an address in them is first asked for.
 *
 *     address -> unit -> the function it is in -> innermost inlined function -> what that was inlined into -> ...
 */

import { float64Column, int32Column } from "../../../base/bytes/column.ts";
import type { DebugInfo } from "../../elf/debug_section.ts";
import type { FunctionTableBuilder } from "../../kept/function_table.ts";
import { NOTHING } from "../../kept/kept_ranges.ts";
import { WORK } from "../../object/limits.ts";
import { type LineUnit, readLineUnit, readPaths } from "../dwarf_line_header.ts";
import { readAddressRanges } from "./address_ranges.ts";
import { EntryNames } from "./entry_names.ts";
import { type PaintedRanges, RangePainter } from "../painted_ranges.ts";
import { RangeLists } from "./range_lists.ts";
import { readUnitFunctions, type UnitFunctions } from "./unit_functions.ts";
import type { SplitUnits } from "./split_units.ts";
import { type Unit, Units, type UnitsOptions, wholePath } from "./units.ts";

/** Bytes of memory of a row, and of a path without its characters. */
const ROW_BYTES = 40, PATH_BYTES = 100;

/** Unit whose functions have been read. */
interface ReadUnit {
  /** Unit with the addresses and lines. */
  unit: Unit;
  functions: UnitFunctions;
  names: EntryNames;
  /** Row of each function in InlinedFunctions, plus one; 0 if it has none yet. */
  rows: Int32Array;
  /** Paths of the source files with its calls, by number; undefined until one is asked for. */
  paths?: ReadonlyMap<number, string>;
}

/**
 * Functions at addresses that were asked for. Each has a row number, and so has each function that it was inlined into:
 *
 *     for (let row = functions.at(address); row >= 0; row = functions.parent(row)) {
 *       console.log(functions.name(row), functions.callPath(row), functions.callLine(row));
 *     }
 */
export class InlinedFunctions {
  readonly #units: Units;
  readonly #lists: RangeLists;
  readonly #names: EntryNames;
  readonly #split: SplitUnits | undefined;
  #unitAt: PaintedRanges | undefined;
  /** Units by row; null for those that cannot be read. */
  readonly #read: (ReadUnit | null | undefined)[] = [];
  /** Row of the function that each was inlined into, its unit, and its row there. */
  readonly #parent = int32Column();
  readonly #unit = int32Column();
  readonly #function = int32Column();
  /** Reference of each row's name. */
  readonly #named = float64Column();

  /** @param split finds the other parts of units that were split. */
  constructor(units: Units, split?: SplitUnits) {
    this.#units = units;
    this.#split = split;
    this.#lists = new RangeLists(units);
    this.#names = new EntryNames(units);
  }

  /** Returns the row of the innermost function at a link-time address, or -1. Throws BadInputError, LimitError. */
  at(address: number): number {
    this.#unitAt ??= this.#unitRanges();
    const unit = this.#unitAt.at(address);
    if (unit < 0) return -1;
    if (this.#read[unit] === undefined) this.#read[unit] = this.#readUnit(unit) ?? null;
    const read = this.#read[unit];
    if (!read) return -1;
    const found = read.functions.ranges.at(address);
    return found < 0 ? -1 : this.#rowOf(read, unit, found);
  }

  /** Returns the row of the function that a row's function was inlined into; -1 if its code is its own. */
  parent(row: number): number {
    return this.#parent.data[row];
  }

  /** Returns the name of a row's function, as EntryNames.name() gives it. Throws BadInputError, LimitError. */
  name(row: number): string {
    return this.#read[this.#unit.data[row]]!.names.name(this.#named.data[row]);
  }

  /** Returns the line of the call that was inlined; 0 if unknown. */
  callLine(row: number): number {
    return this.#read[this.#unit.data[row]]!.functions.callLine[this.#function.data[row]];
  }

  /** Returns the path of the source file of the call that was inlined; "" if unknown. Throws BadInputError, LimitError. */
  callPath(row: number): string {
    const read = this.#read[this.#unit.data[row]]!;
    read.paths ??= this.#readPaths(read);
    return read.paths.get(read.functions.callFile[this.#function.data[row]]) ?? "";
  }

  /**
   * Adds the functions of all units that were read to a table, and passes on which one is the innermost from which
   * address up to which other: rows of the table, or NOTHING. Leaves out the addresses of other units. Throws
   * BadInputError, LimitError.
   */
  keep(table: FunctionTableBuilder, take: (low: number, high: number, row: number) => void): void {
    const kept: number[] = []; // row in the table of each row
    const keepRow = (row: number): number => {
      const rows: number[] = [];
      for (let at = row; at >= 0 && kept[at] === undefined; at = this.parent(at)) rows.push(at);
      for (const at of rows.reverse()) {
        const parent = this.parent(at), isInlined = parent >= 0;
        kept[at] = table.addFunction({
          parent: isInlined ? kept[parent] : -1,
          name: this.name(at),
          callPath: isInlined ? this.callPath(at) : "",
          callLine: isInlined ? this.callLine(at) : 0,
        });
      }
      return kept[row];
    };
    this.#unitAt?.within(-Infinity, Infinity, (low, high, unit) => {
      const read = unit < 0 ? null : this.#read[unit];
      if (read === null) take(low, high, NOTHING);
      read?.functions.ranges.within(low, high, (from, to, found) => {
        take(from, to, found < 0 ? NOTHING : keepRow(this.#rowOf(read, unit, found)));
      });
    });
  }

  /** Returns the row of a function of a unit; gives it one, and those that it was inlined into. */
  #rowOf(read: ReadUnit, unit: number, found: number): number {
    const { rows, functions: { parent, named } } = read;
    if (rows[found] > 0) return rows[found] - 1;
    const chain: number[] = [];
    for (let at = found; at >= 0 && rows[at] === 0; at = parent[at]) chain.push(at);
    this.#units.info.cost.hold(ROW_BYTES * chain.length);
    for (const at of chain.toReversed()) {
      this.#unit.push(unit);
      this.#function.push(at);
      this.#named.push(named[at]);
      rows[at] = this.#parent.push(parent[at] < 0 ? -1 : rows[parent[at]] - 1) + 1;
    }
    return rows[found] - 1;
  }

  /** Reads which unit each address is in. Where several claim it, the first one has it. */
  #unitRanges(): PaintedRanges {
    const units = this.#units, painter = new RangePainter(units.info.cost);
    const listed = readAddressRanges(units);
    for (let row = units.count - 1; row >= 0; row--) {
      const add = (low: number, high: number) => painter.add(low, high, row);
      if (listed.has(row)) listed.each(row, add);
      else {
        const unit = units.unit(row);
        if (unit && !unit.isCodeless) this.#lists.ofUnit(unit, add);
      }
    }
    return painter.paint();
  }

  #readUnit(row: number): ReadUnit | undefined {
    const unit = this.#units.unit(row);
    if (unit === undefined) return undefined;
    const root = this.#units.rootOf(unit);
    const other = root.splitFile === "" ? undefined : this.#split?.(root);
    const functions = other
      ? readUnitFunctions(other.units, new RangeLists(other.units, true), other.unit)
      : readUnitFunctions(this.#units, this.#lists, unit);
    const names = other ? new EntryNames(other.units) : this.#names;
    return { unit, functions, names, rows: new Int32Array(functions.parent.length) };
  }

  /** Reads the paths of the source files with calls from the table of files in a unit's lines. */
  #readPaths({ unit, functions: { callFile } }: ReadUnit): ReadonlyMap<number, string> {
    const { info } = this.#units, { lines, directory } = this.#units.rootOf(unit);
    const table = this.#readLines(lines), paths = new Map<number, string>();
    if (table === undefined) return paths;
    for (const [file, path] of readPaths(info, table, new Set(callFile))) {
      paths.set(file, wholePath(path, directory));
      info.cost.hold(PATH_BYTES + 2 * path.length);
    }
    return paths;
  }

  #readLines(offset: number): LineUnit | undefined {
    const { info } = this.#units, section = info.get(".debug_line");
    if (!section || !(offset >= 0 && offset < section.size)) return undefined;
    return readLineUnit(section, info.littleEndian, offset, (bytes) => {
      info.cost.work(WORK.lineUnit);
      if (!section.held) info.cost.hold(bytes);
    }).unit;
  }
}

/** Opens the inlined functions of a file; undefined if it has no .debug_info. Throws BadInputError, LimitError. */
export function openInlinedFunctions(
  info: DebugInfo,
  { supplementary, split }: { supplementary?: UnitsOptions["supplementary"]; split?: SplitUnits } = {},
): InlinedFunctions | undefined {
  const section = info.get(".debug_info");
  if (!section || section.size === 0) return undefined;
  return new InlinedFunctions(new Units(info, section, { supplementary }), split);
}
