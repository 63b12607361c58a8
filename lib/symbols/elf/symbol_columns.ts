/** Symbols of ELF files that code may have its names from, as columns: chosen and placed as Linux perf (6.1) does. */

import { addressOf } from "../../base/bytes/address.ts";
import { type ElfFile, type ElfSection, EM, isAllocated, SHT } from "./elf.ts";
import { LoadOffsets } from "./load_offsets.ts";
import { ENTRY_WORDS, PIECE_BYTES, symbolWords } from "./symbol_section.ts";
import type { ByteWindows } from "../object/windows.ts";

/** Low four bits of st_info. */
const STT = { NOTYPE: 0, OBJECT: 1, FUNC: 2, GNU_IFUNC: 10 } as const;
/** Low two bits of st_other. */
const STV = { INTERNAL: 1, HIDDEN: 2 } as const;
const SHN_UNDEF = 0;
const SHN_ABS = 0xfff1;
const DOLLAR = 0x24;
const DOT = 0x2e;
const TWO_32 = 4294967296;

/** Symbol candidates in the order of their sources, as parallel columns of which the first `count` rows are used. */
export interface SymbolColumns {
  count: number;
  /** File offsets. */
  starts: Float64Array;
  /** Offsets behind the last byte; equal to the start for a symbol without a size. */
  ends: Float64Array;
  /** Bindings: STB.*. */
  binds: Uint8Array;
  /** Start of each name in the names of all sources. */
  nameStarts: Uint32Array;
  /** Rows of indirect functions. */
  indirect: number[];
}

/** Names of a symbol table, and where they start in the names of all tables. */
export interface SymbolStrings {
  names: ByteWindows;
  base: number;
}

/**
 * Reads the candidates of one symbol table section:
 *
 *     Elf64_Sym: u32 st_name; u8 st_info, st_other; u16 st_shndx; u64 st_value, st_size
 *     Elf32_Sym: u32 st_name, st_value, st_size; u8 st_info, st_other; u16 st_shndx
 *
 * Takes functions, indirect functions, objects, and visible labels without a type in sections whose names contain
 * `text` or `data`, but no mapping symbols of ARM. Places them by the offsets in `file`, or by address without one.
 * Returns false at a symbol that perf cannot place: like perf, it stops there and keeps what it has.
 */
export function readSymbols(
  symbols: ElfFile,
  section: ElfSection,
  file: ElfFile | undefined,
  columns: SymbolColumns,
  strings: SymbolStrings,
): boolean {
  const placing = new SymbolPlacement(symbols, file);
  for (const piece of symbols.pieces(section, PIECE_BYTES)) {
    if (!takeSymbols(symbolWords(symbols, piece), placing, columns, strings)) return false;
  }
  return true;
}

/** Properties of a file that its symbols are placed by. */
class SymbolPlacement {
  readonly machine: number;
  readonly places: readonly SectionPlacement[];
  readonly mapping: string;
  readonly shifts: LoadOffsets | undefined;

  constructor(symbols: ElfFile, file: ElfFile | undefined) {
    this.machine = symbols.machine;
    this.places = sectionPlacements(symbols, file ?? symbols);
    this.mapping = mappingLetters(symbols.machine);
    this.shifts = file && new LoadOffsets(file);
  }
}

/** Appends the wanted symbols to `columns`; returns false where perf stops. */
function takeSymbols(
  words: Uint32Array,
  { machine, places, mapping, shifts }: SymbolPlacement,
  columns: SymbolColumns,
  strings: SymbolStrings,
): boolean {
  const { starts, ends, binds, nameStarts, indirect } = columns;
  const { size } = strings.names;
  let n = columns.count;
  let complete = true;
  for (let at = 0; at < words.length; at += ENTRY_WORDS) {
    const name = words[at], second = words[at + 1];
    const type = second & 15, shndx = second >>> 16;
    if (name === 0 || shndx === SHN_UNDEF || name >= size) continue;
    const label = type === STT.NOTYPE;
    if (label) {
      const visibility = (second >>> 8) & 3;
      if (shndx === SHN_ABS || visibility === STV.HIDDEN || visibility === STV.INTERNAL) continue;
    } else if (type !== STT.FUNC && type !== STT.GNU_IFUNC && type !== STT.OBJECT) continue;
    if (mapping !== "" && isMappingSymbol(strings.names.window(name, 3), mapping)) continue;
    if (shndx >= places.length) {
      if (shndx === SHN_ABS) continue;
      complete = false;
      break;
    }
    const place = places[shndx];
    if (!place.allocated || (label && !place.takesLabels)) continue;
    let value = addressOf(words[at + 2], words[at + 3]);
    if (machine === EM.ARM && type === STT.FUNC && value % 2 === 1) value--; // bit 0 marks Thumb code
    value += place.base;
    if (value !== 0 && shifts !== undefined) value -= shifts.of(value, place.shift);
    starts[n] = value;
    ends[n] = value + words[at + 5] * TWO_32 + words[at + 4];
    binds[n] = (second >>> 4) & 15;
    nameStarts[n] = strings.base + name;
    if (type === STT.GNU_IFUNC) indirect.push(n);
    n++;
  }
  columns.count = n;
  return complete;
}

/** Properties of a section that its symbols are placed by. */
interface SectionPlacement {
  allocated: boolean;
  takesLabels: boolean;
  /** Address minus file offset. */
  shift: number;
  /** Address that the values of symbols count from. */
  base: number;
}

function sectionPlacements(symbols: ElfFile, file: ElfFile): SectionPlacement[] {
  return symbols.sections.map((section, i) => {
    // a debug file's sections are empty and their offsets meaningless: use those of the file itself
    const real = section.type === SHT.NOBITS ? file.sections[i] ?? section : section;
    return {
      allocated: isAllocated(section),
      takesLabels: real.name.includes("text") || real.name.includes("data"),
      shift: real.addr - real.offset,
      base: symbols.isRelocatable ? section.addr : 0,
    };
  });
}

/** Returns the second letters of the `$x` symbols that mark code and data on these machines, and name nothing. */
function mappingLetters(machine: number): string {
  if (machine === EM.ARM || machine === EM.AARCH64) return "adtx";
  return "";
}

/**
 * Returns whether a name is that of a mapping symbol.
 * @param name first three bytes of the symbol's name.
 */
function isMappingSymbol(name: Uint8Array, letters: string): boolean {
  if (name[0] !== DOLLAR) return false;
  return letters.includes(String.fromCharCode(name[1])) && (name[2] === 0 || name[2] === DOT);
}
