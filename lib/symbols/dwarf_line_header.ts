/**
 * The head of one unit of .debug_line: how its program is to be read, and which files it speaks of. DWARF 2 to 5,
 * in its 32-bit and 64-bit formats (DWARF 5, section 6.2.4; DWARF 4, section 6.2.4).
 */

import { cString } from "../base/bytes.ts";
import { addressOf } from "../base/address.ts";

/** The sections that line tables are spread over. */
export interface LineSections {
  line: Uint8Array;
  /** Strings of DWARF 5's tables. */
  lineStr?: Uint8Array;
  str?: Uint8Array;
  littleEndian: boolean;
}

/** What is needed to run a unit's program. Offsets are of the section. */
export interface LineHeader {
  version: number;
  /** 4 or 8: of offsets into other sections. */
  offsetSize: number;
  minInstructionLength: number;
  lineBase: number;
  lineRange: number;
  opcodeBase: number;
  /** Arguments of each standard opcode; of opcode 1 at index 0. */
  opcodeLengths: Uint8Array;
  /** Where the tables of directories and files begin. */
  tables: number;
  program: number;
  end: number;
}

/** Directories and files of a unit, as its program numbers them. */
export interface LineFiles {
  directories: string[];
  files: { name: string; directory: number }[];
  /** The number of the first file: 0 from DWARF 5 on, 1 before. */
  firstFile: number;
}

/** DW_LNCT_* */
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

/** Scalars of a section, one after another; past its end they are zero. */
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

  u32(): number {
    return this.#has(4) ? this.#view.getUint32(this.pos - 4, this.#littleEndian) : 0;
  }

  /** 8 bytes as an address (lib/base/address.ts). */
  u64(): number {
    const first = this.u32(), second = this.u32();
    return this.#littleEndian ? addressOf(first, second) : addressOf(second, first);
  }

  /** A number of `size` bytes: 1, 2, 4 or 8. */
  sized(size: number): number {
    return size === 8 ? this.u64() : size === 4 ? this.u32() : size === 2 ? this.u16() : this.u8();
  }

  /** ULEB128. */
  uleb(): number {
    let value = 0;
    for (let scale = 1;; scale *= 128) {
      const byte = this.u8();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
  }

  /** SLEB128. */
  sleb(): number {
    let value = 0;
    for (let scale = 1;; scale *= 128) {
      const byte = this.u8();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return byte & 0x40 ? value - scale * 128 : value;
    }
  }

  string(): string {
    const text = cString(this.#bytes.subarray(this.pos));
    const end = this.#bytes.indexOf(0, this.pos);
    this.pos = end < 0 ? this.#bytes.length : end + 1;
    return text;
  }

  #has(size: number): boolean {
    this.pos += size;
    return this.pos <= this.#bytes.length;
  }
}

/**
 * The head of the unit at `at`, or `{ end }` alone when nothing can be made of it: an unknown version, or damage.
 * `end` is where the next unit begins; that of the last, or of one that runs over, is the section's.
 */
export function readLineHeader(sections: LineSections, at: number): LineHeader | { end: number } {
  const { line, littleEndian } = sections;
  const r = new LineReader(line, littleEndian, at);
  const first = r.u32();
  const offsetSize = first === 0xffffffff ? 8 : 4;
  const length = offsetSize === 8 ? r.u64() : first;
  const end = r.pos + length;
  if (!(length > 0) || end > line.length) return { end: line.length };
  const version = r.u16();
  if (version < 2 || version > 5) return { end };
  if (version >= 5) r.pos += 2; // address_size, segment_selector_size
  const headerLength = r.sized(offsetSize);
  const program = r.pos + headerLength;
  const minInstructionLength = r.u8();
  if (version >= 4) r.u8(); // maximum_operations_per_instruction: more than one only on VLIW machines
  r.u8(); // default_is_stmt
  const lineBase = r.i8();
  const lineRange = r.u8();
  const opcodeBase = r.u8();
  const opcodeLengths = line.subarray(r.pos, r.pos + opcodeBase - 1);
  const tables = r.pos + opcodeBase - 1;
  if (lineRange === 0 || opcodeBase === 0 || !(program >= tables && program <= end)) return { end };
  return {
    version,
    offsetSize,
    minInstructionLength,
    lineBase,
    lineRange,
    opcodeBase,
    opcodeLengths,
    tables,
    program,
    end,
  };
}

/** The tables of directories and files of a unit. Names that cannot be read are "". */
export function readLineFiles(sections: LineSections, header: LineHeader): LineFiles {
  const r = new LineReader(sections.line.subarray(0, header.program), sections.littleEndian, header.tables);
  return header.version >= 5 ? filesOf5(sections, header, r) : filesBefore5(r, header);
}

function filesBefore5(r: LineReader, { program }: LineHeader): LineFiles {
  const directories = [""]; // that of the compilation, which only .debug_info names
  for (let name; r.pos < program && (name = r.string()) !== "";) directories.push(name);
  const files = [];
  for (let name; r.pos < program && (name = r.string()) !== "";) {
    files.push({ name, directory: r.uleb() });
    r.uleb(); // time of modification
    r.uleb(); // length
  }
  return { directories, files, firstFile: 1 };
}

function filesOf5(sections: LineSections, header: LineHeader, r: LineReader): LineFiles {
  const entries = () => {
    const formats = Array.from({ length: r.u8() }, () => ({ content: r.uleb(), form: r.uleb() }));
    const rows: { name: string; directory: number }[] = [];
    for (let left = r.uleb(); left > 0 && r.pos < header.program && formats.length > 0; left--) {
      const row = { name: "", directory: 0 };
      for (const { content, form } of formats) {
        const value = valueOf(sections, header, r, form);
        if (content === CONTENT.PATH) row.name = String(value);
        else if (content === CONTENT.DIRECTORY) row.directory = Number(value);
      }
      rows.push(row);
    }
    return rows;
  };
  return { directories: entries().map(({ name }) => name), files: entries(), firstFile: 0 };
}

function valueOf(
  { str, lineStr }: LineSections,
  { offsetSize, program }: LineHeader,
  r: LineReader,
  form: number,
): string | number {
  const stringAt = (strings: Uint8Array | undefined) => {
    const offset = r.sized(offsetSize);
    return strings && offset >= 0 && offset < strings.length ? cString(strings.subarray(offset)) : "";
  };
  switch (form) {
    case FORM.STRING:
      return r.string();
    case FORM.LINE_STRP:
      return stringAt(lineStr);
    case FORM.STRP:
      return stringAt(str);
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
    case FORM.DATA16:
      r.pos += 16;
      return 0;
    case FORM.BLOCK:
      r.pos += r.uleb();
      return 0;
  }
  r.pos = program; // how long it is cannot be known
  return 0;
}
