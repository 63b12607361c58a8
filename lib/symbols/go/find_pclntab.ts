/** Place of Go's table of functions in a file. */

import { viewOf } from "../../base/bytes/bytes.ts";
import { LineReader } from "../dwarf/dwarf_line_header.ts";
import { type ElfFile, type ElfSection, isAllocated, SHT } from "../elf/elf.ts";
import { WORK } from "../object/limits.ts";
import { HEADER_BYTES, type PclntabHeader, readPclntabHeader } from "./pclntab_header.ts";

/** Sections that are the table. */
const OWN_SECTIONS = [".gopclntab", ".data.rel.ro.gopclntab"];
/** Section that linkers other than Go's put the table of a position-independent program into, among other data. */
const SHARED_SECTION = ".data.rel.ro";
/** Sections that only Go programs have. */
const SIGNS = [".go.buildinfo", ".note.go.buildid"];
/** Bytes that the table's place is a multiple of, and bytes that are searched at once. */
const ALIGNMENT = 8, PIECE = 1 << 20;

/** Place of a table. */
export interface FoundPclntab {
  header: PclntabHeader;
  /** Offset in the file, and link-time address. */
  offset: number;
  address: number;
  /** Bytes up to the end of its section. */
  size: number;
}

/** Finds the table of a file; undefined if it has none that can be read. Throws BadInputError, LimitError. */
export function findPclntab(file: ElfFile): FoundPclntab | undefined {
  for (const name of OWN_SECTIONS) {
    const section = file.section(name);
    if (section !== undefined && section.type !== SHT.NOBITS) return foundAt(file, section, 0);
  }
  const section = file.section(SHARED_SECTION);
  if (section === undefined || !SIGNS.some((name) => file.section(name))) return undefined;
  return searched(file, section);
}

/** Returns whether the file has a table, as far as its section names tell. */
export function mayHavePclntab(file: ElfFile): boolean {
  return [...OWN_SECTIONS, ...SIGNS].some((name) => file.section(name));
}

/** Searches a section for the table. */
function searched(file: ElfFile, section: ElfSection): FoundPclntab | undefined {
  let base = 0;
  for (const piece of file.pieces(section, PIECE)) {
    file.cost.work(piece.length * WORK.read);
    const view = viewOf(piece);
    for (let at = 0; at + ALIGNMENT <= piece.length; at += ALIGNMENT) {
      // the magics differ in one byte; readPclntabHeader() has a closer look
      if ((view.getUint32(at, file.littleEndian) | 0xff) >>> 0 !== 0xffffffff) continue;
      if (view.getUint16(at + 4) !== 0) continue;
      const found = foundAt(file, section, base + at);
      if (found) return found;
    }
    base += piece.length;
  }
  return undefined;
}

function foundAt(file: ElfFile, section: ElfSection, at: number): FoundPclntab | undefined {
  const offset = section.offset + at, address = section.addr + at, size = section.size - at;
  if (!isAllocated(section)) return undefined;
  file.checkRange(offset, size, `section ${section.name}`);
  const read = (at: number, length: number) =>
    new LineReader(file.source.read(offset + at, Math.min(length, size - at)), file.littleEndian);
  const header = readPclntabHeader(read(0, HEADER_BYTES), size, (at) => read(at, 4).u32());
  return header && { header, offset, address, size };
}
