/**
 * Places that Go's table of functions counts from, in the runtime's record of the program (runtime.moduledata). It is
 * found by its first words, which point to the table:
 *
 *     uintptr pcHeader; then slices (pointer, length, capacity): funcnametab, cutab, filetab, pctab, pclntable, ftab;
 *     uintptr findfunctab, minpc, maxpc, text, ..., gofunc
 *
 * In a program that is loaded anywhere, these words may be in its relocations alone.
 */

import { viewOf } from "../../base/bytes/bytes.ts";
import { LineReader } from "../dwarf/dwarf_line_header.ts";
import { type ElfFile, type ElfSection, isAllocated, SHT } from "../elf/elf.ts";
import { PF_X } from "../elf/elf_header.ts";
import { memoryAt, segmentAt } from "../elf/load_offsets.ts";
import { WORK } from "../object/limits.ts";
import type { FoundPclntab } from "./find_pclntab.ts";
import { functionEntryBytes, GO, type GoLayout } from "./pclntab_header.ts";

/** Places that matter of the record. */
export interface ModuleData {
  /** Address that those of functions count from; 0 if they are absolute. */
  text: number;
  /** Address that functions' data counts from (`go:func.*`), 0 if its addresses are absolute; NaN if unknown. */
  functionData: number;
}

/** Words of the record that are read, by number. */
const WORD = { HEADER: 0, NAMES: 1, NAMES_LENGTH: 2, NAMES_CAPACITY: 3, LIST_LENGTH: 17, TEXT: 22 } as const;
/** Word with the address of functions' data. */
const FUNCTION_DATA: Readonly<Record<GoLayout, number>> = {
  [GO.V2]: -1,
  [GO.V16]: -1,
  [GO.V18]: 38,
  [GO.V20]: 40,
};
/** Words that are read. */
const WORDS = 41;
/** Section of its own that the record has since Go 1.26. */
const OWN_SECTION = ".go.module";
const SHF_WRITE = 1;
/** Most bytes of .text behind Go's functions. */
const MAX_PADDING = 64;
/** Most places that are looked at. */
const MAX_CANDIDATES = 64;
/** Bytes that are searched at once, a multiple of a word and of a relocation. */
const PIECE = 24 << 15;

/** Reads where a table's addresses count from. Throws BadInputError, LimitError. */
export function readModuleData(file: ElfFile, found: FoundPclntab): ModuleData {
  const { header } = found;
  if (header.layout < GO.V18) return { text: 0, functionData: 0 };
  for (const words of recordsOf(file, found)) {
    const text = words[WORD.TEXT], functionData = words[FUNCTION_DATA[header.layout]];
    const isRecord = words[WORD.HEADER] === found.address &&
      words[WORD.NAMES] === found.address + header.names &&
      words[WORD.NAMES_LENGTH] === words[WORD.NAMES_CAPACITY] &&
      words[WORD.LIST_LENGTH] === header.count + 1 &&
      isCode(file, text);
    if (isRecord) return { text, functionData: segmentAt(file, functionData) ? functionData : NaN };
  }
  return { text: header.text || textAddress(file, found), functionData: NaN };
}

/**
 * Returns the address of Go's code in a program whose code all is Go's, as far as its size tells: Go's linker made it,
 * rather than another one, which puts code in front. NaN otherwise.
 */
function textAddress(file: ElfFile, { offset, size, header }: FoundPclntab): number {
  const text = file.section(".text");
  const at = header.functions + header.count * functionEntryBytes(header.layout, header.pointer);
  if (text === undefined || at + 4 > size) return NaN;
  const end = new LineReader(file.source.read(offset + at, 4), file.littleEndian).u32();
  return end <= text.size && text.size - end <= MAX_PADDING ? text.addr : NaN;
}

function isCode(file: ElfFile, address: number): boolean {
  return ((segmentAt(file, address)?.flags ?? 0) & PF_X) !== 0;
}

/** Yields the words of what may be the record. */
function* recordsOf(file: ElfFile, { address, header: { pointer } }: FoundPclntab): Generator<Float64Array> {
  const own = file.section(OWN_SECTION);
  const places = own ? [own.addr] : placesOf(file, address, pointer);
  const relocated = places.map(() => new Float64Array(WORDS).fill(NaN));
  eachRelative(file, pointer, (at, to) => {
    places.forEach((place, i) => {
      if (at >= place && at < place + WORDS * pointer) relocated[i][(at - place) / pointer] = to;
    });
  });
  for (const [i, place] of places.entries()) {
    const r = new LineReader(memoryAt(file, place, WORDS * pointer), file.littleEndian);
    yield relocated[i].map((word) => {
      const there = r.sized(pointer);
      return Number.isNaN(word) ? there : word;
    });
  }
}

/** Returns the addresses of words that point to an address, in data that the program may write to. */
function placesOf(file: ElfFile, address: number, pointer: number): number[] {
  const places = new Set<number>();
  const add = (at: number) => places.size < MAX_CANDIDATES && places.add(at);
  for (const section of file.sections) {
    if (!isWritable(section)) continue;
    let base = section.addr;
    for (const piece of file.pieces(section, PIECE)) {
      file.cost.work(piece.length * WORK.read);
      for (const at of wordsEqual(piece, address, { pointer, littleEndian: file.littleEndian })) {
        add(base + at);
      }
      base += piece.length;
    }
  }
  eachRelative(file, pointer, (at, to) => to === address && add(at));
  return [...places];
}

function isWritable(section: ElfSection): boolean {
  return section.type !== SHT.NOBITS && isAllocated(section) && section.flags % 2 === SHF_WRITE;
}

/** Yields the offsets of words that equal a number. */
function* wordsEqual(
  bytes: Uint8Array,
  value: number,
  { pointer, littleEndian }: { pointer: number; littleEndian: boolean },
): Generator<number> {
  const view = viewOf(bytes);
  const low = value % 2 ** 32, high = Math.floor(value / 2 ** 32);
  const lowAt = pointer === 8 && !littleEndian ? 4 : 0;
  for (let at = 0; at + pointer <= bytes.length; at += pointer) {
    if (view.getUint32(at + lowAt, littleEndian) !== low) continue;
    if (pointer === 4 || view.getUint32(at + 4 - lowAt, littleEndian) === high) yield at;
  }
}

/** Calls `take` with the address of each relocated word that has an addend and no symbol, and the address it is to have. */
function eachRelative(file: ElfFile, pointer: number, take: (at: number, to: number) => void): void {
  for (const section of file.sections) {
    if (section.type !== SHT.RELA || !isAllocated(section)) continue;
    for (const piece of file.pieces(section, PIECE)) {
      file.cost.work(piece.length / 24 * WORK.symbol);
      eachInPiece(new LineReader(piece, file.littleEndian), { length: piece.length, pointer }, take);
    }
  }
}

function eachInPiece(
  r: LineReader,
  { length, pointer }: { length: number; pointer: number },
  take: (at: number, to: number) => void,
): void {
  const symbolShift = pointer === 8 ? 2 ** 32 : 2 ** 8;
  while (r.pos + 3 * pointer <= length) {
    const at = r.sized(pointer), info = r.sized(pointer), to = r.sized(pointer);
    if (Math.floor(info / symbolShift) === 0) take(at, to);
  }
}
