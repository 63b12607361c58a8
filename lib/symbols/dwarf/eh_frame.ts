/** Place of the call frame information that almost every program is loaded with, stripped or not: .eh_frame. */

import { type ElfFile, isAllocated, SHT } from "../elf/elf.ts";
import { PT, type Segment } from "../elf/elf_header.ts";
import { memoryAt, segmentAt } from "../elf/load_offsets.ts";
import { type PointerBases, readPointer } from "./cfi_pointer.ts";
import { LineReader } from "./dwarf_line_header.ts";

/** Bytes of .eh_frame_hdr that are looked at for where .eh_frame is, and least bytes of one that says so. */
const HEADER_FRONT = 32, MIN_HEADER = 16;

/** Range of the file with .eh_frame. */
export interface EhFrame {
  /** Address of its first byte, as the object was linked. */
  address: number;
  offset: number;
  size: number;
}

/**
 * Finds .eh_frame by its section, or in a file without section headers from where .eh_frame_hdr says to the end of
 * the segment. Returns undefined when there is none. Throws BadInputError when the header is cut off.
 */
export function findEhFrame(file: ElfFile): EhFrame | undefined {
  const section = file.section(".eh_frame");
  if (section && section.type !== SHT.NOBITS && isAllocated(section)) {
    return { address: section.addr, offset: section.offset, size: section.size };
  }
  const header = ehFrameHeader(file);
  if (!header) return undefined;
  const address = frameAddress(file, header), segment = segmentAt(file, address);
  if (!segment) return undefined;
  const { vaddr, offset, filesz } = segment;
  return { address, offset: offset + address - vaddr, size: vaddr + filesz - address };
}

/** Finds the segment with .eh_frame_hdr; undefined when there is none, or it is too short to say anything. */
export function ehFrameHeader({ segments }: ElfFile): Segment | undefined {
  const segment = segments.find(({ type }) => type === PT.GNU_EH_FRAME);
  return segment && segment.filesz >= MIN_HEADER ? segment : undefined;
}

/** Reads the address of .eh_frame that a header leads to; NaN when it does not say. */
function frameAddress(file: ElfFile, { vaddr, offset, filesz }: Segment): number {
  const bytes = file.bytes(offset, Math.min(filesz, HEADER_FRONT), ".eh_frame_hdr");
  const r = new LineReader(bytes, file.littleEndian);
  const version = r.u8(), encoding = r.u8();
  r.pos = 4;
  return version === 1
    ? readPointer(r, encoding, vaddr + 4, { text: NaN, data: vaddr, addressSize: 8 })
    : NaN;
}

/** Returns what the encoded pointers of a file's call frame information are relative to. */
export function pointerBases(file: ElfFile): PointerBases {
  return {
    text: file.section(".text")?.addr ?? NaN,
    data: file.section(".got")?.addr ?? NaN,
    addressSize: file.is64 ? 8 : 4,
    memory: (address) => {
      const bytes = memoryAt(file, address, 8);
      if (bytes.length < 8) return NaN;
      const word = file.reader(bytes, address, "a pointer").u64();
      return Number(BigInt.asIntN(64, word));
    },
  };
}
