/** Small Go programs without symbols, in the layout of any Go version, either class and either byte order. */

import { ByteWriter, concat } from "../../../lib/base/bytes/bytes.ts";
import { GO, type GoLayout } from "../../../lib/symbols/go/pclntab_header.ts";

/** Value and how many bytes of code it holds for. */
export type Run = readonly [value: number, bytes: number];

/** Call that was inlined into a function. */
export interface GoCall {
  name: string;
  /** Number of the call around it, -1 if there is none. */
  parent: number;
  /** Offset in the function of the place of the call. */
  at: number;
}

export interface GoFunction {
  name: string;
  size: number;
  /** Rows of PATHS, and lines. */
  files: Run[];
  lines: Run[];
  calls?: GoCall[];
  /** Numbers of `calls`, -1 for none. */
  inlined?: Run[];
}

export interface GoProgram {
  layout: GoLayout;
  functions: GoFunction[];
  paths: string[];
  is64?: boolean;
  littleEndian?: boolean;
  /** Put the addresses of the runtime's record into relocations, as for a program that is loaded anywhere. */
  relocated?: boolean;
  /** Put the table into the middle of .data.rel.ro, as linkers other than Go's do. */
  shared?: boolean;
  /** Leave the runtime's record of the program out. */
  recordless?: boolean;
}

/** Address of the file's first byte, of .text and of Go's code, which code in C comes before. */
export const BASE = 0x400000, TEXT = BASE + 0x1000, CODE = TEXT + 0x100;
const CODE_SIZE = 0x1000;
const MAGIC = { [GO.V2]: 0xfffffffb, [GO.V16]: 0xfffffffa, [GO.V18]: 0xfffffff0, [GO.V20]: 0xfffffff1 };
/** Tables of values and data that each function has. */
const VALUES = 3, DATA = 4;
/** Words of the runtime's record before the address of functions' data, where it matters. */
const RECORD_WORDS = 42;

const encoder = new TextEncoder();

/** Strings, each with its offset. */
class Strings {
  readonly #w: ByteWriter;
  readonly #ends: Uint8Array;

  constructor(first = "\0") {
    this.#ends = Uint8Array.of(0);
    this.#w = new ByteWriter().raw(encoder.encode(first));
  }

  add(text: string): number {
    const at = this.#w.length;
    this.#w.raw(encoder.encode(text)).raw(this.#ends);
    return at;
  }

  bytes(): Uint8Array {
    return this.#w.bytes().slice();
  }
}

function uleb(w: ByteWriter, value: number): void {
  for (; value >= 128; value = Math.floor(value / 128)) w.u8(value % 128 | 128);
  w.u8(value);
}

/** Writes a table of values: pairs of steps, then a step of 0. */
function writeRuns(w: ByteWriter, runs: readonly Run[], quantum: number): number {
  const at = w.length;
  let value = -1;
  for (const [next, bytes] of runs) {
    const step = next - value;
    uleb(w, step < 0 ? -2 * step - 1 : 2 * step);
    uleb(w, bytes / quantum);
    value = next;
  }
  w.u8(0);
  return at;
}

/** Parts that the table consists of, with offsets that count from the part. */
function partsOf({ functions, paths, layout }: GoProgram, littleEndian: boolean) {
  const names = new Strings(), files = new Strings(), trees = new ByteWriter(256, littleEndian).zeros(16);
  const values = new ByteWriter(256, littleEndian).u8(0);
  const pathAt = paths.map((path) => files.add(path));
  const described = functions.map(({ name, files, lines, calls = [], inlined }) => {
    const tree = calls.length > 0 ? trees.length : -1;
    const nameAt = names.add(name);
    for (const { name, parent, at } of calls) {
      const called = names.add(name);
      if (layout >= GO.V20) trees.u32(7).u32(called).u32(at).u32(1);
      else trees.u16(parent).u16(0).u32(0).u32(0).u32(called).u32(at);
    }
    return {
      nameAt,
      files: writeRuns(values, files, 1),
      lines: writeRuns(values, lines, 1),
      inlined: inlined ? writeRuns(values, inlined, 1) : 0,
      tree,
    };
  });
  const padded = (bytes: Uint8Array) => concat([bytes, new Uint8Array((8 - bytes.length % 8) % 8)]);
  return {
    names: padded(names.bytes()),
    files: padded(files.bytes()),
    values: padded(values.bytes()),
    trees: padded(trees.bytes()),
    pathAt,
    described,
  };
}

/** Table and data of functions, which are at `dataAddress`. */
function buildTable(program: GoProgram, { address, dataAddress }: { address: number; dataAddress: number }) {
  const { layout, functions, is64 = true, littleEndian = true, recordless } = program;
  const parts = partsOf(program, littleEndian), pointer = is64 ? 8 : 4, count = functions.length;
  const word = (w: ByteWriter, value: number) => is64 ? w.u64(value) : w.u32(value);
  const isOld = layout === GO.V2, isRelative = layout >= GO.V18, entry = isRelative ? 8 : 2 * pointer;
  const listBytes = count * entry + (isRelative ? 4 : pointer) + (isOld ? 4 : 0);
  const header = 8 + pointer * (isOld ? 1 : isRelative ? 8 : 7);
  const names = header + (isOld ? Math.ceil(listBytes / 8) * 8 : 0);
  const units = names + parts.names.length, unitBytes = Math.ceil(parts.pathAt.length / 2 + 1) * 8;
  const files = units + unitBytes, values = files + parts.files.length, list = values + parts.values.length;
  // what is said of functions; offsets count from the table, or from the list
  const base = isOld ? 0 : list, place = { names: isOld ? names : 0, values: isOld ? values : 0 };
  const w = new ByteWriter(1024, littleEndian);
  let at = isOld ? list : list + Math.ceil(listBytes / 8) * 8;
  const starts = functions.map((_, i) => functions.slice(0, i).reduce((sum, { size }) => sum + size, 0));
  const places = parts.described.map((each, i) => {
    const from = w.length, start = at + from;
    if (isRelative) w.u32(starts[i]);
    else word(w, CODE + starts[i]);
    w.u32(place.names + each.nameAt).u32(0).u32(0).u32(0);
    w.u32(place.values + each.files).u32(place.values + each.lines).u32(VALUES);
    if (!isOld) w.u32(0);
    if (layout >= GO.V20) w.u32(1);
    w.u8(0).u8(0).u8(0).u8(DATA);
    w.u32(0).u32(0).u32(each.inlined && place.values + each.inlined);
    if (!isRelative) w.zeros((pointer - (address + at + w.length) % pointer) % pointer);
    for (let kind = 0; kind < DATA; kind++) {
      const isTree = kind === DATA - 1 && each.tree >= 0;
      if (isRelative) w.u32(isTree ? each.tree : 0xffffffff);
      else word(w, isTree ? dataAddress + each.tree : 0);
    }
    w.zeros((8 - w.length % 8) % 8);
    return start - base;
  });
  at = starts[count - 1] + functions[count - 1].size;
  const lists = new ByteWriter(256, littleEndian);
  for (const [i, start] of [...starts, at].entries()) {
    for (
      const value of i < count
        ? [isRelative ? start : CODE + start, places[i]]
        : [isRelative ? start : CODE + start]
    ) {
      if (isRelative) lists.u32(value);
      else word(lists, value);
    }
  }
  if (isOld) lists.u32(units);
  lists.zeros((8 - lists.length % 8) % 8);
  const unit = new ByteWriter(64, littleEndian);
  if (isOld) unit.u32(parts.pathAt.length); // the first number is that of numbers
  for (const path of parts.pathAt) unit.u32((isOld ? files : 0) + path);
  unit.zeros(unitBytes - unit.length);
  const head = new ByteWriter(128, littleEndian).u32(MAGIC[layout]).u8(0).u8(0).u8(1).u8(pointer);
  word(head, count);
  if (!isOld) {
    word(head, parts.pathAt.length);
    if (isRelative) word(head, layout === GO.V20 && !recordless ? 0 : CODE);
    for (const part of [names, units, files, values, list]) word(head, part);
  }
  const tail = [parts.names, unit.bytes(), parts.files, parts.values];
  const table = isOld
    ? [head.bytes(), lists.bytes(), new Uint8Array(names - head.length - lists.length), ...tail, w.bytes()]
    : [head.bytes(), ...tail, lists.bytes(), w.bytes()];
  return { table: concat(table), trees: parts.trees, names, count };
}

/** Section to write. */
interface Section {
  name: string;
  type: number;
  flags: number;
  bytes: Uint8Array;
}

const PROGBITS = 1, RELA = 4, ALLOC = 2, WRITE = 1, EXEC = 4;

/** Makes a program with sections .text, .rodata, .gopclntab, .noptrdata and .rela, in this order. */
export function buildGo(program: GoProgram): Uint8Array {
  const { is64 = true, littleEndian = true, relocated, shared, recordless, layout } = program;
  const pointer = is64 ? 8 : 4, gap = shared ? 0x48 : 0;
  const dataAddress = TEXT + CODE_SIZE;
  const treeBytes = partsOf(program, littleEndian).trees;
  const address = dataAddress + treeBytes.length + gap;
  const { table, names, count } = buildTable(program, { address, dataAddress });
  const padding = new Uint8Array((8 - table.length % 8) % 8);
  const recordAt = address + table.length + padding.length + 16;
  const words = new Map<number, number>([[0, address], [1, address + names], [22, CODE]]);
  words.set(layout === GO.V20 ? 40 : 38, dataAddress);
  const record = new ByteWriter(512, littleEndian).zeros(16);
  const relocations = new ByteWriter(512, littleEndian);
  const word = (w: ByteWriter, value: number) => is64 ? w.u64(value) : w.u32(value);
  for (let i = 0; i < RECORD_WORDS; i++) {
    const pointed = recordless ? undefined : words.get(i);
    if (pointed !== undefined && relocated) word(word(word(relocations, recordAt + i * pointer), 8), pointed);
    word(record, (relocated ? undefined : pointed) ?? (i === 2 || i === 3 ? 99 : i === 17 ? count + 1 : 0));
  }
  const own = layout >= GO.V20 && !shared ? ".gopclntab" : ".data.rel.ro.gopclntab";
  return buildFile({ is64, littleEndian }, [
    { name: ".text", type: PROGBITS, flags: ALLOC | EXEC, bytes: new Uint8Array(CODE_SIZE) },
    { name: ".rodata", type: PROGBITS, flags: ALLOC, bytes: treeBytes },
    {
      name: shared ? ".data.rel.ro" : own,
      type: PROGBITS,
      flags: ALLOC | WRITE,
      bytes: concat([new Uint8Array(gap).fill(255), table, padding]),
    },
    { name: ".noptrdata", type: PROGBITS, flags: ALLOC | WRITE, bytes: record.bytes().slice() },
    { name: ".rela", type: RELA, flags: ALLOC, bytes: relocations.bytes().slice() },
    { name: ".go.buildinfo", type: PROGBITS, flags: ALLOC, bytes: new Uint8Array(16) },
  ]);
}

/** Makes an ELF file of one segment, in which sections follow each other from .text on. */
function buildFile(
  { is64, littleEndian }: { is64: boolean; littleEndian: boolean },
  sections: Section[],
): Uint8Array {
  const word = (w: ByteWriter, value: number) => is64 ? w.u64(value) : w.u32(value);
  const names = new Strings();
  const all = [...sections, { name: ".shstrtab", type: 3, flags: 0, bytes: new Uint8Array(0) }];
  const nameAt = all.map(({ name }) => names.add(name));
  all.at(-1)!.bytes = names.bytes();
  const body = new ByteWriter(0x4000, littleEndian).zeros(TEXT - BASE);
  const headers = new ByteWriter(1024, littleEndian).zeros(is64 ? 64 : 40);
  for (const [i, { type, flags, bytes }] of all.entries()) {
    const offset = body.length;
    headers.u32(nameAt[i]).u32(type);
    word(word(word(word(headers, flags), flags & ALLOC ? BASE + offset : 0), offset), bytes.length);
    headers.u32(0).u32(0);
    word(word(headers, 8), 0);
    body.raw(bytes);
  }
  body.zeros((8 - body.length % 8) % 8);
  const headersAt = body.length;
  body.raw(headers.bytes());
  const header = new ByteWriter(128, littleEndian);
  header.raw(Uint8Array.of(0x7f, 0x45, 0x4c, 0x46, is64 ? 2 : 1, littleEndian ? 1 : 2, 1)).zeros(9);
  header.u16(2).u16(62).u32(1);
  word(word(word(header, CODE), is64 ? 64 : 52), headersAt);
  header.u32(0).u16(is64 ? 64 : 52).u16(is64 ? 56 : 32).u16(1).u16(is64 ? 64 : 40);
  header.u16(all.length + 1).u16(all.length);
  header.u32(1);
  if (is64) header.u32(7);
  word(word(word(header, 0), BASE), BASE);
  word(word(header, body.length), body.length);
  if (!is64) header.u32(7);
  word(header, 0x1000);
  const file = body.bytes();
  file.set(header.bytes());
  return file;
}
