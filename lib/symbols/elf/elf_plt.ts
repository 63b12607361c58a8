/**
 * Names of the stubs of the procedure linkage table, which no symbol table has: `memcpy@plt`. The n-th stub of section
 * .plt jumps through the n-th slot that the relocations of .rel[a].plt fill. The relocations are in another order where
 * some are of indirect functions, as in libc. The other PLT sections (.plt.sec, .plt.got) get no names, as in perf 6.1.
 */

import { addressOf } from "../../base/bytes/address.ts";
import { type ElfFile, type ElfSection, EM, SHT } from "./elf.ts";
import { STB } from "../table/symbol_builder.ts";

/** Bytes of the special first stub and of the others, on machines where sh_entsize does not tell. */
const STUB_SIZES: Record<number, { header: number; stub: number } | undefined> = {
  [EM.ARM]: { header: 20, stub: 12 },
  [EM.AARCH64]: { header: 32, stub: 16 },
};

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

/** PLT of a file. */
export interface Plt {
  /** Number of stubs. */
  count: number;
  relocations: ElfSection;
  /** Symbol table that the stubs get their names from. */
  dynsym: ElfSection;
  plt: ElfSection;
}

/**
 * Finds the PLT of `file`; undefined if it has none whose stubs can be named. Throws BadInputError if it is cut off.
 */
export function pltOf(file: ElfFile): Plt | undefined {
  const dynsym = file.section(".dynsym");
  const relocations = file.section(".rela.plt") ?? file.section(".rel.plt");
  const plt = file.section(".plt");
  if (dynsym === undefined || relocations === undefined || plt === undefined) return undefined;
  if (file.sections[relocations.link] !== dynsym) return undefined;
  if (relocations.type !== SHT.RELA && relocations.type !== SHT.REL) return undefined;
  file.checkRange(relocations.offset, relocations.size, `section ${relocations.name}`);
  return { count: Math.floor(relocations.size / entrySize(file, relocations)), relocations, dynsym, plt };
}

/** Stub of an indirect function, whose target the dynamic linker gets from a resolver. Its relocation has no symbol. */
export interface IndirectStub {
  /** Row of the columns. */
  at: number;
  /** Address of the resolver function. */
  resolver: number;
}

/**
 * Appends the stubs to `columns`. Their names lack the `@plt`; `base` is where the names of `dynsym` start. Returns the
 * stubs that have no name yet. Throws BadInputError if the tables are damaged.
 */
export function readStubs(file: ElfFile, table: Plt, columns: SymbolColumns, base: number): IndirectStub[] {
  const { count, relocations, dynsym, plt } = table;
  const { starts, ends, binds, nameStarts } = columns;
  const { header, stub } = STUB_SIZES[file.machine] ?? { header: plt.entsize, stub: plt.entsize };
  const relocated = readRelocations(file, relocations, count);
  const entry = file.is64 ? 24 : 16;
  const bytes = file.contents(dynsym);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const indirect: IndirectStub[] = [];
  for (let i = 0, n = columns.count; i < count; i++, n++) {
    starts[n] = plt.offset + header + i * stub;
    ends[n] = starts[n] + stub;
    binds[n] = STB.GLOBAL;
    const { symbol, addend } = relocated[i];
    const at = symbol * entry;
    // an empty name if there is no symbol
    nameStarts[n] = base + (at + entry <= bytes.length ? view.getUint32(at, file.littleEndian) : 0);
    if (symbol === 0 && addend !== 0) indirect.push({ at: n, resolver: addend });
  }
  columns.count += count;
  return indirect;
}

function entrySize({ is64 }: ElfFile, { type }: ElfSection): number {
  const rela = type === SHT.RELA;
  return is64 ? (rela ? 24 : 16) : (rela ? 12 : 8);
}

/** Relocation that fills a stub's slot. */
interface Relocation {
  slot: number;
  /** Symbol number, 0 for none. */
  symbol: number;
  /** Addend; 0 if the relocation has none. */
  addend: number;
}

/**
 * Reads the relocations of the stubs, sorted by slot.
 *
 *     Elf64_Rel[a]: u64 r_offset, r_info[, r_addend], the symbol in the high 32 bits of r_info
 *     Elf32_Rel[a]: u32 r_offset, r_info[, r_addend], the symbol in the high 24 bits of r_info
 */
function readRelocations(file: ElfFile, relocations: ElfSection, count: number): Relocation[] {
  const { is64, littleEndian } = file;
  const entry = entrySize(file, relocations);
  const bytes = file.contents(relocations);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const word = (at: number) => view.getUint32(at, littleEndian);
  const long = (at: number) =>
    littleEndian ? addressOf(word(at), word(at + 4)) : addressOf(word(at + 4), word(at));
  const rela = relocations.type === SHT.RELA;
  return Array.from({ length: count }, (_, i) => {
    const at = i * entry;
    if (at + entry > bytes.length) return { slot: Infinity, symbol: 0, addend: 0 };
    return is64
      ? { slot: long(at), symbol: word(littleEndian ? at + 12 : at + 8), addend: rela ? long(at + 16) : 0 }
      : { slot: word(at), symbol: word(at + 4) >>> 8, addend: rela ? word(at + 8) : 0 };
  }).sort((a, b) => a.slot - b.slot || 0);
}
