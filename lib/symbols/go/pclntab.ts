/**
 * Functions of a Go program, from the table that its runtime prints stack traces with: their names and addresses, and
 * the source files and lines of their code. `strip` leaves it in the program.
 */

import { lastAtOrBefore } from "../../base/bytes/ascending.ts";
import { LineReader } from "../dwarf/dwarf_line_header.ts";
import { SectionReader } from "../dwarf/info/section_reader.ts";
import type { ElfFile } from "../elf/elf.ts";
import { type Cost, WORK } from "../object/limits.ts";
import { type ByteWindows, byteWindows, stringBytes } from "../object/windows.ts";
import { findPclntab, type FoundPclntab } from "./find_pclntab.ts";
import { type ModuleData, readModuleData } from "./module_data.ts";
import { type PcValues, PcValueTables } from "./pc_values.ts";
import {
  functionEntryBytes,
  functionOffsets,
  GO,
  type GoLayout,
  type PclntabHeader,
} from "./pclntab_header.ts";

/** Most bytes of a table that is read at once: of larger ones most functions are not needed. */
const MAX_HELD = 4 << 20;
/** Bytes of memory of a function, and of a path besides its characters. */
const FUNCTION_BYTES = 16, PATH_BYTES = 50;
/** Longest name and path in bytes. */
const MAX_TEXT = 1 << 16;
/** Functions that are read at once. */
const PIECE = 8192;
/** Bytes of what is said of a function besides its tables. */
const MAX_FUNCTION = 48;
/** Offsets from that of a function's name, of what else is said of it; see functionOffsets(). */
const FIELD = { FILES: 16, LINES: 20, PC_DATA_COUNT: 24, UNIT: 28 } as const;
/** Offset that stands for no path. */
const NO_PATH = 0xffffffff;

const decoder = new TextDecoder();

/** Functions of a program, by row. Addresses are link-time addresses; offsets count from a function's first address. */
export class Pclntab {
  readonly #header: PclntabHeader;
  readonly #bytes: ByteWindows;
  readonly #reader: SectionReader;
  readonly #values: PcValueTables;
  readonly #cost: Cost;
  readonly #fields: { name: number; values: number };
  /** First address of each function, and the end of the last one; and where in the table each is described. */
  readonly #starts: Float64Array;
  readonly #places: Float64Array;
  readonly #paths = new Map<number, string>();
  /** Place of the table, in the file and in memory. */
  readonly found: FoundPclntab;
  /** Address of functions' data; NaN if unknown. */
  readonly functionData: number;

  private constructor(file: ElfFile, found: FoundPclntab, { text, functionData }: ModuleData) {
    const { header, offset, size } = found;
    this.found = found;
    this.functionData = functionData;
    this.#header = header;
    this.#cost = file.cost;
    this.#fields = functionOffsets(header);
    this.#bytes = byteWindows({ source: file.source, offset, size }, file.cost, MAX_HELD);
    this.#reader = new SectionReader(this.#bytes, file.littleEndian);
    this.#values = new PcValueTables(this.#bytes, file.littleEndian, header.quantum, file.cost);
    file.cost.count(header.count, "symbols");
    file.cost.hold((header.count + 1) * FUNCTION_BYTES);
    file.cost.work(header.count * WORK.symbol);
    this.#starts = new Float64Array(header.count + 1);
    this.#places = new Float64Array(header.count);
    this.#readFunctions(file.littleEndian, text);
  }

  /** Opens the table of a file; undefined if it has none. Throws BadInputError, LimitError. */
  static open(file: ElfFile): Pclntab | undefined {
    const found = findPclntab(file);
    return found && new Pclntab(file, found, readModuleData(file, found));
  }

  /** Number of functions. */
  get count(): number {
    return this.#places.length;
  }

  /** Layout of the table. */
  get layout(): GoLayout {
    return this.#header.layout;
  }

  /** Returns the row of the function at an address, -1 if there is none. */
  rowAt(address: number): number {
    const row = lastAtOrBefore(this.#starts, address);
    return row < this.count ? row : -1;
  }

  /** Returns the first address of a function. */
  start(row: number): number {
    return this.#starts[row];
  }

  /** Returns the address behind a function. */
  end(row: number): number {
    return this.#starts[row + 1];
  }

  /** Returns the offset of a function's name from that of all names. */
  nameOffset(row: number): number {
    return this.#field(row, this.#fields.name);
  }

  /** Returns the name at an offset from that of all names; "" if there is none. */
  text(nameOffset: number): string {
    return this.#text(this.#header.names + nameOffset);
  }

  /** Returns whether a name begins at an offset from that of all names. */
  isName(nameOffset: number): boolean {
    const at = this.#header.names + nameOffset, bytes = this.#bytes;
    return (bytes.byte(at) ?? 0) !== 0 && (nameOffset === 0 || bytes.byte(at - 1) === 0);
  }

  /** Returns the line of the code at an offset in a function; 0 if unknown. */
  line(row: number, offset: number): number {
    return Math.max(0, this.#valueAt(row, this.#fields.name + FIELD.LINES, offset));
  }

  /** Returns the path of the source file of the code at an offset in a function; "" if unknown. */
  path(row: number, offset: number): string {
    const number = this.#valueAt(row, this.#fields.name + FIELD.FILES, offset);
    if (number < 0) return "";
    const { layout, units, files } = this.#header;
    const list = layout === GO.V2 ? files : units + 4 * this.#field(row, this.#fields.name + FIELD.UNIT);
    const place = this.#u32(list + 4 * number);
    if (place === NO_PATH) return "";
    const at = layout === GO.V2 ? place : files + place;
    let path = this.#paths.get(at);
    if (path === undefined) {
      path = this.#text(at);
      this.#cost.hold(PATH_BYTES + path.length);
      this.#paths.set(at, path);
    }
    return path;
  }

  /** Returns a function's values of a kind (PCDATA_*) by offset; undefined if it has none. */
  pcData(row: number, kind: number): PcValues | undefined {
    if (!(kind < this.#pcDataCount(row))) return undefined;
    return this.#valuesAt(row, this.#fields.values + 4 * kind);
  }

  /** Returns the address of a function's data of a kind (FUNCDATA_*); NaN if it has none, or it cannot be found. */
  funcData(row: number, kind: number): number {
    const { layout, pointer } = this.#header, { values } = this.#fields;
    const place = this.#places[row], end = place + values + 4 * this.#pcDataCount(row);
    if (layout === GO.V2 || !(kind < this.#reader.at(place + values - 1, 1).u8())) return NaN;
    if (layout >= GO.V18) {
      const offset = this.#u32(end + 4 * kind);
      return offset === 0xffffffff ? NaN : this.functionData + offset;
    }
    const { address } = this.found;
    const aligned = Math.ceil((address + end) / pointer) * pointer - address;
    return this.#reader.at(aligned + pointer * kind, pointer).sized(pointer) || NaN;
  }

  #pcDataCount(row: number): number {
    return this.#field(row, this.#fields.name + FIELD.PC_DATA_COUNT);
  }

  /** Returns the value at an offset in a function; -1 if there is none. */
  #valueAt(row: number, field: number, offset: number): number {
    return this.#valuesAt(row, field)?.at(offset) ?? -1;
  }

  /** Returns the values of a function that a field refers to; undefined if it has none. */
  #valuesAt(row: number, field: number): PcValues | undefined {
    const offset = this.#field(row, field);
    return offset === 0 ? undefined : this.#values.table(this.#header.values + offset);
  }

  #field(row: number, offset: number): number {
    return this.#u32(this.#places[row] + offset);
  }

  #u32(at: number): number {
    return this.#reader.at(at, MAX_FUNCTION).u32();
  }

  #text(at: number): string {
    if (!(at < this.#bytes.size)) return "";
    const bytes = stringBytes(this.#bytes, at, MAX_TEXT);
    this.#cost.work(WORK.debugUnit + bytes.length);
    return decoder.decode(bytes);
  }

  #readFunctions(littleEndian: boolean, text: number): void {
    const { layout, pointer, functions, functionBase } = this.#header;
    const size = layout >= GO.V18 ? 4 : pointer, entry = functionEntryBytes(layout, pointer);
    const starts = this.#starts, places = this.#places, { count } = this;
    for (let from = 0; from <= count; from += PIECE) {
      const to = Math.min(from + PIECE, count + 1);
      const r = new LineReader(
        this.#bytes.window(functions + from * entry, (to - from) * entry),
        littleEndian,
      );
      for (let row = from; row < to; row++) {
        starts[row] = text + r.sized(size);
        const place = r.sized(size);
        if (row < count) places[row] = functionBase + place;
      }
    }
  }
}
