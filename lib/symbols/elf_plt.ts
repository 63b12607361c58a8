/**
 * Names for the stubs of the procedure linkage table, which no symbol table has: `memcpy@plt`. As
 * perf 6.1 does it: the n-th stub of section .plt is that of the n-th relocation of .rel[a].plt; the
 * other PLT sections (.plt.sec, .plt.got) get no names.
 */

import { type ElfFile, EM, type Section, SHT } from "./elf.ts";
import { stringsOf, type SymbolBatch } from "./elf_symbols.ts";
import { STB } from "./symbol_builder.ts";

/** Bytes of the first, special stub and of each of the others, where sh_entsize does not tell. */
const STUB_SIZES: Record<number, { header: number; stub: number } | undefined> = {
  [EM.ARM]: { header: 20, stub: 12 },
  [EM.AARCH64]: { header: 32, stub: 16 },
};

/** The PLT stubs of `file`, named without their `@plt`, or undefined when it has none that can be named. Throws BadInputError on damage. */
export function pltStubs(file: ElfFile): SymbolBatch | undefined {
  const dynsym = file.section(".dynsym");
  const relocations = file.section(".rela.plt") ?? file.section(".rel.plt");
  const plt = file.section(".plt");
  if (dynsym === undefined || relocations === undefined || plt === undefined) return undefined;
  if (file.sections[relocations.link] !== dynsym) return undefined;
  if (relocations.type !== SHT.RELA && relocations.type !== SHT.REL) return undefined;

  const symbols = symbolIndexes(file, relocations);
  const { header, stub } = STUB_SIZES[file.machine] ?? { header: plt.entsize, stub: plt.entsize };
  const count = symbols.length;
  const starts = new Float64Array(count);
  const ends = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    starts[i] = plt.offset + header + i * stub;
    ends[i] = starts[i] + stub;
  }
  return {
    count,
    starts,
    ends,
    binds: new Uint8Array(count).fill(STB.GLOBAL),
    nameOffsets: nameOffsets(file, dynsym, symbols),
    strings: stringsOf(file, dynsym),
    complete: true,
  };
}

/**
 * The symbol that each relocation refers to.
 *
 *     Elf64_Rel[a]: u64 r_offset, r_info[, r_addend], the symbol in the high 32 bits of r_info
 *     Elf32_Rel[a]: u32 r_offset, r_info[, r_addend], the symbol in the high 24 bits of r_info
 */
function symbolIndexes(file: ElfFile, relocations: Section): Uint32Array {
  const rela = relocations.type === SHT.RELA;
  const entry = file.is64 ? (rela ? 24 : 16) : (rela ? 12 : 8);
  const bytes = file.contents(relocations);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const indexes = new Uint32Array(Math.floor(bytes.length / entry));
  for (let i = 0; i < indexes.length; i++) {
    const at = i * entry;
    if (file.is64) indexes[i] = view.getUint32(file.littleEndian ? at + 12 : at + 8, file.littleEndian);
    else indexes[i] = view.getUint32(at + 4, file.littleEndian) >>> 8;
  }
  return indexes;
}

/** st_name of each of those symbols; 0, an empty name, for one that is not there. */
function nameOffsets(file: ElfFile, dynsym: Section, symbols: Uint32Array): Uint32Array {
  const entry = file.is64 ? 24 : 16;
  const bytes = file.contents(dynsym);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return symbols.map((symbol) => {
    const at = symbol * entry;
    return at + entry <= bytes.length ? view.getUint32(at, file.littleEndian) : 0;
  });
}
