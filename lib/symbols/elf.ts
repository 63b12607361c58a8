/**
 * ELF files, as far as symbols need them: section and program headers, the build id, the debug link.
 * ELF32 and ELF64 in both byte orders. Layouts: the System V ABI, chapter 4 (and elf(5)).
 *
 * Only headers are read up front, so a file of 500 MB costs a few kilobytes until its symbols are
 * wanted. Every offset and count of the file is checked against the file's size before it is used, so
 * a hostile file makes a BadInputError, not a huge allocation.
 */

import type { ByteSource } from "../base/byte_source.ts";
import { ByteReader, cString } from "../base/bytes.ts";
import { BadInputError } from "../base/errors.ts";

/** e_machine of the architectures with rules of their own. */
export const EM = { ARM: 40, AARCH64: 183 } as const;
/** sh_type */
export const SHT = { SYMTAB: 2, RELA: 4, NOTE: 7, NOBITS: 8, REL: 9, DYNSYM: 11 } as const;
/** The bit of sh_flags that says a section is in memory when the program runs. */
export const SHF_ALLOC = 2;
/** p_type */
export const PT = { LOAD: 1, NOTE: 4 } as const;

const ELF_MAGIC = 0x7f454c46;
const NT_GNU_BUILD_ID = 3;
const SHN_XINDEX = 0xffff;
/** Notes and names are small: more than this in a file is damage. */
const SMALL_SECTION_LIMIT = 16 << 20;

/** A section header (Elf32_Shdr, Elf64_Shdr), its name looked up. Addresses and sizes in bytes. */
export interface Section {
  name: string;
  type: number;
  flags: number;
  addr: number;
  offset: number;
  size: number;
  /** Index of a related section: a symbol table's strings, a relocation table's symbols. */
  link: number;
  entsize: number;
}

/** A program header (Elf32_Phdr, Elf64_Phdr). */
export interface Segment {
  type: number;
  offset: number;
  vaddr: number;
  filesz: number;
  memsz: number;
}

/** What .gnu_debuglink says of the file with the debug symbols. */
export interface DebugLink {
  /** A file name without a folder. */
  name: string;
  /** CRC-32 of the whole file. */
  crc: number;
}

/** An opened ELF file. Everything but the headers is read when asked for. */
export class ElfFile {
  readonly source: ByteSource;
  readonly is64: boolean;
  readonly littleEndian: boolean;
  /** e_machine; EM.* has those that matter. */
  readonly machine: number;
  readonly sections: readonly Section[];
  readonly segments: readonly Segment[];
  readonly #contents = new Map<Section, Uint8Array>();

  /** Reads the headers. Throws BadInputError when the source is not an ELF file or is damaged. */
  constructor(source: ByteSource) {
    const ident = source.read(0, 64);
    if (ident.length < 16 || new ByteReader(ident, false).u32() !== ELF_MAGIC) {
      throw new BadInputError(`cannot read symbols of ${source.name}: it is not an ELF file`, 0);
    }
    if ((ident[4] !== 1 && ident[4] !== 2) || (ident[5] !== 1 && ident[5] !== 2)) {
      throw new BadInputError(
        `cannot read symbols of ${source.name}: unknown ELF class ${ident[4]} or byte order ${ident[5]}`,
        4,
      );
    }
    this.source = source;
    this.is64 = ident[4] === 2;
    this.littleEndian = ident[5] === 1;
    const header = this.reader(ident, 0, "the ELF header");
    header.take(16);
    header.u16(); // e_type
    this.machine = header.u16();
    header.u32(); // e_version
    this.#word(header); // e_entry
    const phoff = this.#word(header);
    const shoff = this.#word(header);
    header.take(4 + 2); // e_flags, e_ehsize
    const phentsize = header.u16();
    const phnum = header.u16();
    const shentsize = header.u16();
    const shnum = header.u16();
    const shstrndx = header.u16();
    this.segments = this.#readSegments(phoff, phentsize, phnum);
    this.sections = shoff === 0 ? [] : this.#readSections(shoff, shentsize, shnum, shstrndx);
  }

  /** The first section of that name (and type, when given). */
  section(name: string, type?: number): Section | undefined {
    return this.sections.find((s) => s.name === name && (type === undefined || s.type === type));
  }

  /**
   * The bytes of a section, read once and kept as long as this is; empty for one that has none in the file.
   * Throws BadInputError when it is cut off.
   */
  contents(section: Section): Uint8Array {
    let bytes = this.#contents.get(section);
    if (bytes === undefined) {
      const { type, offset, size, name } = section;
      bytes = type === SHT.NOBITS ? new Uint8Array(0) : this.bytes(offset, size, `section ${name}`);
      this.#contents.set(section, bytes);
    }
    return bytes;
  }

  /** Bytes of the file. Throws BadInputError, without reading, when the file ends before them. */
  bytes(offset: number, length: number, what: string): Uint8Array {
    if (!(offset >= 0 && length >= 0 && offset + length <= this.source.size)) {
      throw this.#damaged(`${what} lies outside the file`, offset);
    }
    const bytes = this.source.read(offset, length);
    if (bytes.length < length) throw this.#damaged(`${what} is cut off`, offset + bytes.length);
    return bytes;
  }

  /** A reader in the file's byte order, whose errors name the file. */
  reader(bytes: Uint8Array, origin: number, what: string): ByteReader {
    return new ByteReader(bytes, this.littleEndian, `${this.source.name}: ${what}`, origin);
  }

  /** The GNU build id in hex, or undefined when the file has none. Looks at note segments, then note sections. */
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
   * The file with this one's debug symbols, as .gnu_debuglink has it: its name, padded to 4 bytes, and the CRC-32 of its
   * contents. Undefined when there is no such section.
   */
  debugLink(): DebugLink | undefined {
    const section = this.section(".gnu_debuglink");
    if (section === undefined || section.size > SMALL_SECTION_LIMIT) return undefined;
    const bytes = this.contents(section);
    const name = cString(bytes);
    const crcAt = (bytes.indexOf(0) + 4) & ~3;
    if (name === "" || crcAt + 4 > bytes.length) return undefined;
    return { name, crc: this.reader(bytes.subarray(crcAt), section.offset + crcAt, ".gnu_debuglink").u32() };
  }

  #damaged(what: string, offset: number): BadInputError {
    return new BadInputError(`cannot read symbols of ${this.source.name}: ${what}`, offset);
  }

  /** Elf32_Addr/Off or Elf64_Addr/Off. Hostile values past 2^53 are rounded; they fail the checks that follow. */
  #word(reader: ByteReader): number {
    return this.is64 ? Number(reader.u64()) : reader.u32();
  }

  #readSegments(phoff: number, entsize: number, count: number): Segment[] {
    if (phoff === 0 || count === 0) return [];
    const least = this.is64 ? 56 : 32;
    if (entsize < least) throw this.#damaged(`program headers of ${entsize} bytes`, phoff);
    const bytes = this.bytes(phoff, count * entsize, "the program header table");
    const segments: Segment[] = [];
    for (let i = 0; i < count; i++) {
      const r = this.reader(
        bytes.subarray(i * entsize, (i + 1) * entsize),
        phoff + i * entsize,
        "a program header",
      );
      const type = r.u32();
      if (this.is64) r.u32(); // p_flags stands here in ELF64, near the end in ELF32
      const offset = this.#word(r);
      const vaddr = this.#word(r);
      this.#word(r); // p_paddr
      const filesz = this.#word(r);
      const memsz = this.#word(r);
      segments.push({ type, offset, vaddr, filesz, memsz });
    }
    return segments;
  }

  #readSections(shoff: number, entsize: number, shnum: number, shstrndx: number): Section[] {
    const least = this.is64 ? 64 : 40;
    if (entsize < least) throw this.#damaged(`section headers of ${entsize} bytes`, shoff);
    const parse = (bytes: Uint8Array, at: number): Section & { nameAt: number } => {
      const r = this.reader(bytes, at, "a section header");
      const nameAt = r.u32();
      const type = r.u32();
      const flags = this.#word(r);
      const addr = this.#word(r);
      const offset = this.#word(r);
      const size = this.#word(r);
      const link = r.u32();
      r.u32(); // sh_info
      this.#word(r); // sh_addralign
      return { name: "", nameAt, type, flags, addr, offset, size, link, entsize: this.#word(r) };
    };
    // Counts that do not fit 16 bits are in section 0.
    const first = parse(this.bytes(shoff, entsize, "the section header table"), shoff);
    const count = shnum === 0 ? first.size : shnum;
    const namesAt = shstrndx === SHN_XINDEX ? first.link : shstrndx;
    const table = this.bytes(shoff, count * entsize, "the section header table");
    const sections: (Section & { nameAt: number })[] = [];
    for (let i = 0; i < count; i++) {
      sections.push(parse(table.subarray(i * entsize, (i + 1) * entsize), shoff + i * entsize));
    }
    const strings = sections[namesAt];
    if (namesAt === 0 || strings === undefined || strings.size > SMALL_SECTION_LIMIT) return sections;
    const names = this.contents(strings);
    for (const s of sections) s.name = cString(names.subarray(s.nameAt, s.nameAt + 256));
    return sections;
  }

  #buildIdIn(offset: number, size: number): string | undefined {
    if (size > SMALL_SECTION_LIMIT || offset + size > this.source.size) return undefined;
    return buildIdInNotes(this.reader(this.bytes(offset, size, "a note"), offset, "a note"));
  }
}

/**
 * The build id in hex among ELF notes, read from `r` on; undefined when there is none. Elf_Nhdr: u32 n_namesz,
 * n_descsz, n_type; then name and descriptor, each padded to 4 bytes.
 */
export function buildIdInNotes(r: ByteReader): string | undefined {
  while (r.left >= 12) {
    const namesz = r.u32();
    const descsz = r.u32();
    const type = r.u32();
    const nameLength = (namesz + 3) & ~3;
    const padded = (descsz + 3) & ~3;
    if (nameLength < 0 || padded < 0 || nameLength + descsz > r.left) return undefined;
    const name = r.slice(nameLength);
    const desc = r.slice(descsz);
    r.take(Math.min(padded - descsz, r.left));
    if (type === NT_GNU_BUILD_ID && namesz === 4 && cString(name) === "GNU") return toHex(desc);
  }
  return undefined;
}

/** Whether two build ids in hex are the same; perf pads those shorter than 20 bytes with zeros. */
export function sameBuildId(a: string, b: string): boolean {
  const length = Math.max(a.length, b.length);
  return a.padEnd(length, "0") === b.padEnd(length, "0");
}

/** Lower-case hex of some bytes, two digits each. */
export function toHex(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += byte.toString(16).padStart(2, "0");
  return text;
}
