/**
 * An object's call frame information: sections of its file, and of the separate file with its debug
 * information.
 */

import { BadInputError } from "../base/system/errors.ts";
import { DebugSections } from "../symbols/elf/debug_section.ts";
import { type ElfFile, SHF_ALLOC, SHT } from "../symbols/elf/elf.ts";
import { PT } from "../symbols/elf/elf_header.ts";
import { LimitError } from "../symbols/object/limits.ts";
import { type ByteWindows, HeldBytes, PagedBytes } from "../symbols/object/windows.ts";
import type { CfiSection } from "./entries.ts";
import type { PointerBases } from "./pointer.ts";
import { CfiTable, frameAddress, type HeaderSection } from "./table.ts";

/** Bytes of a section that is read as a whole; of larger ones only the pages that are needed. */
const MOST_AT_ONCE = 256 << 10;
/** Bytes of a larger section that are in memory at a time: the pages that PagedBytes holds. */
const MOST_PAGED = 4 << 20;
/** Bytes of a header that are looked at for where .eh_frame is. */
const HEADER_FRONT = 32;

/**
 * Returns openers of an object's tables, in the order to ask them: .eh_frame, then .debug_frame of the file
 * and of the separate one, which may have to be unpacked and so are opened when the one before has no answer.
 * What cannot be read is left out: they return undefined. They throw LimitError.
 */
export function cfiTables(file: ElfFile, debug?: ElfFile): (() => CfiTable | undefined)[] {
  const bases = basesOf(file);
  const makers: (() => CfiTable | undefined)[] = [];
  const eh = ehTable(file, bases);
  if (eh) makers.push(() => eh);
  for (const each of [file, debug]) {
    const section = each?.section(".debug_frame") ?? each?.section(".zdebug_frame");
    if (each && section && section.type !== SHT.NOBITS) makers.push(() => debugTable(each, bases));
  }
  return makers;
}

function ehTable(file: ElfFile, bases: PointerBases): CfiTable | undefined {
  const { littleEndian, cost } = file;
  const header = headerOf(file);
  const section = file.section(".eh_frame");
  let address: number, bytes: ByteWindows | undefined;
  if (section && section.type !== SHT.NOBITS && section.flags % (2 * SHF_ALLOC) >= SHF_ALLOC) {
    address = section.addr;
    bytes = part(file, section.offset, section.size);
  } else if (header) {
    // without section headers, from where .eh_frame_hdr says to the end of the segment
    address = frameAddress(header, littleEndian);
    const segment = segmentAt(file, address);
    bytes = segment &&
      part(file, segment.offset + address - segment.vaddr, segment.vaddr + segment.filesz - address);
  } else return undefined;
  return bytes && new CfiTable({ bytes, address, isEh: true, littleEndian, bases }, header, cost);
}

function headerOf(file: ElfFile): HeaderSection | undefined {
  const segment = file.segments.find(({ type }) => type === PT.GNU_EH_FRAME);
  if (!segment || segment.filesz < HEADER_FRONT / 2) return undefined;
  const bytes = part(file, segment.offset, segment.filesz);
  return bytes && { bytes, address: segment.vaddr };
}

function debugTable(file: ElfFile, bases: PointerBases): CfiTable | undefined {
  const bytes = orNothing(() => new DebugSections(file).get(".debug_frame"));
  if (!bytes || bytes.size === 0) return undefined;
  const section: CfiSection = { bytes, address: 0, isEh: false, littleEndian: file.littleEndian, bases };
  return new CfiTable(section, undefined, file.cost);
}

/** Returns bytes of the file, paged where they are many; undefined where the file ends before them. */
function part(file: ElfFile, offset: number, size: number): ByteWindows | undefined {
  return orNothing(() => {
    if (size <= MOST_AT_ONCE) return new HeldBytes(file.bytes(offset, size, "call frame information"));
    file.checkRange(offset, size, "call frame information");
    file.cost.hold(Math.min(size, MOST_PAGED));
    return new PagedBytes(file.source, offset, size, file.cost);
  });
}

/** Returns what `read` does; undefined where the file is damaged. Throws LimitError. */
function orNothing<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof BadInputError && !(error instanceof LimitError)) return undefined;
    throw error;
  }
}

function segmentAt({ segments }: ElfFile, address: number) {
  return segments.find(({ type, vaddr, filesz }) =>
    type === PT.LOAD && address >= vaddr && address < vaddr + filesz
  );
}

function basesOf(file: ElfFile): PointerBases {
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

/** Reads what is in memory at an address when the object is loaded, as far as its file has it. */
export function memoryAt(file: ElfFile, address: number, length: number): Uint8Array {
  const segment = segmentAt(file, address);
  if (!segment) return new Uint8Array(0);
  const there = Math.min(length, segment.vaddr + segment.filesz - address);
  return file.source.read(segment.offset + address - segment.vaddr, there);
}
