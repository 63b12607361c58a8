/**
 * Where the functions of a file are, whether they have names or not: from .eh_frame, the rules for unwinding that
 * almost every program has, stripped or not. Layout: the Linux Standard Base, "Exception Frames"; encodings of
 * pointers: DW_EH_PE_* there.
 *
 *     CIE: what several functions have in common, such as how their addresses are written
 *      ^-- FDE: a function's first address and its length
 */

import { float64Column } from "../../base/bytes/column.ts";
import { cString } from "../../base/bytes/bytes.ts";
import type { ElfFile } from "./elf.ts";
import { LoadOffsets } from "./elf_symbols.ts";
import { WORK } from "../object/limits.ts";

/** p_type of the segment that has .eh_frame_hdr. */
const PT_GNU_EH_FRAME = 0x6474e550;
/** DW_EH_PE_*: the low four bits say how long a pointer is, the next three what it is relative to. */
const ENCODING = {
  FORMAT: 0x0f,
  SIGNED: 0x08,
  RELATIVE: 0x70,
  PCREL: 0x10,
  INDIRECT: 0x80,
  OMIT: 0xff,
} as const;
const TWO_32 = 4294967296;
/** Bytes of an augmentation string: letters for what a CIE has in it. */
const MAX_AUGMENTATION = 16;
/** Bytes of memory for a function while the table is made: two columns that grow, and their order. */
const BUILD_BYTES = 64;
/** Bytes of memory for what is known of a CIE. */
const CIE_BYTES = 100;

/** Functions of one file, by offsets in it. */
export class FunctionRanges {
  readonly #starts: Float64Array;
  readonly #ends: Float64Array;

  /** @param starts ascending. */
  constructor(starts: Float64Array, ends: Float64Array) {
    this.#starts = starts;
    this.#ends = ends;
  }

  /** How many functions. */
  get length(): number {
    return this.#starts.length;
  }

  /** The first offset of the function at `offset`, -1 where none is known to be. */
  startAt(offset: number): number {
    const starts = this.#starts;
    let low = 0, high = starts.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (starts[middle] <= offset) low = middle + 1;
      else high = middle;
    }
    return low > 0 && offset < this.#ends[low - 1] ? starts[low - 1] : -1;
  }
}

/** Reads where the functions of `file` are; none where it does not say. Throws BadInputError and LimitError. */
export function functionRanges(file: ElfFile): FunctionRanges {
  const frames = findFrames(file);
  if (frames === undefined) return new FunctionRanges(new Float64Array(0), new Float64Array(0));
  return new FrameReader(file, frames).read();
}

/** The bytes of .eh_frame and the address of the first of them. */
interface Frames {
  bytes: Uint8Array;
  address: number;
}

/** Finds .eh_frame by its section; where the file has no sections, through the pointer in .eh_frame_hdr. */
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

/** Reads .eh_frame from its first entry to its last, or to the first one that makes no sense. */
class FrameReader {
  readonly #file: ElfFile;
  readonly #frames: Frames;
  readonly #view: DataView;
  readonly #littleEndian: boolean;
  readonly #shifts: LoadOffsets;
  /** How the addresses of the FDEs of a CIE are written, by its position; undefined where that is not known. */
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
      if (length === 0) break; // the last entry
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

  /** Takes the function that the FDE whose pointer to the CIE is at `body` is of. */
  #takeFunction(body: number, cie: number, end: number): void {
    const encoding = this.#encodingOf(cie);
    if (encoding === undefined) return;
    const bytes = formatBytes(encoding, this.#file.is64);
    const at = body + 4;
    if (at + 2 * bytes > end) return;
    const written = encoding & ENCODING.SIGNED ? this.#signed(at, bytes) : this.#unsigned(at, bytes);
    let address = encoding & ENCODING.PCREL ? this.#frames.address + at + written : written;
    if (!this.#file.is64) address = ((address % TWO_32) + TWO_32) % TWO_32; // sums wrap
    const range = this.#unsigned(at + bytes, bytes);
    const offset = address - this.#shifts.of(address, this.#sectionShift(address));
    if (!(offset >= 0 && range > 0 && offset + range <= this.#file.source.size)) return;
    if (this.#starts.length % 1024 === 0) this.#file.cost.hold(1024 * BUILD_BYTES);
    this.#starts.push(offset);
    this.#ends.push(offset + range);
  }

  /** Address minus file offset of the section that an address is in, for files without segments. */
  #sectionShift(address: number): number {
    if (this.#file.segments.length > 0) return NaN;
    this.#file.cost.work(this.#file.sections.length);
    const section = this.#file.sections.find(({ addr, size }) => address >= addr && address < addr + size);
    return section === undefined ? NaN : section.addr - section.offset;
  }

  #encodingOf(cie: number): number | undefined {
    if (!this.#encodings.has(cie)) {
      this.#file.cost.hold(CIE_BYTES); // hostile FDEs point to as many places as there are of them
      this.#encodings.set(cie, this.#readEncoding(cie));
    }
    return this.#encodings.get(cie);
  }

  /** The encoding of addresses that the CIE at `at` asks for, undefined for one that is not understood. */
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
    if (letters === "") return 0; // addresses as they are
    if (!letters.startsWith("z")) return undefined;
    const skip = () => {
      while (next < size && bytes[next] >= 0x80) next++;
      next++;
    };
    skip(); // code alignment
    skip(); // data alignment
    if (version === 1) next++;
    else skip(); // the register with the return address
    skip(); // bytes of what follows
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
    // linkers leave them in the order of their code, but for those of several sections
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

/** Bytes of a pointer; 0 for one of a format that has no fixed length. */
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

/** Whether addresses written so can be read here: of a fixed length, as they are or relative to themselves. */
function understood(encoding: number): boolean {
  const relative = encoding & ENCODING.RELATIVE;
  return encoding !== ENCODING.OMIT && (encoding & ENCODING.INDIRECT) === 0 &&
    formatBytes(encoding, true) > 0 &&
    (relative === 0 || relative === ENCODING.PCREL);
}
