/**
 * Finds the entry of the function that has an address: by the sorted table of .eh_frame_hdr (the Linux
 * Standard Base, "The .eh_frame_hdr section"), or by an index that one pass over the entries makes.
 *
 *     u8 version 1; u8 encodings of: eh_frame_ptr, fde_count, table; eh_frame_ptr; fde_count
 *     table: { start; address of the entry } [fde_count], ascending
 *
 * A table that does not ascend, or that leads to entries of other addresses, is not trusted: the index takes
 * its place.
 */

import { lastAtOrBefore } from "../../base/bytes/ascending.ts";
import { float64Column } from "../../base/bytes/column.ts";
import { LineReader } from "../../symbols/dwarf/dwarf_line_header.ts";
import type { Cost } from "../../symbols/object/limits.ts";
import type { ByteWindows } from "../../symbols/object/windows.ts";
import { type CfiSection, EntryReader, type Fde } from "../../symbols/dwarf/cfi_entries.ts";
import { pointerSize, readPointer } from "../../symbols/dwarf/cfi_pointer.ts";

/** Bytes of an index for a function's entry, and bytes more while it is made: columns that grow, and their order. */
const INDEX_BYTES = 24, MAKING_BYTES = 76;
/** How many entries that start earlier are looked at, where entries overlap. */
const MAX_OVERLAPS = 8;
/** Bytes of .eh_frame_hdr: 8 an entry, so 8 million functions. */
const MAX_HEADER = 64 << 20;
/** Units of work that a row of the header takes. */
const ROW_WORK = 4;

/** DW_EH_PE_datarel | DW_EH_PE_sdata4 */
const RELATIVE_TO_HEADER = 0x3b;

/** The section .eh_frame_hdr. */
export interface HeaderSection {
  readonly bytes: ByteWindows;
  readonly address: number;
}

/** The functions' entries of a section, by address. */
export class CfiTable {
  readonly reader: EntryReader;
  /** Account that work on the section is charged to. */
  readonly cost: Cost;
  /** Range of addresses that no entry has, around the address that was last found in none; empty when unknown. */
  gapStart = 0.5;
  gapEnd = 0.5;
  #header: SortedTable | undefined;
  #index: Index | undefined;

  constructor(section: CfiSection, header: HeaderSection | undefined, cost: Cost) {
    this.reader = new EntryReader(section);
    this.cost = cost;
    this.#header = header && readHeader(header, section, cost);
  }

  /** Returns the entry of the function that has `address`; undefined where none has. Throws LimitError. */
  find(address: number): Fde | undefined {
    const { reader } = this;
    this.gapStart = this.gapEnd = 0.5;
    if (this.#header) {
      const header = this.#header, { section } = reader, at = header.find(address);
      if (at < 0) return undefined;
      const fde = reader.fde(header.entryAt(at) - section.address);
      if (fde?.start === header.startAt(at)) {
        if (address < fde.end) return fde;
        this.gapStart = fde.end;
        this.gapEnd = at + 1 < header.count ? header.startAt(at + 1) : Infinity;
        return undefined;
      }
      this.#header = undefined;
    }
    this.#index ??= makeIndex(reader, this.cost);
    const at = this.#index.find(address);
    return at < 0 ? undefined : reader.fde(at);
  }
}

/** The table of .eh_frame_hdr. */
class SortedTable {
  readonly count: number;
  readonly #r: LineReader;
  readonly #view: DataView;
  readonly #littleEndian: boolean;
  readonly #from: number;
  readonly #half: number;
  readonly #encoding: number;
  readonly #address: number;
  readonly #section: CfiSection;

  constructor(
    bytes: Uint8Array,
    table: { from: number; count: number; encoding: number; size: number; address: number },
    section: CfiSection,
  ) {
    this.#r = new LineReader(bytes, section.littleEndian);
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#littleEndian = section.littleEndian;
    this.count = table.count;
    this.#from = table.from;
    this.#half = table.size;
    this.#encoding = table.encoding;
    this.#address = table.address;
    this.#section = section;
  }

  #pointer(at: number): number {
    // as all linkers write them
    if (this.#encoding === RELATIVE_TO_HEADER) {
      return this.#address + this.#view.getInt32(at, this.#littleEndian);
    }
    this.#r.pos = at;
    return readPointer(this.#r, this.#encoding, this.#address + at, {
      text: this.#section.bases.text,
      data: this.#address,
      addressSize: this.#section.bases.addressSize,
    });
  }

  startAt(at: number): number {
    return this.#pointer(this.#from + 2 * at * this.#half);
  }

  entryAt(at: number): number {
    return this.#pointer(this.#from + (2 * at + 1) * this.#half);
  }

  /** Returns the last row that starts at or before `address`; -1 when none does. */
  find(address: number): number {
    let low = 0, high = this.count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.startAt(middle) <= address) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  ascends(): boolean {
    for (let at = 0, last = -Infinity; at < this.count; at++) {
      const start = this.startAt(at);
      if (!(start >= last)) return false;
      last = start;
    }
    return true;
  }
}

/** Reads the header; undefined for one without a table that can be searched. */
function readHeader(
  { bytes, address }: HeaderSection,
  section: CfiSection,
  cost: Cost,
): SortedTable | undefined {
  if (bytes.size > MAX_HEADER || bytes.size < 4) return undefined;
  const all = bytes.window(0, bytes.size);
  const r = new LineReader(all, section.littleEndian);
  const [version, pointerEncoding, countEncoding, encoding] = [r.u8(), r.u8(), r.u8(), r.u8()];
  const bases = { text: section.bases.text, data: address, addressSize: section.bases.addressSize };
  readPointer(r, pointerEncoding, address + r.pos, bases);
  const count = readPointer(r, countEncoding, address + r.pos, bases);
  const size = pointerSize(encoding, bases.addressSize), from = r.pos;
  if (version !== 1 || size === 0 || !(count > 0 && from + 2 * size * count <= all.length)) return undefined;
  cost.work(count * ROW_WORK);
  const table = new SortedTable(all, { from, count, encoding, size, address }, section);
  return table.ascends() ? table : undefined;
}

/** Starts, ends and offsets of entries, ascending by start. */
class Index {
  readonly #starts: Float64Array;
  readonly #ends: Float64Array;
  readonly #offsets: Float64Array;

  constructor(starts: Float64Array, ends: Float64Array, offsets: Float64Array) {
    this.#starts = starts;
    this.#ends = ends;
    this.#offsets = offsets;
  }

  /**
   * Returns the offset of the entry that has `address`, the one that starts last where several do; -1 for
   * none.
   */
  find(address: number): number {
    const last = lastAtOrBefore(this.#starts, address);
    for (let at = last; at >= Math.max(0, last + 1 - MAX_OVERLAPS); at--) {
      if (address < this.#ends[at]) return this.#offsets[at];
    }
    return -1;
  }
}

function makeIndex(reader: EntryReader, cost: Cost): Index {
  const starts = float64Column(), ends = float64Column(), offsets = float64Column();
  reader.each(({ start, end }, at) => {
    if (starts.length % 1024 === 0) cost.hold(1024 * (INDEX_BYTES + MAKING_BYTES));
    starts.push(start);
    ends.push(end);
    offsets.push(at);
  }, cost);
  const columns = [starts, ends, offsets].map((column) => column.values());
  const index = new Index(...sortedBy(columns[0], columns));
  cost.release(Math.ceil(starts.length / 1024) * 1024 * MAKING_BYTES);
  return index;
}

type Columns = [starts: Float64Array, ends: Float64Array, offsets: Float64Array];

/** Returns copies of three columns in the order of `keys`. */
function sortedBy(keys: Float64Array, columns: readonly Float64Array[]): Columns {
  const isSorted = keys.every((key, i) => i === 0 || key >= keys[i - 1]);
  if (isSorted) return columns.map((column) => column.slice()) as Columns;
  const order = Uint32Array.from(keys.keys()).sort((a, b) => keys[a] - keys[b] || a - b);
  return columns.map((column) => Float64Array.from(order, (i) => column[i])) as Columns;
}
