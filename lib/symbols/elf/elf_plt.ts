/**
 * Names of the stubs of the procedure linkage table, which no symbol table has: `memcpy@plt`. A stub jumps through a
 * slot, and a relocation says which function's address the slot gets. On machines whose stubs are not known here, the
 * n-th stub of section .plt is that of the n-th slot that the relocations of .rel[a].plt fill: they are in another order
 * where some are of indirect functions, as in libc.
 */

import { addressAt } from "../../base/bytes/address.ts";
import { viewOf } from "../../base/bytes/bytes.ts";
import { type ElfFile, type ElfSection, EM, SHT } from "./elf.ts";
import { memoryAt } from "./load_offsets.ts";
import { WORK } from "../object/limits.ts";
import { findStubs } from "./plt_code.ts";

/** Bytes of the special first stub and of the others, on machines where sh_entsize does not tell. */
const STUB_SIZES: Record<number, { header: number; stub: number } | undefined> = {
  [EM.ARM]: { header: 20, stub: 12 },
};

/**
 * Sections with stubs: with the code that finds a function at its first call; without that, for functions whose
 * addresses are also taken; and that programs with branch tracking call instead of .plt.
 */
const SECTIONS = [".plt", ".plt.got", ".plt.sec", ".iplt"];
/** Bytes of a stub, where nothing else tells. */
const USUAL_STUB = 16;
/** Bytes of memory of a stub, and of a relocation while it is looked up. */
const STUB_BYTES = 150, RELOCATION_BYTES = 80;
/** Bytes of relocations that are searched at once: a multiple of the size of each kind. */
const PIECE = 48 << 10;

/** Stub of the PLT. */
export interface Stub {
  /** Offset in the file, and the one behind it. */
  start: number;
  end: number;
  /** Symbol number in `symbols`, 0 for none. */
  symbol: number;
  /** Symbol table that the stub gets its name from. */
  symbols: ElfSection | undefined;
  /** Address of the function that returns the address to jump to, where there is no symbol; 0 if there is none. */
  resolver: number;
}

/** PLT of a file. */
export interface Plt {
  stubs: Stub[];
  /** Code in .plt that is no stub; undefined if there is none. */
  header: { start: number; end: number } | undefined;
}

/** Relocation that fills a stub's slot. */
interface Relocation {
  slot: number;
  /** Symbol number, 0 for none. */
  symbol: number;
  /** Addend; 0 if the relocation has none. */
  addend: number;
  /** Section that the symbol is in. */
  symbols: ElfSection | undefined;
}

/**
 * Finds the PLT of `file`; undefined if it has none whose stubs can be named. Throws BadInputError if it is cut off, and
 * LimitError.
 */
export function pltOf(file: ElfFile): Plt | undefined {
  const sections = SECTIONS.map((name) => file.section(name)).filter((section) => section !== undefined);
  if (sections.length === 0) return undefined;
  const relocations = file.section(".rela.plt") ?? file.section(".rel.plt");
  const known = relocations ? readRelocations(file, relocations) : [];
  return codePlt(file, sections, known) ?? orderedPlt(file, known);
}

/** Makes the PLT from the code of its stubs; undefined on machines where that is not known. */
function codePlt(file: ElfFile, sections: ElfSection[], known: readonly Relocation[]): Plt | undefined {
  const { machine, littleEndian } = file;
  const got = (file.section(".got.plt") ?? file.section(".got"))?.addr ?? NaN;
  const found: { place: Place; slot: number }[] = [];
  for (const section of sections) {
    if (section.type === SHT.NOBITS) continue;
    const bytes = file.contents(section);
    file.cost.work(bytes.length);
    const codes = findStubs(machine, { bytes, address: section.addr, littleEndian, got });
    if (codes === undefined) return undefined;
    file.cost.hold(codes.length * STUB_BYTES);
    const places = placesOf(codes, section);
    codes.forEach(({ slot }, i) => found.push({ place: places[i], slot }));
  }
  const ofSlot = new Map(known.map((relocation) => [relocation.slot, relocation]));
  findOthers(file, new Set(found.map(({ slot }) => slot).filter((slot) => !ofSlot.has(slot))), ofSlot);
  const stubs = found.flatMap(({ place, slot }) => {
    const relocation = ofSlot.get(slot);
    return relocation ? [{ ...place, ...targetOf(relocation) }] : [];
  });
  return { stubs, header: headerOf(file, stubs) };
}

/** Range of offsets in the file. */
interface Place {
  start: number;
  end: number;
}

/** Returns where the stubs of a section are in the file. */
function placesOf(codes: readonly { offset: number }[], { offset, size, entsize }: ElfSection): Place[] {
  let stride = Infinity;
  for (let i = 1; i < codes.length; i++) stride = Math.min(stride, codes[i].offset - codes[i - 1].offset);
  if (stride === Infinity) stride = entsize || USUAL_STUB;
  return codes.map((code) => ({
    start: offset + code.offset,
    end: offset + Math.min(code.offset + stride, size),
  }));
}

/** Returns the part of .plt before its stubs; all of it, if the stubs are elsewhere. */
function headerOf(file: ElfFile, stubs: readonly Place[]): Place | undefined {
  const plt = file.section(".plt");
  if (plt === undefined || plt.type === SHT.NOBITS || plt.size === 0) return undefined;
  const start = plt.offset, end = start + plt.size;
  const first = stubs.reduce(
    (least, stub) => stub.start >= start && stub.start < least ? stub.start : least,
    end,
  );
  return first > start ? { start, end: first } : undefined;
}

/** Makes the PLT from the order of its relocations; undefined if the sizes of stubs are unknown, or not these. */
function orderedPlt(file: ElfFile, known: readonly Relocation[]): Plt | undefined {
  const plt = file.section(".plt");
  if (plt === undefined) return undefined;
  const { header, stub } = STUB_SIZES[file.machine] ?? { header: plt.entsize, stub: plt.entsize };
  if (stub === 0 || plt.size !== header + known.length * stub) return undefined;
  file.cost.hold(known.length * STUB_BYTES);
  const stubs = known.map((relocation, i) => {
    const start = plt.offset + header + i * stub;
    return { start, end: start + stub, ...targetOf(relocation) };
  });
  return { stubs, header: undefined };
}

function targetOf({ symbol, symbols, addend }: Relocation): Pick<Stub, "symbol" | "symbols" | "resolver"> {
  return { symbol, symbols, resolver: symbol === 0 ? addend : 0 };
}

/**
 * Finds the relocations of slots that .rel[a].plt does not fill. The linker puts them behind many thousand others, so the
 * search begins at the end.
 */
function findOthers(file: ElfFile, wanted: Set<number>, found: Map<number, Relocation>): void {
  const section = wanted.size > 0 ? file.section(".rela.dyn") ?? file.section(".rel.dyn") : undefined;
  if (section === undefined || section.type === SHT.NOBITS) return;
  const reader = new RelocationReader(file, section), size = reader.count * reader.entry;
  file.checkRange(section.offset, size, `section ${section.name}`);
  for (let end = size; end > 0 && wanted.size > 0; end -= PIECE) {
    const from = Math.max(0, end - PIECE);
    file.cost.work((end - from) / reader.entry + (end - from) * WORK.read);
    const view = viewOf(file.source.read(section.offset + from, end - from));
    for (let at = view.byteLength - reader.entry; at >= 0; at -= reader.entry) {
      const slot = reader.slot(view, at);
      if (wanted.delete(slot)) found.set(slot, reader.read(view, at));
    }
  }
}

/** Reads the relocations of a section, sorted by slot. */
function readRelocations(file: ElfFile, section: ElfSection): Relocation[] {
  if (section.type !== SHT.RELA && section.type !== SHT.REL) return [];
  file.checkRange(section.offset, section.size, `section ${section.name}`);
  const reader = new RelocationReader(file, section), { count, entry } = reader;
  file.cost.count(count, "symbols");
  file.cost.hold(count * RELOCATION_BYTES);
  file.cost.work(count * WORK.symbol);
  const view = viewOf(file.contents(section));
  return Array.from({ length: count }, (_, i) => reader.read(view, i * entry))
    .sort((a, b) => a.slot - b.slot || 0);
}

/**
 * Reader of relocations:
 *
 *     Elf64_Rel[a]: u64 r_offset, r_info[, r_addend], the symbol in the high 32 bits of r_info
 *     Elf32_Rel[a]: u32 r_offset, r_info[, r_addend], the symbol in the high 24 bits of r_info
 */
class RelocationReader {
  /** Number of relocations, and bytes of each. */
  readonly count: number;
  readonly entry: number;
  readonly #file: ElfFile;
  readonly #symbols: ElfSection | undefined;
  readonly #isRela: boolean;
  readonly #wordBytes: number;

  constructor(file: ElfFile, { type, link, size }: ElfSection) {
    this.#file = file;
    this.#isRela = type === SHT.RELA;
    this.#symbols = file.sections[link];
    this.#wordBytes = file.is64 ? 8 : 4;
    this.entry = this.#wordBytes * (this.#isRela ? 3 : 2);
    this.count = Math.floor(size / this.entry);
  }

  /** Returns the address that a relocation fills. */
  slot(view: DataView, at: number): number {
    return this.#word(view, at);
  }

  read(view: DataView, at: number): Relocation {
    const { is64, littleEndian } = this.#file;
    const slot = this.slot(view, at);
    const symbol = is64
      ? view.getUint32(littleEndian ? at + 12 : at + 8, littleEndian)
      : view.getUint32(at + 4, littleEndian) >>> 8;
    return { slot, symbol, symbols: this.#symbols, addend: symbol === 0 ? this.#addend(view, at, slot) : 0 };
  }

  /** Returns the addend of a relocation, which for Elf32_Rel is in the slot. */
  #addend(view: DataView, at: number, slot: number): number {
    if (this.#isRela) return this.#word(view, at + 2 * this.#wordBytes);
    const there = memoryAt(this.#file, slot, this.#wordBytes);
    return there.length < this.#wordBytes ? 0 : this.#word(viewOf(there), 0);
  }

  #word(view: DataView, at: number): number {
    const { is64, littleEndian } = this.#file;
    return is64 ? addressAt(view, at, littleEndian) : view.getUint32(at, littleEndian);
  }
}
