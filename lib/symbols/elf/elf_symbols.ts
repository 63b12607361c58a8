/**
 * Symbols of an ELF file as a SymbolTable, chosen as Linux perf (6.1) chooses them. Addresses in the table are file
 * offsets: an address of a process is looked up as `address - mapping.start + mapping.pgoff`, whatever the file was
 * linked for.
 */

import { type Plt, pltOf } from "./elf_plt.ts";
import { type ElfFile, type ElfSection, SHT } from "./elf.ts";
import { LoadOffsets } from "./load_offsets.ts";
import { type Cost, WORK } from "../object/limits.ts";
import { BUILDER_BYTES, STB, type SymbolCandidates, SymbolTableBuilder } from "../table/symbol_builder.ts";
import { JoinedNames, StringTableNames } from "../table/symbol_names.ts";
import type { SymbolTable } from "../table/symbol_table.ts";
import { concat } from "../../base/bytes/bytes.ts";
import { HeldBytes, heldBytes } from "../object/windows.ts";
import { readSymbols, type SymbolColumns, type SymbolStrings } from "./symbol_columns.ts";
import { entrySize, type StringPart, stringWindows } from "./symbol_section.ts";

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

/** Reader that turns the symbol tables of one object into one table. */
class TableReader {
  readonly #sources: readonly SymbolSource[];
  readonly #plt: Plt | undefined;
  readonly #file: ElfFile | undefined;
  readonly #functions: FunctionNames | undefined;
  readonly #names = new JoinedNames();
  readonly #strings = new Map<ElfSection | undefined, SymbolStrings>();

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

  #stringsOf(from: ElfFile, { link }: ElfSection): SymbolStrings {
    const section = from.sections[link];
    let strings = this.#strings.get(section);
    if (strings === undefined) this.#strings.set(section, strings = this.#addNames(from, section));
    return strings;
  }

  #addNames(from: ElfFile, part: StringPart | undefined): SymbolStrings {
    const names = stringWindows(from, part);
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
