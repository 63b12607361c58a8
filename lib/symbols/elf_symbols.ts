/**
 * The symbols of an ELF file as a SymbolTable, chosen as Linux perf (6.1) chooses them. Addresses in
 * the table are offsets in the file: an address of a process is looked up as
 * `address - mapping.start + mapping.pgoff`, whatever the file was linked for.
 */

import { concat } from "../base/bytes.ts";
import { addressOf } from "../base/address.ts";
import { pltStubs } from "./elf_plt.ts";
import { type ElfFile, EM, type Section, SHF_ALLOC, SHT } from "./elf.ts";
import { PT, type Segment } from "./elf_header.ts";
import { type Candidates, SymbolTableBuilder } from "./symbol_builder.ts";
import { StringTableNames } from "./symbol_names.ts";
import type { SymbolTable } from "./symbol_table.ts";

/** Low four bits of st_info. */
const STT = { NOTYPE: 0, OBJECT: 1, FUNC: 2, GNU_IFUNC: 10 } as const;
/** Low two bits of st_other. */
const STV = { INTERNAL: 1, HIDDEN: 2 } as const;
const SHN_UNDEF = 0;
const SHN_ABS = 0xfff1;
const DOLLAR = 0x24;
const DOT = 0x2e;
const TWO_32 = 4294967296;
/** Words of an Elf64_Sym. */
const WORDS = 6;

/** Candidates of one source within a file, in its order, in parallel arrays whose first `count` places are used. */
export interface SymbolBatch {
  count: number;
  /** Offsets in the file. */
  starts: Float64Array;
  /** The offset behind the last byte; equal to the start when no size is given. */
  ends: Float64Array;
  /** STB.* */
  binds: Uint8Array;
  /** Where each name starts in `strings`. */
  nameOffsets: Uint32Array;
  strings: Uint8Array;
  /** False when a symbol was met that perf cannot place: it stops there and leaves what it has as it is. */
  complete: boolean;
}

/**
 * The symbol table of `file`, or undefined when it has no symbols.
 *
 * Symbols come from .symtab and .dynsym of `symbols` (the file itself, or its separate debug file), PLT
 * stubs and file offsets always from `file`, since the sections of a debug file are empty.
 * Throws BadInputError when the tables are damaged.
 * @param dynamic the file whose .dynsym it is, where that is not `symbols`.
 */
export function elfSymbols(
  file: ElfFile,
  symbols: ElfFile = file,
  dynamic: ElfFile = symbols,
): SymbolTable | undefined {
  const batches: SymbolBatch[] = [];
  for (
    const [from, name, type] of [
      [symbols, ".symtab", SHT.SYMTAB],
      [dynamic, ".dynsym", SHT.DYNSYM],
    ] as const
  ) {
    const section = from.section(name, type);
    if (section !== undefined) batches.push(sectionSymbols(from, section, file));
    if (batches.at(-1)?.complete === false) break;
  }
  const found = batches.reduce((n, batch) => n + batch.count, 0);
  if (found === 0) return undefined;

  const stubs = batches.at(-1)?.complete ? pltStubs(file) : undefined;
  const all = stubs === undefined ? batches : [...batches, stubs];
  const builder = new SymbolTableBuilder(join(all, stubs));
  let at = 0;
  for (const batch of all) {
    builder.insert(at, at + batch.count);
    at += batch.count;
    if (batch.complete && batch.count > 0 && batch !== stubs) builder.settle();
  }
  return builder.finish();
}

/**
 * The symbols of the kernel's own file, by the addresses it was linked for; undefined when it has none. Throws
 * BadInputError on damage.
 */
export function vmlinuxSymbols(file: ElfFile): SymbolTable | undefined {
  const section = file.section(".symtab", SHT.SYMTAB);
  const batch = section && sectionSymbols(file, section, undefined);
  if (batch === undefined || batch.count === 0) return undefined;
  const builder = new SymbolTableBuilder(join([batch], undefined));
  builder.insert(0, batch.count);
  builder.settle();
  return builder.finish();
}

/** The address that `file` was linked to have the symbol `name` at, of whatever type; undefined when it has none. */
export function symbolAddress(file: ElfFile, name: string): number | undefined {
  const section = file.section(".symtab", SHT.SYMTAB);
  if (section === undefined) return undefined;
  const words = symbolWords(file, file.contents(section)), strings = stringsOf(file, section);
  const wanted = new TextEncoder().encode(name + "\0");
  for (let at = 0; at < words.length; at += WORDS) {
    const start = words[at];
    if (wanted.some((byte, i) => strings[start + i] !== byte)) continue;
    return addressOf(words[at + 2], words[at + 3]);
  }
  return undefined;
}

/** Whether `file` has a full symbol table, not only the one for the dynamic linker. */
export function hasSymtab(file: ElfFile): boolean {
  return file.section(".symtab", SHT.SYMTAB) !== undefined;
}

/** All batches as one list, over one table of strings; `stubs`, if there are any, come last. */
function join(batches: SymbolBatch[], stubs: SymbolBatch | undefined): Candidates {
  const total = batches.reduce((n, batch) => n + batch.count, 0);
  const starts = new Float64Array(total);
  const ends = new Float64Array(total);
  const binds = new Uint8Array(total);
  const nameStarts = new Uint32Array(total);
  const tables = [...new Set(batches.map((batch) => batch.strings))];
  const strings = tables.length === 1 ? tables[0] : concat(tables);
  let at = 0;
  for (const batch of batches) {
    const { count } = batch;
    starts.set(batch.starts.subarray(0, count), at);
    ends.set(batch.ends.subarray(0, count), at);
    binds.set(batch.binds.subarray(0, count), at);
    let base = 0;
    for (const table of tables.slice(0, tables.indexOf(batch.strings))) base += table.length;
    nameStarts.set(batch.nameOffsets.subarray(0, count), at);
    if (base > 0) { for (let i = at; i < at + count; i++) nameStarts[i] += base; }
    at += count;
  }
  const suffix = stubs && { text: "@plt", from: total - stubs.count };
  return { starts, ends, binds, names: new StringTableNames(strings, nameStarts, { suffix }) };
}

/**
 * The candidates of one symbol table section:
 *
 *     Elf64_Sym: u32 st_name; u8 st_info, st_other; u16 st_shndx; u64 st_value, st_size
 *     Elf32_Sym: u32 st_name, st_value, st_size; u8 st_info, st_other; u16 st_shndx
 *
 * Functions, indirect functions and objects are taken, and visible labels without a type in sections
 * whose names contain `text` or `data`; the mapping symbols of ARM are not. They are placed by the offsets in `file`,
 * or without one by their addresses.
 */
function sectionSymbols(symbols: ElfFile, section: Section, file: ElfFile | undefined): SymbolBatch {
  const { machine } = symbols;
  const words = symbolWords(symbols, symbols.contents(section));
  const strings = stringsOf(symbols, section);
  const total = words.length / WORDS;
  const places = placesOf(symbols, file ?? symbols);
  const mapping = mappingLetters(machine);
  const shifts = file && new Shifts(file);
  const starts = new Float64Array(total);
  const ends = new Float64Array(total);
  const binds = new Uint8Array(total);
  const nameOffsets = new Uint32Array(total);
  let n = 0;
  let complete = true;
  for (let at = 0; at < words.length; at += WORDS) {
    const name = words[at], second = words[at + 1];
    const type = second & 15, shndx = second >>> 16;
    if (name === 0 || shndx === SHN_UNDEF || name >= strings.length) continue;
    const label = type === STT.NOTYPE;
    if (label) {
      const visibility = (second >>> 8) & 3;
      if (shndx === SHN_ABS || visibility === STV.HIDDEN || visibility === STV.INTERNAL) continue;
    } else if (type !== STT.FUNC && type !== STT.GNU_IFUNC && type !== STT.OBJECT) continue;
    if (mapping !== "" && isMappingSymbol(strings, name, mapping)) continue;
    if (shndx >= places.length) {
      if (shndx === SHN_ABS) continue;
      complete = false;
      break;
    }
    const place = places[shndx];
    if (!place.allocated || (label && !place.takesLabels)) continue;
    let value = addressOf(words[at + 2], words[at + 3]);
    if (machine === EM.ARM && type === STT.FUNC && value % 2 === 1) value--; // the mark of Thumb code
    if (value !== 0 && shifts !== undefined) value -= shifts.of(value, place.shift);
    starts[n] = value;
    ends[n] = value + words[at + 5] * TWO_32 + words[at + 4];
    binds[n] = (second >>> 4) & 15;
    nameOffsets[n] = name;
    n++;
  }
  return { count: n, starts, ends, binds, nameOffsets, strings, complete };
}

/** The symbols of a table as Elf64_Sym in the words of this machine, WORDS each: as they are where they are that. */
function symbolWords({ is64, littleEndian }: ElfFile, bytes: Uint8Array): Uint32Array {
  const entry = is64 ? 24 : 16;
  const total = Math.floor(bytes.length / entry);
  if (is64 && littleEndian) {
    const aligned = bytes.byteOffset % 4 === 0 ? bytes : bytes.slice();
    return new Uint32Array(aligned.buffer, aligned.byteOffset, total * WORDS);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const words = new Uint32Array(total * WORDS);
  for (let i = 0, at = 0; i < words.length; i += WORDS, at += entry) {
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

/** The string table of a symbol table. */
export function stringsOf(file: ElfFile, symbols: Section): Uint8Array {
  const section = file.sections[symbols.link];
  return section === undefined ? new Uint8Array(0) : file.contents(section);
}

/** What there is to know of a section to place the symbols in it. */
interface Place {
  allocated: boolean;
  takesLabels: boolean;
  /** Address minus file offset. */
  shift: number;
}

function placesOf(symbols: ElfFile, file: ElfFile): Place[] {
  return symbols.sections.map((section, i) => {
    // A debug file's sections are empty and their offsets mean nothing: the file itself has the true ones.
    const real = section.type === SHT.NOBITS ? file.sections[i] ?? section : section;
    return {
      allocated: Math.floor(section.flags / SHF_ALLOC) % 2 === 1,
      takesLabels: real.name.includes("text") || real.name.includes("data"),
      shift: real.addr - real.offset,
    };
  });
}

/** Address minus file offset: of the loaded segment an address is in, else of its section. */
class Shifts {
  readonly #loaded: Segment[];
  // of the segment that was found last
  #start = Infinity;
  #end = -Infinity;
  #shift = 0;

  constructor(file: ElfFile) {
    this.#loaded = file.segments.filter((segment) => segment.type === PT.LOAD);
  }

  of(address: number, otherwise: number): number {
    if (address >= this.#start && address < this.#end) return this.#shift;
    for (const { vaddr, memsz, filesz, offset } of this.#loaded) {
      const end = vaddr + Math.max(memsz, filesz);
      if (address < vaddr || address >= end) continue;
      this.#start = vaddr;
      this.#end = end;
      return this.#shift = vaddr - offset;
    }
    return otherwise;
  }
}

/** Second letters of the `$x` symbols that mark code and data of these machines and name nothing. */
function mappingLetters(machine: number): string {
  if (machine === EM.ARM || machine === EM.AARCH64) return "adtx";
  return "";
}

function isMappingSymbol(strings: Uint8Array, name: number, letters: string): boolean {
  if (strings[name] !== DOLLAR) return false;
  const after = strings[name + 2];
  return letters.includes(String.fromCharCode(strings[name + 1])) && (after === 0 || after === DOT);
}
