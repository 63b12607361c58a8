/**
 * Relocations of debug sections in files that have yet to be linked: modules of the kernel. There the debug information
 * has zeros for addresses and for offsets in other sections, and a table says what belongs in their places:
 *
 *     Elf64_Rela: u64 r_offset; u32 type, symbol (r_info); s64 r_addend
 */

import { addressAt } from "../../base/bytes/address.ts";
import { viewOf } from "../../base/bytes/bytes.ts";
import { type ElfFile, type ElfSection, EM, SHT } from "./elf.ts";
import { WORK } from "../object/limits.ts";

/** Bytes of a relocation, and of a symbol (Elf64_Sym). */
const RELA_BYTES = 24, SYMBOL_BYTES = 24;
const SHN_LORESERVE = 0xff00;
const TWO_32 = 4294967296;

/** Kind of a relocation: its size in bytes, and whether the place itself is subtracted. */
interface Kind {
  size: 4 | 8;
  isRelative?: boolean;
}

/** Kinds that debug sections have, by machine and type. */
const KINDS: Readonly<Record<number, Readonly<Record<number, Kind>>>> = {
  // R_X86_64_64, PC32, 32, 32S, PC64
  [EM.X86_64]: {
    1: { size: 8 },
    2: { size: 4, isRelative: true },
    10: { size: 4 },
    11: { size: 4 },
    24: { size: 8, isRelative: true },
  },
  // R_AARCH64_ABS64, ABS32, PREL64, PREL32
  [EM.AARCH64]: {
    257: { size: 8 },
    258: { size: 4 },
    260: { size: 8, isRelative: true },
    261: { size: 4, isRelative: true },
  },
};

/**
 * Returns the contents of a section as the linker would leave them, for sections at the addresses that `file` gives them;
 * `bytes` itself if there is nothing to change. Throws BadInputError if the tables are damaged, and LimitError.
 */
export function relocated(file: ElfFile, section: ElfSection, bytes: Uint8Array): Uint8Array {
  const kinds = KINDS[file.machine];
  if (!file.isRelocatable || !file.is64 || !file.littleEndian || kinds === undefined) return bytes;
  const number = file.sections.indexOf(section);
  const table = file.sections.find(({ type, info }) => type === SHT.RELA && info === number);
  const symbols = table && file.sections[table.link];
  if (table === undefined || symbols?.type !== SHT.SYMTAB) return bytes;
  const entries = viewOf(file.contents(table)), values = viewOf(file.contents(symbols));
  const count = Math.floor(entries.byteLength / RELA_BYTES);
  file.cost.work(count * WORK.relocation);
  file.cost.hold(bytes.length);
  const whole = bytes.slice(), view = viewOf(whole);
  for (let at = 0; at < count * RELA_BYTES; at += RELA_BYTES) {
    const kind = kinds[entries.getUint32(at + 8, true)];
    const place = addressAt(entries, at, true);
    const symbol = entries.getUint32(at + 12, true) * SYMBOL_BYTES;
    if (kind === undefined || !(place >= 0 && place + kind.size <= whole.length)) continue;
    if (symbol + SYMBOL_BYTES > values.byteLength) continue;
    const addend = addressAt(entries, at + 16, true);
    const value = symbolValue(file, values, symbol) + addend - (kind.isRelative ? section.addr + place : 0);
    view.setUint32(place, value % TWO_32, true);
    if (kind.size === 8) view.setUint32(place + 4, Math.floor(value / TWO_32), true);
  }
  return whole;
}

/** Returns the address of the symbol at an offset in the table. */
function symbolValue({ sections }: ElfFile, symbols: DataView, at: number): number {
  const value = addressAt(symbols, at + 8, true);
  const section = symbols.getUint16(at + 6, true);
  return section === 0 || section >= SHN_LORESERVE ? value : value + (sections[section]?.addr ?? 0);
}
