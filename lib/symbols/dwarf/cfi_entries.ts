/**
 * Entries of .eh_frame and .debug_frame: common ones (CIE) and those of functions (FDE). DWARF 5, section
 * 6.4.1, for .debug_frame; the Linux Standard Base, "Exception Frames", for .eh_frame:
 *
 *     u32 length, or 0xffffffff and u64 length;  id or offset of the CIE (u32; u64 in 64-bit .debug_frame)
 *     CIE: u8 version; string augmentation; [u8 address_size, segment_size] version 4
 *          uleb code_alignment; sleb data_alignment; u8 or uleb return_register; [augmentation data] instructions
 *     FDE: start, length as encoded pointers; [augmentation data] instructions
 *
 * A CIE's id is 0 in .eh_frame and all ones in .debug_frame; an FDE has there how far back its CIE is, or
 * where it is.
 */

import { LineReader } from "./dwarf_line_header.ts";
import { type Cost, WORK } from "../object/limits.ts";
import type { ByteWindows } from "../object/windows.ts";
import { INDIRECT, OMIT, type PointerBases, readPointer } from "./cfi_pointer.ts";

/** Bytes of an entry that are read; real ones have up to some 10 KB. */
const MAX_ENTRY = 1 << 20;
/** Bytes of the front of an entry: length and id, in 64-bit DWARF. */
const FRONT = 20;
/** Common entries that are remembered: a library linked of many objects has some hundreds. */
const MAX_CIES = 4096;
/** Letters of an augmentation. Real ones have up to 6. */
const MAX_AUGMENTATION = 32;
const ALL_ONES = 0xffffffff;
/** Units of work that an entry takes in a pass over all, and a common entry each time that it is read. */
const ENTRY_WORK = 40, CIE_WORK = 200;

/** A section with call frame information. */
export interface CfiSection {
  readonly bytes: ByteWindows;
  /** Address of its first byte, as the object was linked. */
  readonly address: number;
  readonly isEh: boolean;
  readonly littleEndian: boolean;
  readonly bases: PointerBases;
}

/** Place and kind of an entry. */
interface Entry {
  /** Range of its contents behind the id. */
  from: number;
  end: number;
  /** Offset of its CIE; -1 for an entry that is a CIE. */
  cie: number;
}

/** A common entry. */
export interface Cie {
  codeAlign: number;
  dataAlign: number;
  returnRegister: number;
  /** Encoding of the addresses in its functions' entries. */
  fdeEncoding: number;
  hasAugmentationData: boolean;
  /** True when its functions' frames are made by signals: their callers' addresses are not behind a call. */
  isSignal: boolean;
  segmentSize: number;
  bases: PointerBases;
  /** Range of its instructions in the section. */
  from: number;
  to: number;
}

/** A function's entry. */
export interface Fde {
  /** The function as linked: [start, end). */
  start: number;
  end: number;
  cie: Cie;
  /** Offset of the CIE. */
  cieAt: number;
  /** Range of its instructions in the section. */
  from: number;
  to: number;
}

/** Reads the entries of one section. */
export class EntryReader {
  readonly section: CfiSection;
  /** Number of times that a common entry was read. */
  #ciesRead = 0;
  readonly #cies = new Map<number, Cie | undefined>();

  constructor(section: CfiSection) {
    this.section = section;
  }

  /**
   * Reads the function's entry at an offset of the section; undefined when there is none, or it is damaged.
   */
  fde(at: number): Fde | undefined {
    const entry = this.#entry(at);
    return entry && entry.cie >= 0 ? this.#fde(entry) : undefined;
  }

  /**
   * Calls `take` for each function's entry, in their order, with its offset. Stops where an entry is damaged.
   * @param cost is charged for the pass. Throws LimitError.
   */
  each(take: (fde: Fde, at: number) => void, cost: Cost): void {
    const { bytes } = this.section;
    cost.work(bytes.size * WORK.read);
    let cies = this.#ciesRead;
    for (let at = 0; at + 4 <= bytes.size;) {
      cost.work(ENTRY_WORK + CIE_WORK * (this.#ciesRead - cies));
      cies = this.#ciesRead;
      const entry = this.#entry(at);
      if (entry === undefined) {
        if (!this.#isTerminator(at)) return;
        at += 4; // of one of the files that were linked: others follow
        continue;
      }
      const fde = entry.cie >= 0 ? this.#fde(entry) : undefined;
      if (fde) take(fde, at);
      at = entry.end;
    }
  }

  #isTerminator(at: number): boolean {
    return new LineReader(this.section.bytes.window(at, 4), true).u32() === 0;
  }

  #entry(at: number): Entry | undefined {
    const { bytes, isEh, littleEndian } = this.section;
    if (!(at >= 0 && at + 8 <= bytes.size)) return undefined;
    const r = new LineReader(bytes.window(at, FRONT), littleEndian);
    const { length, offsetSize } = r.unitLength();
    const idAt = at + r.pos, end = idAt + length;
    if (!(length >= 4 && end <= bytes.size)) return undefined;
    const idSize = isEh ? 4 : offsetSize;
    const id = r.sized(idSize);
    const isCie = isEh ? id === 0 : offsetSize === 8 ? id === -1 : id === ALL_ONES;
    return { from: idAt + idSize, end, cie: isCie ? -1 : isEh ? idAt - id : id };
  }

  #cie(at: number): Cie | undefined {
    let cie = this.#cies.get(at);
    if (cie === undefined && !this.#cies.has(at)) {
      const entry = this.#entry(at);
      this.#ciesRead++;
      cie = entry && entry.cie < 0 ? this.#readCie(entry) : undefined;
      if (this.#cies.size >= MAX_CIES) this.#cies.clear();
      this.#cies.set(at, cie);
    }
    return cie;
  }

  #readCie({ from, end }: Entry): Cie | undefined {
    const { bytes, isEh, littleEndian, address } = this.section;
    const contents = bytes.window(from, Math.min(end - from, MAX_ENTRY));
    const r = new LineReader(contents, littleEndian);
    const version = r.u8();
    if (version !== 1 && version !== 3 && version !== 4) return undefined;
    const nul = contents.indexOf(0, r.pos);
    if (nul < 0 || nul - r.pos > MAX_AUGMENTATION) return undefined;
    const augmentation = String.fromCharCode(...contents.subarray(r.pos, nul));
    r.pos = nul + 1;
    let { bases } = this.section, segmentSize = 0;
    if (augmentation === "eh") r.pos += bases.addressSize; // of gcc 2
    if (version === 4) {
      const addressSize = r.u8();
      segmentSize = r.u8();
      if ((addressSize !== 4 && addressSize !== 8) || segmentSize > 8) return undefined;
      if (addressSize !== bases.addressSize) bases = { ...bases, addressSize };
    }
    const codeAlign = r.uleb(), dataAlign = r.sleb();
    const returnRegister = version === 1 ? r.u8() : r.uleb();
    const cie: Cie = {
      codeAlign,
      dataAlign,
      returnRegister,
      fdeEncoding: 0,
      hasAugmentationData: augmentation.startsWith("z"),
      isSignal: false,
      segmentSize,
      bases,
      from: 0,
      to: end,
    };
    const data = cie.hasAugmentationData ? r.uleb() : 0, dataAt = r.pos;
    const place = (isEh ? address : 0) + from;
    if (!takeAugmentation(cie, augmentation, r, place)) return undefined;
    cie.from = from + (cie.hasAugmentationData ? dataAt + data : r.pos);
    return cie.from <= end && r.pos <= contents.length && codeAlign <= MAX_ENTRY ? cie : undefined;
  }

  #fde({ from, end, cie: cieAt }: Entry): Fde | undefined {
    const cie = this.#cie(cieAt);
    if (cie === undefined) return undefined;
    const { bytes, littleEndian, address } = this.section, { bases, fdeEncoding } = cie;
    // addresses and augmentation data: in front of the instructions, which are not needed yet
    const r = new LineReader(bytes.window(from, Math.min(end - from, 64)), littleEndian);
    r.pos = cie.segmentSize;
    const start = readPointer(r, fdeEncoding, address + from + r.pos, bases);
    const length = readPointer(r, fdeEncoding & 0x0f, 0, bases);
    let to = r.pos;
    if (cie.hasAugmentationData) {
      const data = r.uleb();
      to = r.pos + data;
    }
    if (!(length > 0 && start + length > start && from + to <= end)) return undefined;
    return { start, end: start + length, cie, cieAt, from: from + to, to: end };
  }
}

/**
 * Reads what an augmentation's letters say; false for one that is not known, whose entries cannot be read.
 */
function takeAugmentation(cie: Cie, augmentation: string, r: LineReader, place: number): boolean {
  for (const letter of augmentation) {
    switch (letter) {
      case "z":
      case "e": // "eh"
      case "h":
      case "B": // return addresses are signed with the other key
      case "G": // memory tags
        break;
      case "R":
        cie.fdeEncoding = r.u8();
        break;
      case "P": {
        const encoding = r.u8();
        // the routine itself is not needed, nor what an indirect pointer leads to
        if (encoding !== OMIT) readPointer(r, encoding & ~INDIRECT, place + r.pos, cie.bases);
        break;
      }
      case "L":
        r.u8();
        break;
      case "S":
        cie.isSignal = true;
        break;
      default:
        return cie.hasAugmentationData; // the rest is passed over: its length is known
    }
  }
  return true;
}
