/**
 * Address ranges of the functions of a file, with or without names, from the entries in .eh_frame, which almost
 * every program has, stripped or not.
 */

import { lastAtOrBefore } from "../../base/bytes/ascending.ts";
import { float64Column } from "../../base/bytes/column.ts";
import type { ElfFile } from "../elf/elf.ts";
import { LoadOffsets } from "../elf/load_offsets.ts";
import { HeldBytes } from "../object/windows.ts";
import { EntryReader } from "./cfi_entries.ts";
import { findEhFrame, pointerBases } from "./eh_frame.ts";

const TWO_32 = 4294967296;
/** Bytes of memory of a function while the table is made: two growing columns, and their order. */
const BUILD_BYTES = 64;

/** Functions of one file, by file offset. */
export class FunctionRanges {
  readonly #starts: Float64Array;
  readonly #ends: Float64Array;

  /** @param starts ascending. */
  constructor(starts: Float64Array, ends: Float64Array) {
    this.#starts = starts;
    this.#ends = ends;
  }

  /** Number of functions. */
  get length(): number {
    return this.#starts.length;
  }

  /** Returns the first offset of the function at `offset`, or -1 if none is known there. */
  startAt(offset: number): number {
    const at = lastAtOrBefore(this.#starts, offset);
    return at >= 0 && offset < this.#ends[at] ? this.#starts[at] : -1;
  }

  /** Returns the offset behind the function at `offset`, or -1 if none is known there. */
  endAt(offset: number): number {
    const at = lastAtOrBefore(this.#starts, offset);
    return at >= 0 && offset < this.#ends[at] ? this.#ends[at] : -1;
  }
}

/** Reads the functions of `file`; empty if it has no .eh_frame. Throws BadInputError and LimitError. */
export function functionRanges(file: ElfFile): FunctionRanges {
  const starts = float64Column(), ends = float64Column();
  const frame = findEhFrame(file);
  if (frame === undefined) return new FunctionRanges(starts.values(), ends.values());
  const { cost, littleEndian } = file;
  const bytes = new HeldBytes(file.bytes(frame.offset, frame.size, ".eh_frame"));
  const bases = pointerBases(file), offsets = new LoadOffsets(file);
  const section = { bytes, address: frame.address, isEh: true, littleEndian, bases };
  new EntryReader(section).each(({ start, end }) => {
    const address = file.is64 ? start : ((start % TWO_32) + TWO_32) % TWO_32; // sums wrap around
    const offset = address - offsets.of(address, sectionShift(file, address));
    const length = end - start;
    if (!(offset >= 0 && offset + length <= file.source.size)) return;
    if (starts.length % 1024 === 0) cost.hold(1024 * BUILD_BYTES);
    starts.push(offset);
    ends.push(offset + length);
  }, cost);
  return sorted(starts.values(), ends.values());
}

/** Returns address minus file offset of the section that contains an address, for files without segments. */
function sectionShift({ segments, sections, cost }: ElfFile, address: number): number {
  if (segments.length > 0) return NaN;
  cost.work(sections.length);
  const section = sections.find(({ addr, size }) => address >= addr && address < addr + size);
  return section === undefined ? NaN : section.addr - section.offset;
}

function sorted(starts: Float64Array, ends: Float64Array): FunctionRanges {
  // linkers keep the order of the code, except for functions in several sections
  if (starts.every((start, i) => i === 0 || start >= starts[i - 1])) {
    return new FunctionRanges(starts.slice(), ends.slice());
  }
  const order = Uint32Array.from(starts.keys()).sort((a, b) => starts[a] - starts[b] || ends[a] - ends[b]);
  return new FunctionRanges(
    Float64Array.from(order, (i) => starts[i]),
    Float64Array.from(order, (i) => ends[i]),
  );
}
