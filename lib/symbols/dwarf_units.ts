/**
 * The directories that units were compiled in, from the first entry of each unit of .debug_info: before DWARF 5 the
 * line tables do not have them (DWARF 4, sections 3.1.1 and 7.5; DWARF 5, section 7.5.1).
 */

import { cString } from "../base/bytes.ts";
import { LineReader } from "./dwarf_line_header.ts";

export interface UnitSections {
  info: Uint8Array;
  abbrev: Uint8Array;
  str?: Uint8Array;
  lineStr?: Uint8Array;
  littleEndian: boolean;
}

const DW_AT = { STMT_LIST: 0x10, COMP_DIR: 0x1b } as const;
/** DW_UT_* whose header has more behind what all have, and how much: of DWARF 5. */
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
/** Bytes of the forms of one size, by form. */
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
/** Forms that are offsets into some section. */
const OFFSETS = new Set([0x0e, 0x10, 0x17, 0x1d, 0x1f, 0x1f20, 0x1f21]);
/** Forms that are one ULEB128 (SLEB128 is as long). */
const LEBS = new Set([0x0d, 0x0f, 0x15, 0x1a, 0x1b, 0x22, 0x23]);

/** The directory of each unit, by the offset of its line table. Units that cannot be read are left out. */
export function compilationDirectories(sections: UnitSections): Map<number, string> {
  const { info, littleEndian } = sections;
  const directories = new Map<number, string>();
  for (let at = 0; at < info.length;) {
    const r = new LineReader(info, littleEndian, at);
    const first = r.u32();
    const offsetSize = first === 0xffffffff ? 8 : 4;
    const length = offsetSize === 8 ? r.u64() : first;
    const end = r.pos + length;
    if (!(length > 0) || end > info.length) break;
    readUnit(sections, r, offsetSize, directories);
    at = end;
  }
  return directories;
}

function readUnit(
  sections: UnitSections,
  r: LineReader,
  offsetSize: number,
  directories: Map<number, string>,
): void {
  const version = r.u16();
  if (version < 2 || version > 5) return;
  let addressSize: number, abbrevs: number;
  if (version >= 5) {
    const type = r.u8();
    addressSize = r.u8();
    abbrevs = r.sized(offsetSize);
    if (type === TYPE || type === SPLIT_TYPE) return; // no lines of their own
    if (type === SKELETON || type === SPLIT_COMPILE) r.pos += 8; // dwo_id
  } else {
    abbrevs = r.sized(offsetSize);
    addressSize = r.u8();
  }
  const code = r.uleb();
  const attributes = abbreviation(sections, abbrevs, code);
  let lines = -1, directory = "";
  for (const { name, form } of attributes) {
    if (
      name === DW_AT.STMT_LIST && (form === FORM.SEC_OFFSET || form === FORM.DATA4 || form === FORM.DATA8)
    ) {
      lines = r.sized(form === FORM.SEC_OFFSET ? offsetSize : form === FORM.DATA8 ? 8 : 4);
    } else if (name === DW_AT.COMP_DIR && form === FORM.STRING) {
      directory = r.string();
    } else if (name === DW_AT.COMP_DIR && (form === FORM.STRP || form === FORM.LINE_STRP)) {
      const offset = r.sized(offsetSize);
      const strings = form === FORM.STRP ? sections.str : sections.lineStr;
      if (strings && offset >= 0 && offset < strings.length) directory = cString(strings.subarray(offset));
    } else if (!skip(r, form, version, offsetSize, addressSize)) {
      break;
    }
  }
  if (lines >= 0 && directory !== "") directories.set(lines, directory);
}

/** The attributes of abbreviation `code` in the table at `at`; none when it is not there. */
function abbreviation(
  { abbrev, littleEndian }: UnitSections,
  at: number,
  code: number,
): { name: number; form: number }[] {
  const r = new LineReader(abbrev, littleEndian, at);
  while (r.pos < abbrev.length) {
    const own = r.uleb();
    if (own === 0) return [];
    r.uleb(); // tag
    r.u8(); // whether it has children
    const attributes = [];
    for (;;) {
      const name = r.uleb(), form = r.uleb();
      if (form === FORM.IMPLICIT_CONST) r.uleb();
      if ((name === 0 && form === 0) || r.pos > abbrev.length) break;
      attributes.push({ name, form });
    }
    if (own === code) return attributes;
  }
  return [];
}

/** Moves behind a value; false for a form whose length is not known. */
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
  else if (form === 0x08) r.string();
  else if (form === 0x09 || form === 0x18) r.pos += r.uleb();
  else if (form === 0x0a) r.pos += r.u8();
  else if (form === 0x03) r.pos += r.u16();
  else if (form === 0x04) r.pos += r.u32();
  else return false;
  return true;
}
