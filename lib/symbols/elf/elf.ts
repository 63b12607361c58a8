/**
 * ELF files, as far as symbols need them: section and program headers, build id, debug link. ELF32 and ELF64 in both
 * byte orders. Layouts: the System V ABI, chapter 4 (and elf(5)).
 *
 * Only headers are read up front, so a file of 500 MB costs a few kilobytes until its symbols are needed. Every offset
 * and count is checked against the file's size before use, and charged to the file's Cost, since a sparse file can have
 * any size for free.
 */

import type { ByteSource } from "../../base/bytes/byte_source.ts";
import { ByteReader, cString } from "../../base/bytes/bytes.ts";
import { BadInputError } from "../../base/system/errors.ts";
import { buildIdInNotes, MAX_NOTE, toHex } from "./build_id.ts";
import {
  elfAddress,
  type ElfHeader,
  elfWord,
  PT,
  readElfHeader,
  readSegments,
  type Segment,
} from "./elf_header.ts";
import { Cost, WORK } from "../object/limits.ts";
import { counted } from "../../base/text/plural.ts";

/** e_machine of the architectures with rules of their own. */
export const EM = { I386: 3, ARM: 40, X86_64: 62, AARCH64: 183 } as const;
/** sh_type constants. */
export const SHT = { SYMTAB: 2, RELA: 4, NOTE: 7, NOBITS: 8, REL: 9, DYNSYM: 11 } as const;
/** Bit of sh_flags: the section is in memory when the program runs. */
const SHF_ALLOC = 2;
/** Bit of sh_flags: the section has code. */
const SHF_EXECINSTR = 4;
/** Address that a file that has yet to be linked starts at; not 0, where debug information has what was left out. */
export const MODULE_BASE = 0x100000;
/** First address of what is no code in a file that has yet to be linked. No module has so much code. */
const ELSEWHERE = 2 ** 40;
const SHN_XINDEX = 0xffff;
/** Most bytes of all section names. */
const SMALL_SECTION_LIMIT = 16 << 20;
/** Most bytes of .gnu_debuglink and .gnu_debugaltlink: a path, and a checksum or build id. */
const MAX_DEBUG_LINK = 4096;
/** Longest section name in bytes: at most a prefix like `.gnu.linkonce.t.` and a function's name. */
const MAX_NAME = 256;
/** Bytes of memory of an ElfSection, including its name. */
const SECTION_BYTES = 512;

/** Section header (Elf32_Shdr, Elf64_Shdr) with its name. Addresses and sizes in bytes. */
export interface ElfSection {
  name: string;
  type: number;
  flags: number;
  addr: number;
  offset: number;
  size: number;
  /** Index of a related section: a symbol table's strings, a relocation table's symbols. */
  link: number;
  /** Index of another one: the section that relocations are for. */
  info: number;
  align: number;
  entsize: number;
}

/** Returns whether a section is in memory when the program runs. */
export function isAllocated({ flags }: ElfSection): boolean {
  return Math.floor(flags / SHF_ALLOC) % 2 === 1;
}

/**
 * Gives the sections of a file that has yet to be linked the addresses that a module's code has when it is loaded, from
 * MODULE_BASE on: one section with code after the other, aligned, without those that are used only at the start
 * (layout_sections() in kernel/module/main.c). All others are placed where no code is.
 */
function placeSections(sections: readonly ElfSection[]): void {
  let end = MODULE_BASE, elsewhere = ELSEWHERE;
  for (const section of sections) {
    const isCode = section.flags % 8 >= SHF_ALLOC + SHF_EXECINSTR && !section.name.startsWith(".init");
    const align = Math.max(1, section.align), from = isCode ? end : elsewhere;
    section.addr = isAllocated(section) ? Math.ceil(from / align) * align : 0;
    if (isCode) end = section.addr + section.size;
    else if (section.addr > 0) elsewhere = section.addr + section.size;
  }
}

/** Contents of .gnu_debuglink: the file with the debug symbols. */
export interface DebugLink {
  /** File name without a folder. */
  name: string;
  /** CRC-32 of the whole file. */
  crc: number;
}

/** Open ELF file. Everything but the headers is read when needed. */
export class ElfFile {
  readonly source: ByteSource;
  readonly is64: boolean;
  readonly littleEndian: boolean;
  /** e_machine; see EM for the values that matter. */
  readonly machine: number;
  /** Whether it is a kernel module, or another file that has yet to be linked; its sections are placed as the kernel does. */
  readonly isRelocatable: boolean;
  readonly sections: readonly ElfSection[];
  readonly segments: readonly Segment[];
  /** Account of what the file has cost. */
  readonly cost: Cost;
  /** Whether the source stays open, because names are read from it later. */
  pinned = false;
  readonly #contents = new Map<ElfSection, Uint8Array>();

  /** Reads the headers. Throws BadInputError if the source is not an ELF file or is damaged, and LimitError. */
  constructor(source: ByteSource, cost = new Cost(undefined, source.name)) {
    this.source = source;
    this.cost = cost;
    const header = readElfHeader(source);
    this.is64 = header.is64;
    this.littleEndian = header.littleEndian;
    this.machine = header.machine;
    this.segments = readSegments(source, header);
    this.isRelocatable = header.isRelocatable;
    this.sections = header.shoff === 0 ? [] : this.#readSections(header);
    if (header.isRelocatable) placeSections(this.sections);
  }

  /** Closes the source, unless it is pinned. */
  close(): void {
    if (!this.pinned) this.source.close?.();
  }

  /** Returns the first section with that name (and type, if given). */
  section(name: string, type?: number): ElfSection | undefined {
    return this.sections.find((s) => s.name === name && (type === undefined || s.type === type));
  }

  /**
   * Returns the bytes of a section, read once and kept with this file; empty if it has none in the file. Throws
   * BadInputError if it is cut off.
   */
  contents(section: ElfSection): Uint8Array {
    let bytes = this.#contents.get(section);
    if (bytes === undefined) {
      const { type, offset, size, name } = section;
      bytes = type === SHT.NOBITS ? new Uint8Array(0) : this.bytes(offset, size, `section ${name}`);
      this.#contents.set(section, bytes);
    }
    return bytes;
  }

  /** Reads bytes of the file. Throws BadInputError, without reading, if they are outside it, and LimitError. */
  bytes(offset: number, length: number, what: string): Uint8Array {
    this.checkRange(offset, length, what);
    this.cost.hold(length);
    return this.#read(offset, length, what);
  }

  /** Yields the bytes of a section in pieces of `piece` bytes, the last one shorter. Throws as contents() does. */
  *pieces(section: ElfSection, piece: number): Generator<Uint8Array> {
    const { type, offset, size, name } = section;
    if (type === SHT.NOBITS) return;
    if (size <= piece) {
      yield this.contents(section); // other readers may need them too
      return;
    }
    this.checkRange(offset, size, `section ${name}`);
    for (let at = 0; at < size; at += piece) {
      yield this.#read(offset + at, Math.min(piece, size - at), `section ${name}`);
    }
  }

  /** Throws BadInputError if these bytes are outside the file. */
  checkRange(offset: number, length: number, what: string): void {
    if (!(offset >= 0 && length >= 0 && offset + length <= this.source.size)) {
      throw this.#damaged(`${what} lies outside the file`, offset);
    }
  }

  #read(offset: number, length: number, what: string): Uint8Array {
    this.cost.work(length * WORK.read);
    const bytes = this.source.read(offset, length);
    if (bytes.length < length) throw this.#damaged(`${what} is cut off`, offset + bytes.length);
    return bytes;
  }

  /** Makes a reader in the file's byte order whose errors name the file. */
  reader(bytes: Uint8Array, origin: number, what: string): ByteReader {
    return new ByteReader(bytes, this.littleEndian, `${this.source.name}: ${what}`, origin);
  }

  /** Returns the GNU build id in hex, or undefined if there is none. Looks at note segments, then at note sections. */
  buildId(): string | undefined {
    for (const s of this.segments) {
      if (s.type !== PT.NOTE) continue;
      const id = this.#buildIdIn(s.offset, s.filesz);
      if (id !== undefined) return id;
    }
    for (const s of this.sections) {
      if (s.type !== SHT.NOTE) continue;
      const id = this.#buildIdIn(s.offset, s.size);
      if (id !== undefined) return id;
    }
    return undefined;
  }

  /**
   * Reads .gnu_debuglink: the name of the file with the debug symbols, padded to 4 bytes, and the CRC-32 of its
   * contents. Returns undefined if there is no such section.
   */
  debugLink(): DebugLink | undefined {
    const section = this.section(".gnu_debuglink");
    if (section === undefined || section.size > MAX_DEBUG_LINK) return undefined;
    const bytes = this.contents(section);
    const name = cString(bytes);
    const crcAt = (bytes.indexOf(0) + 4) & ~3;
    if (name === "" || crcAt + 4 > bytes.length) return undefined;
    return { name, crc: this.reader(bytes.subarray(crcAt), section.offset + crcAt, ".gnu_debuglink").u32() };
  }

  /**
   * Reads .gnu_debugaltlink, which dwz writes: the path and the build id, in hex, of a file with debug information that
   * several files have in common. Returns undefined if there is no such section.
   */
  supplementaryLink(): { path: string; buildId: string } | undefined {
    const section = this.section(".gnu_debugaltlink");
    if (section === undefined || section.size > MAX_DEBUG_LINK) return undefined;
    const bytes = this.contents(section), end = bytes.indexOf(0);
    const path = cString(bytes);
    return end <= 0 ? undefined : { path, buildId: toHex(bytes.subarray(end + 1)) };
  }

  #damaged(what: string, offset: number): BadInputError {
    return new BadInputError(`cannot read symbols of ${this.source.name}: ${what}`, offset);
  }

  #readSections({ shoff, shentsize: entsize, shnum, shstrndx }: ElfHeader): ElfSection[] {
    const minBytes = this.is64 ? 64 : 40;
    if (entsize < minBytes) throw this.#damaged(`section headers of ${counted(entsize, "byte")}`, shoff);
    const parse = (bytes: Uint8Array, at: number): ElfSection & { nameAt: number } => {
      const r = this.reader(bytes, at, "a section header");
      const nameAt = r.u32();
      const type = r.u32();
      const flags = elfWord(r, this.is64);
      const addr = elfAddress(r, this.is64);
      const offset = elfWord(r, this.is64);
      const size = elfWord(r, this.is64);
      const link = r.u32();
      const info = r.u32(), align = elfWord(r, this.is64), entsize = elfWord(r, this.is64);
      return { name: "", nameAt, type, flags, addr, offset, size, link, info, align, entsize };
    };
    // counts that do not fit 16 bits are in section 0
    const first = parse(this.bytes(shoff, entsize, "the section header table"), shoff);
    const count = shnum === 0 ? first.size : shnum;
    const namesAt = shstrndx === SHN_XINDEX ? first.link : shstrndx;
    this.cost.count(count, "sections");
    this.cost.hold(count * SECTION_BYTES);
    this.cost.work(count * WORK.section);
    const table = this.bytes(shoff, count * entsize, "the section header table");
    const sections: (ElfSection & { nameAt: number })[] = [];
    for (let i = 0; i < count; i++) {
      sections.push(parse(table.subarray(i * entsize, (i + 1) * entsize), shoff + i * entsize));
    }
    const strings = sections[namesAt];
    if (namesAt === 0 || strings === undefined || strings.size > SMALL_SECTION_LIMIT) return sections;
    const names = this.contents(strings);
    for (const s of sections) s.name = cString(names.subarray(s.nameAt, s.nameAt + MAX_NAME));
    return sections;
  }

  #buildIdIn(offset: number, size: number): string | undefined {
    if (size > MAX_NOTE || offset + size > this.source.size) return undefined;
    this.cost.work(size * WORK.note);
    return buildIdInNotes(this.reader(this.#read(offset, size, "a note"), offset, "a note"));
  }
}
