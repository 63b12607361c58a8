/**
 * ELF file with code alone, for objdump: each function is a section of its own, at its address. Nothing in it but the code
 * comes from the file that the functions are of.
 *
 *     header | code of .c0 | code of .c1 | ... | names of sections | table of sections
 */

import { viewOf } from "../base/bytes/bytes.ts";
import type { FunctionCode } from "../symbols/bundle/bundled_code.ts";

/** Sizes of the header and of a row of the table of sections: see elf(5). */
const HEADER = 64, ROW = 64;
/** e_ident: 64 bits, little-endian, version 1; e_type of a program; sh_type and sh_flags of code, and of names. */
const IDENT = [0x7f, 0x45, 0x4c, 0x46, 2, 1, 1], ET_EXEC = 2, PROGBITS = 1, ALLOC_EXECINSTR = 6, STRTAB = 3;

/** Name of the section of the code with this number, and the number in the line that objdump begins a section with. */
const nameOf = (i: number) => `.c${i}`;
const SECTION = /^Disassembly of section \.c(\d+):$/;

/** Returns the number of the code whose section begins with this line of objdump's; undefined for any other line. */
export function sectionOf(line: string): number | undefined {
  const number = line.startsWith("D") ? SECTION.exec(line)?.[1] : undefined;
  return number === undefined ? undefined : Number(number);
}

/** Returns the file with these functions, of the first one's machine. */
export function codeElf(codes: readonly FunctionCode[]): Uint8Array {
  const names = `\0${codes.map((_, i) => `${nameOf(i)}\0`).join("")}.shstrtab\0`;
  const size = codes.reduce((sum, { bytes }) => sum + bytes.length, HEADER), table = size + names.length;
  const file = new Uint8Array(table + ROW * (codes.length + 2)), view = viewOf(file);
  file.set(IDENT);
  view.setUint16(16, ET_EXEC, true);
  view.setUint16(18, codes[0].machine, true);
  view.setUint32(20, 1, true); // e_version
  view.setBigUint64(40, BigInt(table), true); // e_shoff
  view.setUint16(52, HEADER, true);
  view.setUint16(58, ROW, true);
  view.setUint16(60, codes.length + 2, true); // e_shnum; the first row is empty
  view.setUint16(62, codes.length + 1, true); // e_shstrndx
  let at = HEADER;
  codes.forEach(({ address, bytes }, i) => {
    file.set(bytes, at);
    const place = { address: BigInt.asUintN(64, BigInt(address)), at, length: bytes.length };
    writeRow(view, table + ROW * (i + 1), {
      name: names.indexOf(`${nameOf(i)}\0`),
      type: PROGBITS,
      ...place,
    });
    at += bytes.length;
  });
  file.set(new TextEncoder().encode(names), size);
  const own = { name: names.indexOf(".shstrtab"), type: STRTAB, address: 0n, at: size, length: names.length };
  writeRow(view, table + ROW * (codes.length + 1), own);
  return file;
}

/** Row of the table of sections. */
interface SectionRow {
  name: number;
  type: number;
  address: bigint;
  at: number;
  length: number;
}

function writeRow(view: DataView, row: number, { name, type, address, at, length }: SectionRow): void {
  view.setUint32(row, name, true);
  view.setUint32(row + 4, type, true);
  view.setBigUint64(row + 8, type === PROGBITS ? BigInt(ALLOC_EXECINSTR) : 0n, true);
  view.setBigUint64(row + 16, address, true);
  view.setBigUint64(row + 24, BigInt(at), true);
  view.setBigUint64(row + 32, BigInt(length), true);
  view.setBigUint64(row + 48, 1n, true); // sh_addralign
}
