/**
 * Address ranges of the functions of a file, with or without names, from the unwind rules in .eh_frame, which almost
 * every program has, stripped or not. Layout: the Linux Standard Base, "Exception Frames"; DW_EH_PE_* there.
 *
 *     CIE: what several functions have in common, such as how their addresses are encoded
 *      ^-- FDE: a function's first address and its length
 */

import { lastAtOrBefore } from "../../base/bytes/ascending.ts";
import { float64Column } from "../../base/bytes/column.ts";
import { cString } from "../../base/bytes/bytes.ts";
import type { ElfFile } from "./elf.ts";
import { LoadOffsets } from "./load_offsets.ts";
import { WORK } from "../object/limits.ts";

/** p_type of the segment that has .eh_frame_hdr. */
const PT_GNU_EH_FRAME = 0x6474e550;
/** DW_EH_PE_* masks: the low four bits are the format of a pointer, the next three what it is relative to. */
const ENCODING = {
  FORMAT: 0x0f,
  SIGNED: 0x08,
  RELATIVE: 0x70,
  PCREL: 0x10,
  INDIRECT: 0x80,
  OMIT: 0xff,
} as const;
const TWO_32 = 4294967296;
/** Longest augmentation string, whose letters tell what a CIE contains. */
const MAX_AUGMENTATION = 16;
/** Bytes of memory of a function while the table is made: two growing columns, and their order. */
const BUILD_BYTES = 64;
/** Bytes of memory of a CIE's encoding. */
const CIE_BYTES = 100;

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
}

/** Reads the functions of `file`; empty if it has no .eh_frame. Throws BadInputError and LimitError. */
export function functionRanges(file: ElfFile): FunctionRanges {
  const frames = findFrames(file);
  if (frames === undefined) return new FunctionRanges(new Float64Array(0), new Float64Array(0));
  return new FrameReader(file, frames).read();
}

/** Bytes of .eh_frame, and the address of the first one. */
interface Frames {
  bytes: Uint8Array;
  address: number;
}

/** Finds .eh_frame by its section, or in a file without sections through the pointer in .eh_frame_hdr. */
function findFrames(file: ElfFile): Frames | undefined {
  const section = file.section(".eh_frame");
  if (section !== undefined) return { bytes: file.contents(section), address: section.addr };
  const header = file.segments.find(({ type }) => type === PT_GNU_EH_FRAME);
  if (header === undefined || header.filesz < 8) return undefined;
  const bytes = file.bytes(header.offset, 8, ".eh_frame_hdr");
  const view = new DataView(bytes.buffer, bytes.byteOffset, 8);
  const PCREL_SDATA4 = 0x1b;
  if (bytes[0] !== 1 || bytes[1] !== PCREL_SDATA4) return undefined;
  const address = header.vaddr + 4 + view.getInt32(4, file.littleEndian);
  const segment = file.segments.find(({ type, vaddr, filesz }) =>
    type === 1 && address >= vaddr && address < vaddr + filesz
  );
  if (segment === undefined) return undefined;
  const { vaddr, offset, filesz } = segment;
  return {
    bytes: file.bytes(offset + address - vaddr, vaddr + filesz - address, ".eh_frame"),
    address,
  };
}

/** Reader of .eh_frame, from its first entry to its last, or to the first one that makes no sense. */
class FrameReader {
  readonly #file: ElfFile;
  readonly #frames: Frames;
  readonly #view: DataView;
  readonly #littleEndian: boolean;
  readonly #shifts: LoadOffsets;
  /** Address encoding of the FDEs of each CIE, by its position; undefined if it is not supported. */
  readonly #encodings = new Map<number, number | undefined>();
  readonly #starts = float64Column();
  readonly #ends = float64Column();

  constructor(file: ElfFile, frames: Frames) {
    const { bytes } = frames;
    this.#file = file;
    this.#frames = frames;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#littleEndian = file.littleEndian;
    this.#shifts = new LoadOffsets(file);
  }

  read(): FunctionRanges {
    const { cost } = this.#file, size = this.#view.byteLength;
    for (let at = 0; at + 8 <= size;) {
      let length = this.#view.getUint32(at, this.#littleEndian), body = at + 4;
      if (length === 0) break; // terminator
      if (length === 0xffffffff) {
        if (body + 12 > size) break;
        length = this.#unsigned(body, 8);
        body += 8;
      }
      if (!(length >= 4 && body + length <= size)) break;
      const end = body + length;
      cost.work(WORK.symbol);
      const toCie = this.#view.getUint32(body, this.#littleEndian);
      if (toCie !== 0) this.#takeFunction(body, body - toCie, end);
      at = end;
    }
    return this.#sorted();
  }

  /** Takes the function of the FDE whose CIE pointer is at `body`. */
  #takeFunction(body: number, cie: number, end: number): void {
    const encoding = this.#encodingOf(cie);
    if (encoding === undefined) return;
    const bytes = formatBytes(encoding, this.#file.is64);
    const at = body + 4;
    if (at + 2 * bytes > end) return;
    const written = encoding & ENCODING.SIGNED ? this.#signed(at, bytes) : this.#unsigned(at, bytes);
    let address = encoding & ENCODING.PCREL ? this.#frames.address + at + written : written;
    if (!this.#file.is64) address = ((address % TWO_32) + TWO_32) % TWO_32; // sums wrap around
    const range = this.#unsigned(at + bytes, bytes);
    const offset = address - this.#shifts.of(address, this.#sectionShift(address));
    if (!(offset >= 0 && range > 0 && offset + range <= this.#file.source.size)) return;
    if (this.#starts.length % 1024 === 0) this.#file.cost.hold(1024 * BUILD_BYTES);
    this.#starts.push(offset);
    this.#ends.push(offset + range);
  }

  /** Returns address minus file offset of the section that contains an address, for files without segments. */
  #sectionShift(address: number): number {
    if (this.#file.segments.length > 0) return NaN;
    this.#file.cost.work(this.#file.sections.length);
    const section = this.#file.sections.find(({ addr, size }) => address >= addr && address < addr + size);
    return section === undefined ? NaN : section.addr - section.offset;
  }

  #encodingOf(cie: number): number | undefined {
    if (!this.#encodings.has(cie)) {
      this.#file.cost.hold(CIE_BYTES); // hostile FDEs may each point to another place
      this.#encodings.set(cie, this.#readEncoding(cie));
    }
    return this.#encodings.get(cie);
  }

  /** Returns the address encoding that the CIE at `at` asks for; undefined if it is not supported. */
  #readEncoding(at: number): number | undefined {
    const { bytes } = this.#frames, size = this.#view.byteLength;
    let body = at + 4;
    if (!(at >= 0 && body + 8 <= size)) return undefined;
    if (this.#view.getUint32(at, this.#littleEndian) === 0xffffffff) body += 8;
    if (body + 8 > size || this.#view.getUint32(body, this.#littleEndian) !== 0) return undefined;
    const version = bytes[body + 4];
    const letters = cString(bytes.subarray(body + 5, body + 5 + MAX_AUGMENTATION));
    if (version !== 1 && version !== 3) return undefined;
    let next = body + 5 + letters.length + 1;
    if (letters === "") return 0; // absolute addresses
    if (!letters.startsWith("z")) return undefined;
    const skip = () => {
      while (next < size && bytes[next] >= 0x80) next++;
      next++;
    };
    skip(); // code alignment
    skip(); // data alignment
    if (version === 1) next++;
    else skip(); // return address register
    skip(); // length of what follows
    for (const letter of letters.slice(1)) {
      const encoding = bytes[next++];
      if (letter === "R") return understood(encoding) ? encoding : undefined;
      if (letter === "P") next += formatBytes(encoding, this.#file.is64);
      else if (letter === "S" || letter === "B") next--; // no data of their own
      else if (letter !== "L") return undefined;
    }
    return 0;
  }

  #unsigned(at: number, bytes: number): number {
    const view = this.#view, little = this.#littleEndian;
    if (bytes === 2) return view.getUint16(at, little);
    if (bytes === 4) return view.getUint32(at, little);
    const [low, high] = little ? [at, at + 4] : [at + 4, at];
    return view.getUint32(high, little) * TWO_32 + view.getUint32(low, little);
  }

  #signed(at: number, bytes: number): number {
    const view = this.#view, little = this.#littleEndian;
    if (bytes === 2) return view.getInt16(at, little);
    if (bytes === 4) return view.getInt32(at, little);
    const [low, high] = little ? [at, at + 4] : [at + 4, at];
    return view.getInt32(high, little) * TWO_32 + view.getUint32(low, little);
  }

  #sorted(): FunctionRanges {
    const starts = this.#starts.values(), ends = this.#ends.values();
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
}

/** Returns the bytes of a pointer; 0 if its format has no fixed length. */
function formatBytes(encoding: number, is64: boolean): number {
  switch (encoding & ENCODING.FORMAT & ~ENCODING.SIGNED) {
    case 0:
      return is64 ? 8 : 4;
    case 2:
      return 2;
    case 3:
      return 4;
    case 4:
      return 8;
    default:
      return 0;
  }
}

/** Returns whether addresses in this encoding can be read: of fixed length, and absolute or relative to themselves. */
function understood(encoding: number): boolean {
  const relative = encoding & ENCODING.RELATIVE;
  return encoding !== ENCODING.OMIT && (encoding & ENCODING.INDIRECT) === 0 &&
    formatBytes(encoding, true) > 0 &&
    (relative === 0 || relative === ENCODING.PCREL);
}
