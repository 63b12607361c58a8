/**
 * Symbols of an ELF file as a SymbolTable, chosen as Linux perf (6.1) chooses them. Addresses in the table are file
 * offsets: an address of a process is looked up as `address - mapping.start + mapping.pgoff`, whatever the file was
 * linked for.
 */

import { addressOf } from "../../base/bytes/address.ts";
import { type Plt, pltOf } from "./elf_plt.ts";
import { type ElfFile, type ElfSection, EM, isAllocated, SHT } from "./elf.ts";
import { LoadOffsets } from "./load_offsets.ts";
import { type Cost, WORK } from "../object/limits.ts";
import { BUILDER_BYTES, STB, type SymbolCandidates, SymbolTableBuilder } from "../table/symbol_builder.ts";
import { JoinedNames, StringTableNames } from "../table/symbol_names.ts";
import type { SymbolTable } from "../table/symbol_table.ts";
import { concat } from "../../base/bytes/bytes.ts";
import { type ByteWindows, byteWindows, HeldBytes, heldBytes, isHeld } from "../object/windows.ts";

/** Low four bits of st_info. */
const STT = { NOTYPE: 0, OBJECT: 1, FUNC: 2, GNU_IFUNC: 10 } as const;
/** Low two bits of st_other. */
const STV = { INTERNAL: 1, HIDDEN: 2 } as const;
const SHN_UNDEF = 0;
const SHN_ABS = 0xfff1;
const DOLLAR = 0x24;
const DOT = 0x2e;
const TWO_32 = 4294967296;
/** 32-bit words of an Elf64_Sym. */
const WORDS = 6;

/** Bytes of symbols that are read at once: a multiple of the size of a symbol in both classes. */
const PIECE = 48 << 15;
/**
 * Bytes of memory: of a symbol while the table is made, of a symbol in the table, and of the name of each candidate.
 */
const MAKING_BYTES = 32 + BUILDER_BYTES, TABLE_BYTES = 24, NAME_BYTES = 4;

/**
 * Reads the symbol table of `file`; returns undefined if it has no symbols.
 *
 * Symbols come from .symtab and .dynsym of `symbols` (the file itself, or its separate debug file). PLT stubs and file
 * offsets always come from `file`, since the sections of a debug file are empty. Throws BadInputError if the tables are
 * damaged, LimitError if they cost too much.
 * @param dynamic the file to take .dynsym from, if not `symbols`.
 * @param functions of `file` that are named elsewhere in it.
 */
export function elfSymbols(
  file: ElfFile,
  symbols: ElfFile = file,
  dynamic: ElfFile = symbols,
  functions?: FunctionNames,
): SymbolTable | undefined {
  const sources = [
    { from: symbols, section: symbols.section(".symtab", SHT.SYMTAB) },
    { from: dynamic, section: dynamic.section(".dynsym", SHT.DYNSYM) },
  ].filter((source): source is SymbolSource => source.section !== undefined);
  return new TableReader(sources, { plt: pltOf(file), file, functions }).read();
}

/**
 * Reads the symbols of a vmlinux file or a module, by link-time address; returns undefined if it has none. Throws BadInputError if
 * it is damaged, and LimitError.
 */
export function vmlinuxSymbols(file: ElfFile): SymbolTable | undefined {
  const section = file.section(".symtab", SHT.SYMTAB);
  return section && new TableReader([{ from: file, section }], {}).read();
}

/** Functions of a file, by row, that are named elsewhere than in its symbol tables. */
export interface FunctionNames {
  count: number;
  /** Part of the file with the names, each up to a NUL. */
  names: { offset: number; size: number };
  /** Returns the link-time address of a function, and the one behind it. */
  start(row: number): number;
  end(row: number): number;
  /** Returns the offset of a function's name in `names`. */
  nameOffset(row: number): number;
}

/** Symbol candidates in the order of their sources, as parallel columns of which the first `count` rows are used. */
interface SymbolColumns {
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

/** Symbol table section, and its file. */
interface SymbolSource {
  from: ElfFile;
  section: ElfSection;
}

/** Other sources of symbols. */
interface OtherSources {
  plt?: Plt;
  /** File whose offsets place the symbols; undefined to place them by address. */
  file?: ElfFile;
  functions?: FunctionNames;
}

/** Names of a symbol table, and where they start in the names of all tables. */
interface Strings {
  names: ByteWindows;
  base: number;
}

/** Reader that turns the symbol tables of one object into one table. */
class TableReader {
  readonly #sources: readonly SymbolSource[];
  readonly #plt: Plt | undefined;
  readonly #file: ElfFile | undefined;
  readonly #functions: FunctionNames | undefined;
  readonly #names = new JoinedNames();
  readonly #strings = new Map<ElfSection | undefined, Strings>();

  constructor(sources: readonly SymbolSource[], { plt, file, functions }: OtherSources) {
    this.#sources = sources;
    this.#plt = plt;
    this.#file = file;
    this.#functions = functions;
  }

  read(): SymbolTable | undefined {
    const cost = (this.#file ?? this.#sources[0]?.from)?.cost;
    const isBare = this.#sources.length === 0 && this.#functions === undefined && this.#plt === undefined;
    if (cost === undefined || isBare) return undefined;
    const columns = this.#columns(cost);
    const marks = [0];
    let complete = true;
    if (this.#file && this.#functions) {
      // first, for their sizes: a symbol without one would reach over them
      this.#takeFunctions(this.#file, this.#functions, columns);
      marks.push(columns.count);
    }
    for (const { from, section } of this.#sources) {
      complete = readSymbols(from, section, this.#file, columns, this.#stringsOf(from, section));
      marks.push(columns.count);
      if (!complete) break;
    }
    const named = columns.count;
    const stubs = complete && this.#file && this.#plt
      ? this.#takeStubs(this.#file, this.#plt, columns)
      : Infinity;
    if (columns.count === 0) return undefined;
    const table = this.#table(columns, { marks, complete, stubs }, cost);
    table.onlyStubs = named === 0;
    return table;
  }

  #columns(cost: Cost): SymbolColumns {
    const counts = this.#sources.map(({ from, section: { type, offset, size, name } }) => {
      if (type === SHT.NOBITS) return 0;
      from.checkRange(offset, size, `section ${name}`);
      return Math.floor(size / entrySize(from));
    });
    const stubs = this.#plt === undefined ? 0 : this.#plt.stubs.length + 1;
    const others = stubs + (this.#functions?.count ?? 0);
    const total = counts.reduce((sum, count) => sum + count, others);
    cost.count(total, "symbols");
    cost.work(total * WORK.symbol);
    cost.hold(total * MAKING_BYTES);
    return {
      count: 0,
      starts: new Float64Array(total),
      ends: new Float64Array(total),
      binds: new Uint8Array(total),
      nameStarts: new Uint32Array(total),
      indirect: [],
    };
  }

  #stringsOf(from: ElfFile, { link }: ElfSection): Strings {
    const section = from.sections[link];
    let strings = this.#strings.get(section);
    if (strings === undefined) this.#strings.set(section, strings = this.#addNames(from, section));
    return strings;
  }

  #addNames(from: ElfFile, part: NamesPart | undefined): Strings {
    const names = namesOf(from, part);
    from.cost.keep(heldBytes(from.source, names.size));
    return { names, base: this.#names.add(names, from.cost) };
  }

  /** Appends functions that lie in loaded segments. */
  #takeFunctions(file: ElfFile, functions: FunctionNames, columns: SymbolColumns): void {
    const { starts, ends, binds, nameStarts } = columns, shifts = new LoadOffsets(file);
    const { names, base } = this.#addNames(file, { name: "of functions", type: 0, ...functions.names });
    for (let row = 0; row < functions.count; row++) {
      const start = functions.start(row), name = functions.nameOffset(row), shift = shifts.of(start, NaN);
      if (Number.isNaN(shift) || !(name < names.size)) continue;
      const n = columns.count++;
      starts[n] = start - shift;
      ends[n] = Math.max(start, functions.end(row)) - shift;
      binds[n] = STB.LOCAL;
      nameStarts[n] = base + name;
    }
  }

  /** Appends the stubs of the PLT, and the code before them; returns the row of the first stub. */
  #takeStubs(file: ElfFile, { stubs, header }: Plt, columns: SymbolColumns): number {
    const { starts, ends, binds, nameStarts } = columns, names = new MadeNames(file.cost);
    const add = (place: { start: number; end: number }, name: number) => {
      const n = columns.count++;
      starts[n] = place.start;
      ends[n] = place.end;
      binds[n] = STB.GLOBAL;
      nameStarts[n] = name;
      return n;
    };
    // names made here come after those of all tables, so where they start is known only at the end
    const made: number[] = [];
    if (header) made.push(add(header, names.add(".plt")));
    const first = columns.count, resolvers = indirectFunctions(file, columns);
    for (const stub of stubs) {
      const name = stub.symbol > 0
        ? this.#symbolName(file, stub.symbol, stub.symbols)
        : resolvers(stub.resolver);
      if (name !== undefined) add(stub, name);
      else if (stub.resolver !== 0) made.push(add(stub, names.add(`*ABS*+0x${stub.resolver.toString(16)}`)));
    }
    const base = this.#names.add(names.bytes(), file.cost);
    for (const row of made) nameStarts[row] += base;
    return first;
  }

  /** Returns where the name of a symbol starts; undefined if there is no such symbol. */
  #symbolName(file: ElfFile, symbol: number, symbols: ElfSection | undefined): number | undefined {
    if (symbols === undefined || (symbols.type !== SHT.DYNSYM && symbols.type !== SHT.SYMTAB)) {
      return undefined;
    }
    const bytes = file.contents(symbols), at = symbol * entrySize(file);
    if (at + 4 > bytes.length) return undefined;
    const { names, base } = this.#stringsOf(file, symbols);
    const name = new DataView(bytes.buffer, bytes.byteOffset).getUint32(at, file.littleEndian);
    return name < names.size ? base + name : undefined;
  }

  #table(
    columns: SymbolColumns,
    { marks, complete, stubs }: { marks: number[]; complete: boolean; stubs: number },
    cost: Cost,
  ): SymbolTable {
    const { count } = columns, named = marks.at(-1)!;
    const nameStarts = columns.nameStarts.slice(0, count);
    const names = new StringTableNames(this.#names.joined(), nameStarts, {
      suffix: { text: "@plt", from: stubs },
    });
    const candidates: SymbolCandidates = {
      starts: columns.starts.subarray(0, count),
      ends: columns.ends.subarray(0, count),
      binds: columns.binds,
      names,
    };
    const builder = new SymbolTableBuilder(candidates, cost);
    for (let i = 1; i < marks.length; i++) {
      builder.insert(marks[i - 1], marks[i]);
      if ((complete || i < marks.length - 1) && marks[i] > marks[i - 1]) builder.settle();
    }
    if (named < count) {
      endBefore(candidates, named, candidates.starts.subarray(named).reduce((a, b) => Math.min(a, b)));
      builder.insert(named, count);
    }
    const table = builder.finish();
    cost.keep(count * NAME_BYTES + table.length * TABLE_BYTES);
    return table;
  }
}

/**
 * Ends symbols that reach over an offset there: a symbol without a size in the section before (_init) was taken to reach
 * to the next one.
 */
function endBefore({ starts, ends }: SymbolCandidates, count: number, offset: number): void {
  for (let i = 0; i < count; i++) if (starts[i] < offset && ends[i] > offset) ends[i] = offset;
}

/** Names that are in no file. */
class MadeNames {
  readonly #texts: Uint8Array[] = [];
  readonly #cost: Cost;
  #size = 0;

  constructor(cost: Cost) {
    this.#cost = cost;
  }

  /** Adds a name; returns where it begins. */
  add(name: string): number {
    const text = new TextEncoder().encode(`${name}\0`), at = this.#size;
    this.#cost.keep(text.length);
    this.#texts.push(text);
    this.#size += text.length;
    return at;
  }

  bytes(): HeldBytes {
    return new HeldBytes(concat(this.#texts));
  }
}

/**
 * Returns a function from the address of a resolver to where the name of its indirect function starts; that of a global
 * one, if several share it.
 */
function indirectFunctions(
  file: ElfFile,
  { starts, binds, nameStarts, indirect }: SymbolColumns,
): (resolver: number) => number | undefined {
  const named = new Map<number, number>(), shifts = new LoadOffsets(file);
  for (const i of indirect) {
    const known = named.get(starts[i]);
    if (known === undefined || (binds[known] !== STB.GLOBAL && binds[i] === STB.GLOBAL)) {
      named.set(starts[i], i);
    }
  }
  return (resolver) => {
    const symbol = named.get(resolver - shifts.of(resolver, 0));
    return symbol === undefined ? undefined : nameStarts[symbol];
  };
}

function entrySize({ is64 }: ElfFile): number {
  return is64 ? 24 : 16;
}

/** Part of a file with strings. */
type NamesPart = Pick<ElfSection, "name" | "type" | "offset" | "size">;

/**
 * Returns the contents of a string section; empty if there is none. Throws BadInputError if it is cut off, and
 * LimitError.
 */
function namesOf(file: ElfFile, section: NamesPart | undefined): ByteWindows {
  const { type, offset, size } = section ?? { type: SHT.NOBITS, offset: 0, size: 0 };
  const there = type === SHT.NOBITS ? 0 : size;
  file.checkRange(offset, there, `section ${section?.name}`);
  file.pinned ||= !isHeld(file.source, there);
  return byteWindows({ source: file.source, offset, size: there }, file.cost);
}

/** Returns the link-time address of the symbol `name`, of any type; undefined if `file` has none. */
export function symbolAddress(file: ElfFile, name: string): number | undefined {
  const section = file.section(".symtab", SHT.SYMTAB);
  if (section === undefined) return undefined;
  const names = namesOf(file, file.sections[section.link]);
  const wanted = new TextEncoder().encode(name + "\0");
  for (const piece of file.pieces(section, PIECE)) {
    const words = symbolWords(file, piece);
    file.cost.work(words.length / WORDS * WORK.symbol);
    for (let at = 0; at < words.length; at += WORDS) {
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
function readSymbols(
  symbols: ElfFile,
  section: ElfSection,
  file: ElfFile | undefined,
  columns: SymbolColumns,
  strings: Strings,
): boolean {
  const placing = new SymbolPlacement(symbols, file);
  for (const piece of symbols.pieces(section, PIECE)) {
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
  strings: Strings,
): boolean {
  const { starts, ends, binds, nameStarts, indirect } = columns;
  const { size } = strings.names;
  let n = columns.count;
  let complete = true;
  for (let at = 0; at < words.length; at += WORDS) {
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

/**
 * Returns the symbols of a table in the format of Elf64_Sym, in words of this machine, WORDS each. A view if they
 * already are.
 */
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
