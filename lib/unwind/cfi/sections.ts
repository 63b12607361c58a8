/**
 * An object's call frame information: sections of its file, and of the separate file with its debug
 * information.
 */

import { BadInputError } from "../../base/system/errors.ts";
import { DebugSections } from "../../symbols/elf/debug_section.ts";
import { type ElfFile, SHT } from "../../symbols/elf/elf.ts";
import { LimitError } from "../../symbols/object/limits.ts";
import { type ByteWindows, HeldBytes, PagedBytes } from "../../symbols/object/windows.ts";
import type { CfiSection } from "../../symbols/dwarf/cfi_entries.ts";
import type { PointerBases } from "../../symbols/dwarf/cfi_pointer.ts";
import { ehFrameHeader, findEhFrame, pointerBases } from "../../symbols/dwarf/eh_frame.ts";
import { CfiTable, type HeaderSection } from "./table.ts";

/** Bytes of a section that is read as a whole; of larger ones only the pages that are needed. */
const MAX_AT_ONCE = 256 << 10;
/** Bytes of a larger section that are in memory at a time: the pages that PagedBytes holds. */
const MAX_PAGED = 4 << 20;

/**
 * Returns openers of an object's tables, in the order to ask them: .eh_frame, then .debug_frame of the file
 * and of the separate one, which may have to be unpacked and so are opened when the one before has no answer.
 * What cannot be read is left out: they return undefined. They throw LimitError.
 */
export function cfiTables(file: ElfFile, debug?: ElfFile): (() => CfiTable | undefined)[] {
  const bases = pointerBases(file);
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
  const frame = orNothing(() => findEhFrame(file));
  const bytes = frame && part(file, frame.offset, frame.size);
  if (!bytes) return undefined;
  const { littleEndian, cost } = file;
  const section = { bytes, address: frame.address, isEh: true, littleEndian, bases };
  return new CfiTable(section, headerOf(file), cost);
}

function headerOf(file: ElfFile): HeaderSection | undefined {
  const segment = ehFrameHeader(file);
  const bytes = segment && part(file, segment.offset, segment.filesz);
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
    if (size <= MAX_AT_ONCE) return new HeldBytes(file.bytes(offset, size, "call frame information"));
    file.checkRange(offset, size, "call frame information");
    file.cost.hold(Math.min(size, MAX_PAGED));
    return new PagedBytes({ source: file.source, offset, size }, file.cost);
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
