/** Symbol table sections of an ELF file: their entries as words of this machine, and their names. */

import { addressOf } from "../../base/bytes/address.ts";
import { type ElfFile, type ElfSection, SHT } from "./elf.ts";
import { WORK } from "../object/limits.ts";
import { type ByteWindows, byteWindows, isHeld } from "../object/windows.ts";

/** 32-bit words of an Elf64_Sym. */
export const ENTRY_WORDS = 6;
/** Bytes of symbols that are read at once: a multiple of the size of a symbol in both classes. */
export const PIECE_BYTES = 48 << 15;

/** Returns the bytes of an entry. */
export function entrySize({ is64 }: ElfFile): number {
  return is64 ? 24 : 16;
}

/** Part of a file with strings. */
export type StringPart = Pick<ElfSection, "name" | "type" | "offset" | "size">;

/**
 * Returns the contents of a string section; empty if there is none. Throws BadInputError if it is cut off, and
 * LimitError.
 */
export function stringWindows(file: ElfFile, section: StringPart | undefined): ByteWindows {
  const { type, offset, size } = section ?? { type: SHT.NOBITS, offset: 0, size: 0 };
  const there = type === SHT.NOBITS ? 0 : size;
  file.checkRange(offset, there, `section ${section?.name}`);
  file.pinned ||= !isHeld(file.source, there);
  return byteWindows({ source: file.source, offset, size: there }, file.cost);
}

/**
 * Returns the symbols of a table in the format of Elf64_Sym, in words of this machine, ENTRY_WORDS each. A view if they
 * already are.
 */
export function symbolWords(file: ElfFile, bytes: Uint8Array): Uint32Array {
  const entry = entrySize(file), { is64, littleEndian } = file;
  const total = Math.floor(bytes.length / entry);
  if (is64 && littleEndian) {
    const aligned = bytes.byteOffset % 4 === 0 ? bytes : bytes.slice();
    return new Uint32Array(aligned.buffer, aligned.byteOffset, total * ENTRY_WORDS);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const words = new Uint32Array(total * ENTRY_WORDS);
  for (let i = 0, at = 0; i < words.length; i += ENTRY_WORDS, at += entry) {
    const infoAt = is64 ? at + 4 : at + 12;
    words[i] = view.getUint32(at, littleEndian);
    words[i + 1] = bytes[infoAt] | (bytes[infoAt + 1] << 8) |
      (view.getUint16(infoAt + 2, littleEndian) << 16);
    if (is64) {
      for (let k = 0; k < 4; k++) words[i + 2 + k] = view.getUint32(at + 8 + 4 * (k ^ 1), littleEndian);
    } else {
      words[i + 2] = view.getUint32(at + 4, littleEndian);
      words[i + 4] = view.getUint32(at + 8, littleEndian);
    }
  }
  return words;
}

/** Returns the link-time address of the symbol `name`, of any type; undefined if `file` has none. */
export function symbolAddress(file: ElfFile, name: string): number | undefined {
  const section = file.section(".symtab", SHT.SYMTAB);
  if (section === undefined) return undefined;
  const names = stringWindows(file, file.sections[section.link]);
  const wanted = new TextEncoder().encode(name + "\0");
  for (const piece of file.pieces(section, PIECE_BYTES)) {
    const words = symbolWords(file, piece);
    file.cost.work(words.length / ENTRY_WORDS * WORK.symbol);
    for (let at = 0; at < words.length; at += ENTRY_WORDS) {
      const found = names.window(words[at], wanted.length);
      if (found.length < wanted.length || wanted.some((byte, i) => found[i] !== byte)) continue;
      return addressOf(words[at + 2], words[at + 3]);
    }
  }
  return undefined;
}

/** Returns whether `file` has a full symbol table, not only the one for the dynamic linker. */
export function hasSymtab(file: ElfFile): boolean {
  return file.section(".symtab", SHT.SYMTAB) !== undefined;
}
