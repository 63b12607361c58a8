/**
 * Header of a unit of .debug_line: how to run its program, and its source files. DWARF 2 to 5, in the 32-bit and 64-bit
 * formats (DWARF 5, section 6.2.4; DWARF 4, section 6.2.4).
 */

import { addressOf } from "../../base/bytes/address.ts";
import type { DebugInfo } from "../elf/debug_section.ts";
import { WORK } from "../object/limits.ts";
import { type ByteWindows, stringBytes } from "../object/windows.ts";

/** Unit of .debug_line, with what is needed to run its program. Offsets count from its first byte. */
export interface LineUnit {
  bytes: Uint8Array;
  version: number;
  /** Size of offsets into other sections: 4 or 8 bytes. */
  offsetSize: number;
  minInstructionLength: number;
  lineBase: number;
  lineRange: number;
  opcodeBase: number;
  /** Number of operands of each standard opcode, opcode 1 at index 0. */
  opcodeLengths: Uint8Array;
  /** Offset of the tables of directories and files. */
  tables: number;
  program: number;
}

/** DW_LNCT_* constants. */
const CONTENT = { PATH: 1, DIRECTORY: 2 } as const;
/** DW_FORM_* that DWARF 5 allows in these tables. */
const FORM = {
  BLOCK: 0x09,
  DATA1: 0x0b,
  DATA2: 0x05,
  DATA4: 0x06,
  DATA8: 0x07,
  STRING: 0x08,
  STRP: 0x0e,
  UDATA: 0x0f,
  DATA16: 0x1e,
  LINE_STRP: 0x1f,
} as const;

const decoder = new TextDecoder();
/** Longest path in bytes (PATH_MAX). */
const MAX_PATH = 4096;
/** Bytes of a unit's length field in the 64-bit format. */
const MAX_LENGTH = 12;

/** Reader of the scalars of a section. Past the end they are zero. */
export class LineReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #littleEndian: boolean;
  pos: number;

  constructor(bytes: Uint8Array, littleEndian: boolean, pos = 0) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#littleEndian = littleEndian;
    this.pos = pos;
  }

  u8(): number {
    return this.#bytes[this.pos++] | 0;
  }

  i8(): number {
    return (this.u8() << 24) >> 24;
  }

  u16(): number {
    return this.#has(2) ? this.#view.getUint16(this.pos - 2, this.#littleEndian) : 0;
  }

  u24(): number {
    const low = this.u16(), high = this.u8();
    return this.#littleEndian ? high * 65536 + low : low * 256 + high;
  }

  u32(): number {
    return this.#has(4) ? this.#view.getUint32(this.pos - 4, this.#littleEndian) : 0;
  }

  /** Reads 8 bytes as an address (lib/base/bytes/address.ts). */
  u64(): number {
    const first = this.u32(), second = this.u32();
    return this.#littleEndian ? addressOf(first, second) : addressOf(second, first);
  }

  /** Reads a number of 1, 2, 4 or 8 bytes. */
  sized(size: number): number {
    return size === 8 ? this.u64() : size === 4 ? this.u32() : size === 2 ? this.u16() : this.u8();
  }

  /**
   * Reads the length that a unit or an entry begins with, and how many bytes its offsets have: u32 length, or 0xffffffff
   * and u64 length (DWARF 5, section 7.4).
   */
  unitLength(): { length: number; offsetSize: 4 | 8 } {
    const length = this.u32();
    return length === 0xffffffff ? { length: this.u64(), offsetSize: 8 } : { length, offsetSize: 4 };
  }

  /** Reads a ULEB128 number. */
  uleb(): number {
    let value = 0;
    for (let scale = 1;; scale *= 128) {
      const byte = this.u8();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
  }

  /** Reads an SLEB128 number. */
  sleb(): number {
    let value = 0;
    for (let scale = 1;; scale *= 128) {
      const byte = this.u8();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return byte & 0x40 ? value - scale * 128 : value;
    }
  }

  /** Reads a path; "" if it is too long. */
  path(): string {
    const from = this.pos;
    this.skipString();
    return pathText(this.#bytes.subarray(from, Math.min(this.pos - 1, this.#bytes.length)));
  }

  /** Skips bytes. Unlike `pos +=`, it can be given a length that is read from the same reader. */
  skip(bytes: number): void {
    this.pos += bytes;
  }

  /** Skips a string and its NUL. */
  skipString(): void {
    const end = this.#bytes.indexOf(0, this.pos);
    this.pos = end < 0 ? this.#bytes.length + 1 : end + 1;
  }

  /** Skips a NUL and returns true; false if the next byte is another. */
  skipEnd(): boolean {
    if (this.#bytes[this.pos] !== 0) return false;
    this.pos++;
    return true;
  }

  #has(size: number): boolean {
    this.pos += size;
    return this.pos <= this.#bytes.length;
  }
}

function pathText(bytes: Uint8Array): string {
  return bytes.length > MAX_PATH ? "" : decoder.decode(bytes);
}

/** Reads the path at an offset of a string section; "" if there is none, or if it is too long. */
export function pathAt(strings: ByteWindows | undefined, offset: number): string {
  if (!strings || !(offset >= 0 && offset < strings.size)) return "";
  return pathText(stringBytes(strings, offset, MAX_PATH + 1));
}

/**
 * Reads the unit at `at`, undefined if its version is unknown or it is damaged. `end` is where the next unit begins;
 * the end of the section if the length is damaged.
 * @param hold is called with the unit's number of bytes before they are read.
 */
export function readLineUnit(
  line: ByteWindows,
  littleEndian: boolean,
  at: number,
  hold: (bytes: number) => void,
): { unit?: LineUnit; end: number } {
  const front = new LineReader(line.window(at, MAX_LENGTH), littleEndian);
  const { length, offsetSize } = front.unitLength();
  const size = front.pos + length, end = at + size;
  if (!(length > 0) || end > line.size) return { end: line.size };
  hold(size);
  const bytes = line.window(at, size);
  return { unit: bytes.length < size ? undefined : unitIn(bytes, littleEndian, front.pos, offsetSize), end };
}

/**
 * Parses a unit.
 * @param start offset of the first byte after the unit's length.
 */
function unitIn(
  bytes: Uint8Array,
  littleEndian: boolean,
  start: number,
  offsetSize: number,
): LineUnit | undefined {
  const r = new LineReader(bytes, littleEndian, start);
  const version = r.u16();
  if (version < 2 || version > 5) return undefined;
  if (version >= 5) r.pos += 2; // address_size, segment_selector_size
  const headerLength = r.sized(offsetSize);
  const program = r.pos + headerLength;
  const minInstructionLength = r.u8();
  if (version >= 4) r.u8(); // maximum_operations_per_instruction: above 1 only on VLIW machines
  r.u8(); // default_is_stmt
  const lineBase = r.i8();
  const lineRange = r.u8();
  const opcodeBase = r.u8();
  const opcodeLengths = bytes.subarray(r.pos, r.pos + opcodeBase - 1);
  const tables = r.pos + opcodeBase - 1;
  const isSound = lineRange !== 0 && opcodeBase !== 0 && program >= tables && program <= bytes.length;
  if (!isSound) return undefined;
  return {
    bytes,
    version,
    offsetSize,
    minInstructionLength,
    lineBase,
    lineRange,
    opcodeBase,
    opcodeLengths,
    tables,
    program,
  };
}

/** Entry of a unit's file table. */
interface FileEntry {
  name: string;
  directory: number;
}

/**
 * Reads the paths of the files of a unit that have the numbers in `wanted`. Relative paths start from the directory of
 * compilation. A path is "" if it cannot be read; numbers without a file are left out.
 */
export function readPaths(info: DebugInfo, unit: LineUnit, wanted: ReadonlySet<number>): Map<number, string> {
  info.cost.work((unit.program - unit.tables) * WORK.fileTable);
  const r = new LineReader(unit.bytes.subarray(0, unit.program), info.littleEndian, unit.tables);
  const tables = unit.version >= 5 ? new Tables5(info, unit, r) : new TablesBefore5(unit, r);
  const files = tables.files(wanted);
  const directories = tables.directories(
    new Set([0, ...Array.from(files.values(), ({ directory }) => directory)]),
  );
  const paths = new Map<number, string>();
  for (const [number, { name, directory }] of files) {
    const path = name && under(directories.get(directory) ?? "", name);
    paths.set(number, path === "" || path.startsWith("/") ? path : under(directories.get(0) ?? "", path));
  }
  return paths;
}

function under(directory: string, name: string): string {
  return directory === "" || name.startsWith("/") ? name : `${directory}/${name}`;
}

/**
 * Tables of DWARF 2 to 4: strings up to an empty one. Directory 0 is that of compilation, which is not in the table.
 */
class TablesBefore5 {
  readonly #program: number;
  readonly #start: number;
  readonly #r: LineReader;

  constructor({ program, tables }: LineUnit, r: LineReader) {
    this.#program = program;
    this.#start = tables;
    this.#r = r;
  }

  /** Returns the directories with the wanted numbers, from 1. */
  directories(wanted: ReadonlySet<number>): Map<number, string> {
    const r = this.#r, found = new Map<number, string>();
    r.pos = this.#start;
    for (let number = 1; r.pos < this.#program && !r.skipEnd(); number++) {
      if (wanted.has(number)) found.set(number, r.path());
      else r.skipString();
    }
    return found;
  }

  files(wanted: ReadonlySet<number>): Map<number, FileEntry> {
    const r = this.#r, found = new Map<number, FileEntry>();
    this.directories(new Set()); // the directories come first
    for (let number = 1; r.pos < this.#program && !r.skipEnd(); number++) {
      let name = "";
      if (wanted.has(number)) name = r.path();
      else r.skipString();
      const directory = r.uleb();
      r.uleb(); // time of modification
      r.uleb(); // length
      if (wanted.has(number)) found.set(number, { name, directory });
    }
    return found;
  }
}

/** Tables of DWARF 5, each of which describes its format. Directory 0 is that of compilation. */
class Tables5 {
  readonly #info: DebugInfo;
  readonly #unit: LineUnit;
  readonly #r: LineReader;

  constructor(info: DebugInfo, unit: LineUnit, r: LineReader) {
    this.#info = info;
    this.#unit = unit;
    this.#r = r;
  }

  directories(wanted: ReadonlySet<number>): Map<number, string> {
    this.#r.pos = this.#unit.tables;
    return new Map(Array.from(this.#entries(wanted), ([number, { name }]) => [number, name]));
  }

  files(wanted: ReadonlySet<number>): Map<number, FileEntry> {
    this.directories(new Set()); // the directories come first
    return this.#entries(wanted);
  }

  /** Reads a table to its end; returns the entries with the wanted numbers. */
  #entries(wanted: ReadonlySet<number>): Map<number, FileEntry> {
    const r = this.#r, { program } = this.#unit, found = new Map<number, FileEntry>();
    const formats = Array.from({ length: r.u8() }, () => ({ content: r.uleb(), form: r.uleb() }));
    let left = r.uleb();
    for (let number = 0; left > 0 && r.pos < program && formats.length > 0; left--, number++) {
      const entry = wanted.has(number) ? { name: "", directory: 0 } : undefined;
      for (const { content, form } of formats) {
        if (entry && content === CONTENT.PATH) entry.name = this.#path(form);
        else if (entry && content === CONTENT.DIRECTORY) entry.directory = this.#number(form);
        else this.#number(form);
      }
      if (entry) found.set(number, entry);
    }
    return found;
  }

  #path(form: number): string {
    const r = this.#r, info = this.#info;
    if (form === FORM.STRING) return r.path();
    if (form !== FORM.LINE_STRP && form !== FORM.STRP) {
      this.#number(form);
      return "";
    }
    return pathAt(
      info.get(form === FORM.STRP ? ".debug_str" : ".debug_line_str"),
      r.sized(this.#unit.offsetSize),
    );
  }

  /** Reads a value; 0 if it is not a number. */
  #number(form: number): number {
    const r = this.#r;
    switch (form) {
      case FORM.UDATA:
        return r.uleb();
      case FORM.DATA1:
        return r.u8();
      case FORM.DATA2:
        return r.u16();
      case FORM.DATA4:
        return r.u32();
      case FORM.DATA8:
        return r.u64();
      case FORM.STRING:
        r.skipString();
        return 0;
      case FORM.LINE_STRP:
      case FORM.STRP:
        r.pos += this.#unit.offsetSize;
        return 0;
      case FORM.DATA16:
        r.pos += 16;
        return 0;
      case FORM.BLOCK:
        r.skip(r.uleb());
        return 0;
    }
    r.pos = this.#unit.program; // its length is unknown
    return 0;
  }
}
