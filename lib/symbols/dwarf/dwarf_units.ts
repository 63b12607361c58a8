/**
 * Directories that units were compiled in, from the first entry of each unit of .debug_info. Before DWARF 5, line
 * tables do not have them (DWARF 4, sections 3.1.1 and 7.5; DWARF 5, section 7.5.1).
 */

import type { DebugInfo } from "../elf/debug_section.ts";
import { LineReader, pathAt } from "./dwarf_line_header.ts";
import { WORK } from "../object/limits.ts";
import type { ByteWindows } from "../object/windows.ts";

const DW_AT = { STMT_LIST: 0x10, COMP_DIR: 0x1b } as const;
/** DW_UT_* of DWARF 5 whose header is longer than that of other units, or that have no lines. */
const SKELETON = 4, SPLIT_COMPILE = 5, TYPE = 2, SPLIT_TYPE = 6;
const FORM = {
  STRING: 0x08,
  STRP: 0x0e,
  LINE_STRP: 0x1f,
  DATA4: 0x06,
  DATA8: 0x07,
  SEC_OFFSET: 0x17,
  IMPLICIT_CONST: 0x21,
} as const;
/** Bytes of the forms with a fixed size, by form. */
const SIZES: Readonly<Record<number, number>> = {
  0x05: 2,
  0x06: 4,
  0x07: 8,
  0x0b: 1,
  0x0c: 1,
  0x11: 1,
  0x12: 2,
  0x13: 4,
  0x14: 8,
  0x19: 0,
  0x1c: 4,
  0x1e: 16,
  0x20: 8,
  0x21: 0,
  0x24: 8,
  0x25: 1,
  0x26: 2,
  0x27: 3,
  0x28: 4,
  0x29: 1,
  0x2a: 2,
  0x2b: 3,
  0x2c: 4,
};
/** Forms that are offsets into a section. */
const OFFSETS = new Set([0x0e, 0x10, 0x17, 0x1d, 0x1f, 0x1f20, 0x1f21]);
/** Forms that are a ULEB128 (an SLEB128 has the same length). */
const LEBS = new Set([0x0d, 0x0f, 0x15, 0x1a, 0x1b, 0x22, 0x23]);

/** Bytes of a unit that are read. They hold its header and first entry, including the compiler's command line. */
const MAX_FRONT = 16 << 10;
/**
 * Bytes of abbreviations that are searched for that of a unit's first entry: at first, and in a second try. It is
 * usually the first one.
 */
const FIRST_LOOK = 64 << 10, LAST_LOOK = 1 << 20;
/** Most attributes of an entry; a unit has about twenty. */
const MAX_ATTRIBUTES = 256;

/**
 * Finds the directories of the units whose line tables are at the offsets `wanted`, by offset. Leaves out units that
 * cannot be read. Throws LimitError, and what `info.get` throws.
 */
export function compilationDirectories(info: DebugInfo, wanted: ReadonlySet<number>): Map<number, string> {
  const units = info.get(".debug_info"), abbreviations = info.get(".debug_abbrev");
  const directories = new Map<number, string>();
  if (!units || !abbreviations) return directories;
  const reader = new UnitReader(info, abbreviations);
  for (let at = 0; at < units.size && directories.size < wanted.size;) {
    info.cost.work(WORK.debugUnit);
    const front = units.window(at, MAX_FRONT);
    const r = new LineReader(front, info.littleEndian);
    const first = r.u32();
    const offsetSize = first === 0xffffffff ? 8 : 4;
    const length = offsetSize === 8 ? r.u64() : first;
    const size = r.pos + length;
    if (!(length > 0) || at + size > units.size) break;
    const { lines, directory } = reader.read(front.subarray(0, size), r.pos, offsetSize);
    if (wanted.has(lines) && directory !== "") directories.set(lines, directory);
    at += size;
  }
  return directories;
}

/** Attribute in an abbreviation. */
interface Attribute {
  name: number;
  form: number;
}

/** Reader of the first entry of units. */
class UnitReader {
  readonly #info: DebugInfo;
  readonly #abbreviations: ByteWindows;
  /** Abbreviation that was used last: units that share a table have the same one. */
  #last: { at: number; code: number; attributes: Attribute[] } = { at: -1, code: 0, attributes: [] };

  constructor(info: DebugInfo, abbreviations: ByteWindows) {
    this.#info = info;
    this.#abbreviations = abbreviations;
  }

  /** Returns the offset of a unit's lines (-1 if it has none) and its directory ("" if it has none). */
  read(front: Uint8Array, start: number, offsetSize: number): { lines: number; directory: string } {
    const info = this.#info;
    const r = new LineReader(front, info.littleEndian, start);
    let lines = -1, directory = "";
    const head = unitHead(r, offsetSize);
    if (head === undefined) return { lines, directory };
    for (const { name, form } of this.#attributes(head.abbreviations, r.uleb())) {
      if (r.pos > front.length) break;
      const isOffset = form === FORM.SEC_OFFSET || form === FORM.DATA4 || form === FORM.DATA8;
      if (name === DW_AT.STMT_LIST && isOffset) {
        lines = r.sized(form === FORM.SEC_OFFSET ? offsetSize : form === FORM.DATA8 ? 8 : 4);
      } else if (name === DW_AT.COMP_DIR && form === FORM.STRING) {
        directory = r.path();
      } else if (name === DW_AT.COMP_DIR && (form === FORM.STRP || form === FORM.LINE_STRP)) {
        directory = pathAt(
          info.get(form === FORM.STRP ? ".debug_str" : ".debug_line_str"),
          r.sized(offsetSize),
        );
      } else if (!skip(r, form, head.version, offsetSize, head.addressSize)) {
        break;
      }
    }
    return { lines, directory };
  }

  #attributes(at: number, code: number): Attribute[] {
    if (this.#last.at !== at || this.#last.code !== code) {
      this.#last = {
        at,
        code,
        attributes: this.#find(at, code, FIRST_LOOK) ?? this.#find(at, code, LAST_LOOK) ?? [],
      };
    }
    return this.#last.attributes;
  }

  /**
   * Finds the attributes of abbreviation `code` in the table at `at`. Returns an empty list if the table does not have
   * it, and undefined if it is not within the first `most` bytes.
   */
  #find(at: number, code: number, most: number): Attribute[] | undefined {
    const { cost, littleEndian } = this.#info;
    if (!(at >= 0)) return [];
    const bytes = this.#abbreviations.window(at, most);
    cost.work(bytes.length * WORK.abbreviation);
    const r = new LineReader(bytes, littleEndian);
    let found: Attribute[] | undefined;
    while (found === undefined && r.pos < bytes.length) {
      const own = r.uleb();
      if (own === 0) return []; // end of the table
      r.uleb(); // tag
      r.u8(); // DW_CHILDREN_*
      const attributes: Attribute[] = [];
      for (let count = 0; r.pos < bytes.length; count++) {
        const name = r.uleb(), form = r.uleb();
        if (form === FORM.IMPLICIT_CONST) r.uleb();
        if (name === 0 && form === 0) break;
        if (own === code && count < MAX_ATTRIBUTES) attributes.push({ name, form });
      }
      if (own === code) found = attributes;
    }
    return r.pos >= bytes.length && bytes.length === most ? undefined : found ?? [];
  }
}

/** Reads the header of a unit; undefined if its version is unknown, or if it has no lines. */
function unitHead(
  r: LineReader,
  offsetSize: number,
): { version: number; addressSize: number; abbreviations: number } | undefined {
  const version = r.u16();
  if (version < 2 || version > 5) return undefined;
  if (version < 5) {
    const abbreviations = r.sized(offsetSize);
    return { version, abbreviations, addressSize: r.u8() };
  }
  const type = r.u8(), addressSize = r.u8(), abbreviations = r.sized(offsetSize);
  if (type === TYPE || type === SPLIT_TYPE) return undefined;
  if (type === SKELETON || type === SPLIT_COMPILE) r.pos += 8; // dwo_id
  return { version, addressSize, abbreviations };
}

/** Skips a value; false if the length of its form is unknown. */
function skip(
  r: LineReader,
  form: number,
  version: number,
  offsetSize: number,
  addressSize: number,
): boolean {
  const size = SIZES[form];
  if (size !== undefined) r.pos += size;
  else if (OFFSETS.has(form)) r.pos += form === 0x10 && version < 3 ? addressSize : offsetSize;
  else if (LEBS.has(form)) r.uleb();
  else if (form === 0x01) r.pos += addressSize;
  else if (form === 0x08) r.skipString();
  else if (form === 0x09 || form === 0x18) r.pos += r.uleb();
  else if (form === 0x0a) r.pos += r.u8();
  else if (form === 0x03) r.pos += r.u16();
  else if (form === 0x04) r.pos += r.u32();
  else return false;
  return true;
}
