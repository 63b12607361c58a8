/**
 * ELF file header and program headers: the kind of a file, and what of it is mapped. ELF32 and ELF64 in both byte
 * orders. Layouts: the System V ABI, chapter 4 (and elf(5)).
 */

import type { ByteSource } from "../../base/bytes/byte_source.ts";
import { addressFromBigint } from "../../base/bytes/address.ts";
import { ByteReader } from "../../base/bytes/bytes.ts";
import { BadInputError } from "../../base/system/errors.ts";
import { counted } from "../../base/text/plural.ts";

/** p_type constants. */
export const PT = { LOAD: 1, NOTE: 4, GNU_EH_FRAME: 0x6474e550 } as const;
/** Bit of p_flags: the segment holds code. */
export const PF_X = 1;

const ELF_MAGIC = 0x7f454c46;
/** e_type of files that have yet to be linked. */
const ET_REL = 1;
/** Most bytes of program headers: Linux runs no program with more of them than fit in a page. */
const MAX_PROGRAM_HEADERS = 64 << 10;

/** File header (Elf32_Ehdr, Elf64_Ehdr), without unused fields. Offsets and sizes in bytes. */
export interface ElfHeader {
  is64: boolean;
  littleEndian: boolean;
  /** Whether it has yet to be linked: an object file, or a module of the kernel. */
  isRelocatable: boolean;
  /** e_machine; see EM. */
  machine: number;
  phoff: number;
  phentsize: number;
  phnum: number;
  shoff: number;
  shentsize: number;
  shnum: number;
  shstrndx: number;
}

/** Program header (Elf32_Phdr, Elf64_Phdr). */
export interface Segment {
  type: number;
  /** Flags: PF_X and others. */
  flags: number;
  offset: number;
  vaddr: number;
  filesz: number;
  memsz: number;
}

/** Reads the file header. Throws BadInputError if the source is not an ELF file. */
export function readElfHeader(source: ByteSource): ElfHeader {
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
  const is64 = ident[4] === 2, littleEndian = ident[5] === 1;
  const r = new ByteReader(ident, littleEndian, `${source.name}: the ELF header`);
  r.take(16);
  const isRelocatable = r.u16() === ET_REL;
  const machine = r.u16();
  r.u32(); // e_version
  elfWord(r, is64); // e_entry
  const phoff = elfWord(r, is64);
  const shoff = elfWord(r, is64);
  r.take(4 + 2); // e_flags, e_ehsize
  const [phentsize, phnum, shentsize, shnum, shstrndx] = [r.u16(), r.u16(), r.u16(), r.u16(), r.u16()];
  return {
    ...{ is64, littleEndian, isRelocatable, machine },
    ...{ phoff, phentsize, phnum, shoff, shentsize, shnum, shstrndx },
  };
}

/** Reads the program headers. Throws BadInputError if they are damaged, or too many. */
export function readSegments(source: ByteSource, header: ElfHeader): Segment[] {
  const { is64, littleEndian, phoff, phentsize, phnum } = header;
  if (phoff === 0 || phnum === 0) return [];
  const refuse = (what: string) => new BadInputError(`cannot read symbols of ${source.name}: ${what}`, phoff);
  if (phentsize < (is64 ? 56 : 32)) throw refuse(`program headers of ${counted(phentsize, "byte")}`);
  const size = phnum * phentsize;
  if (phoff + size > source.size) throw refuse("the program header table lies outside the file");
  if (size > MAX_PROGRAM_HEADERS) throw refuse(`it has ${phnum} program headers`);
  const bytes = source.read(phoff, size);
  const segments: Segment[] = [];
  for (let at = 0; at < size; at += phentsize) {
    const r = new ByteReader(bytes.subarray(at, at + phentsize), littleEndian, source.name, phoff + at);
    const type = r.u32();
    let flags = is64 ? r.u32() : 0; // ELF64 has the flags here, ELF32 after the sizes
    const offset = elfWord(r, is64);
    const vaddr = elfAddress(r, is64);
    elfWord(r, is64); // p_paddr
    const filesz = elfWord(r, is64), memsz = elfWord(r, is64);
    if (!is64) flags = r.u32();
    segments.push({ type, flags, offset, vaddr, filesz, memsz });
  }
  return segments;
}

/**
 * Reads an Elf32_Addr/Off or Elf64_Addr/Off. Hostile values above 2^53 are rounded; they fail the checks that follow.
 */
export function elfWord(reader: ByteReader, is64: boolean): number {
  return is64 ? Number(reader.u64()) : reader.u32();
}

/** Reads an Elf32_Addr or Elf64_Addr as a signed number (see base/bytes/address.ts): those of a kernel are negative. */
export function elfAddress(reader: ByteReader, is64: boolean): number {
  return is64 ? addressFromBigint(reader.u64()) : reader.u32();
}
