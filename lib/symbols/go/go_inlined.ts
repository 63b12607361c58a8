/**
 * Inlined functions of a Go program, from the tree that each function of its table has: which calls were inlined into
 * it, where, and into which other. A second table says which of them the code at an address belongs to.
 */

import { float64Column, int32Column } from "../../base/bytes/column.ts";
import type { ElfFile } from "../elf/elf.ts";
import { SectionReader } from "../dwarf/info/section_reader.ts";
import { segmentAt } from "../elf/load_offsets.ts";
import { byteWindows } from "../object/windows.ts";
import type { Segment } from "../elf/elf_header.ts";
import type { Cost } from "../object/limits.ts";
import { Pclntab } from "./pclntab.ts";
import { GO } from "./pclntab_header.ts";

/** Numbers of a function's tables (internal/abi): the tree, and the places in it by address. */
const FUNCDATA_INL_TREE = 3, PCDATA_INL_TREE_INDEX = 2;
/** Most calls of a tree. */
const MAX_CALLS = 1 << 20;
/** Bytes of memory of a row. */
const ROW_BYTES = 120;
/** Most bytes of data that are read at once. */
const MAX_HELD = 1 << 20;

/** Call that was inlined into a function. */
interface InlinedCall {
  name: number;
  /** Offset in the function of an instruction whose line is that of the call. */
  at: number;
  /** Number of the call that it was inlined into, -1 if that is the function itself. */
  parent: number;
}

/** Functions at addresses that were asked for; as InlinedFunctions, which reads DWARF. */
export class GoInlinedFunctions {
  readonly #table: Pclntab;
  readonly #file: ElfFile;
  readonly #cost: Cost;
  readonly #segments = new Map<Segment, SectionReader>();
  /** Rows by function and call. */
  readonly #rows = new Map<number, number>();
  readonly #parent = int32Column();
  readonly #function = int32Column();
  readonly #name = float64Column();
  readonly #callAt = float64Column();

  constructor(table: Pclntab, file: ElfFile) {
    this.#table = table;
    this.#file = file;
    this.#cost = file.cost;
  }

  /** Opens the inlined functions of a file; undefined if it has no table. Throws BadInputError, LimitError. */
  static open(file: ElfFile): GoInlinedFunctions | undefined {
    const table = Pclntab.open(file);
    return table && new GoInlinedFunctions(table, file);
  }

  /** Returns the row of the innermost function at a link-time address, or -1. Throws BadInputError, LimitError. */
  at(address: number): number {
    const table = this.#table, within = table.rowAt(address);
    if (within < 0) return -1;
    const calls = table.pcData(within, PCDATA_INL_TREE_INDEX);
    return this.#rowOf(within, calls?.at(address - table.start(within)) ?? -1);
  }

  /** Returns the row of the function that a row's function was inlined into; -1 if its code is its own. */
  parent(row: number): number {
    return this.#parent.data[row];
  }

  /** Returns the name of a row's function. Throws BadInputError, LimitError. */
  name(row: number): string {
    return this.#table.text(this.#name.data[row]);
  }

  /** Returns the line of the call that was inlined; 0 if unknown. Throws BadInputError, LimitError. */
  callLine(row: number): number {
    return this.#table.line(this.#function.data[row], this.#callAt.data[row]);
  }

  /** Returns the path of the source file of the call that was inlined; "" if unknown. Throws BadInputError, LimitError. */
  callPath(row: number): string {
    return this.#table.path(this.#function.data[row], this.#callAt.data[row]);
  }

  /** Returns the row of a call in a function, -1 for the function itself; gives it one, and those around it. */
  #rowOf(within: number, innermost: number): number {
    const news: { key: number; call: InlinedCall }[] = [];
    const own = within * MAX_CALLS * 2;
    let number = innermost;
    let row: number | undefined;
    for (;;) {
      const key = own + number + 1;
      row = this.#rows.get(key);
      if (row !== undefined) break;
      const call = number < 0 ? undefined : this.#call(within, number);
      if (call === undefined) break;
      news.push({ key, call });
      number = call.parent;
    }
    row ??= this.#rows.get(own) ??
      this.#add(own, { within, parent: -1, name: this.#table.nameOffset(within), at: 0 });
    for (const { key, call } of news.reverse()) {
      row = this.#add(key, { within, parent: row, name: call.name, at: call.at });
    }
    return row;
  }

  #add(
    key: number,
    { within, parent, name, at }: { within: number; parent: number; name: number; at: number },
  ): number {
    this.#cost.hold(ROW_BYTES);
    this.#function.push(within);
    this.#name.push(name);
    this.#callAt.push(at);
    const row = this.#parent.push(parent);
    this.#rows.set(key, row);
    return row;
  }

  /**
   * Reads a call of a function's tree; undefined if it cannot be found.
   *
   *     since Go 1.20:  u8 funcID, 0, 0, 0; i32 name, place of the call, first line
   *     before:         i16 number of the call around it; u8 funcID, 0; i32 file, line, name, place of the call
   */
  #call(within: number, number: number): InlinedCall | undefined {
    const table = this.#table, isNew = table.layout >= GO.V20, size = isNew ? 16 : 20;
    if (number >= MAX_CALLS) return undefined;
    const r = this.#memory(table.funcData(within, FUNCDATA_INL_TREE) + number * size, size);
    if (r === undefined) return undefined;
    const parent = (r.u16() << 16) >> 16;
    r.pos += isNew ? 2 : 10;
    const name = r.u32(), at = r.u32();
    if (!table.isName(name)) return undefined;
    const around = isNew ? table.pcData(within, PCDATA_INL_TREE_INDEX)!.at(at) : parent;
    // calls come after those that they are in
    return { name, at, parent: around < number ? around : -1 };
  }

  /** Returns a reader of memory as it is when the program starts; undefined if the file does not have it. */
  #memory(address: number, size: number) {
    const segment = segmentAt(this.#file, address);
    if (segment === undefined) return undefined;
    let reader = this.#segments.get(segment);
    if (reader === undefined) {
      const { source, cost, littleEndian } = this.#file, { offset, filesz } = segment;
      this.#file.checkRange(offset, filesz, "a segment");
      reader = new SectionReader(
        byteWindows({ source, offset, size: filesz }, cost, MAX_HELD),
        littleEndian,
      );
      this.#segments.set(segment, reader);
    }
    return reader.at(address - segment.vaddr, size);
  }
}
