/**
 * Values of attributes, each read as one number: what it says itself, or where it points. What is behind an index or an
 * offset is looked up only where it is needed.
 */

import type { LineReader } from "../dwarf_line_header.ts";
import { FORM } from "./constants.ts";

/** Properties of a unit that sizes and meanings of its values depend on. */
export interface Encoding {
  version: number;
  /** Size of offsets into other sections: 4 or 8 bytes. */
  offsetSize: number;
  addressSize: number;
  /** Offset of the unit in .debug_info, which most references count from. */
  offset: number;
}

/** Value of a reference that leads nowhere known here: to a type by its signature. */
export const NOWHERE = -1;

/** Returns the number that stands for a reference to `offset` in the supplementary file that dwz made. */
export function supplementary(offset: number): number {
  return -2 - offset;
}

/** Returns the offset that a negative reference other than NOWHERE has in the supplementary file. */
export function supplementaryOffset(reference: number): number {
  return -2 - reference;
}

/** Returns the bytes of any value of `form`; -1 if that depends on the value, or if the form is unknown. */
export function fixedSize(form: number, { version, offsetSize, addressSize }: Encoding): number {
  switch (form) {
    case FORM.FLAG_PRESENT:
    case FORM.IMPLICIT_CONST:
      return 0;
    case FORM.DATA1:
    case FORM.FLAG:
    case FORM.REF1:
    case FORM.STRX1:
    case FORM.ADDRX1:
      return 1;
    case FORM.DATA2:
    case FORM.REF2:
    case FORM.STRX2:
    case FORM.ADDRX2:
      return 2;
    case FORM.STRX3:
    case FORM.ADDRX3:
      return 3;
    case FORM.DATA4:
    case FORM.REF4:
    case FORM.REF_SUP4:
    case FORM.STRX4:
    case FORM.ADDRX4:
      return 4;
    case FORM.DATA8:
    case FORM.REF8:
    case FORM.REF_SIG8:
    case FORM.REF_SUP8:
      return 8;
    case FORM.DATA16:
      return 16;
    case FORM.ADDR:
      return addressSize;
    case FORM.REF_ADDR:
      return version < 3 ? addressSize : offsetSize;
    case FORM.STRP:
    case FORM.SEC_OFFSET:
    case FORM.STRP_SUP:
    case FORM.LINE_STRP:
    case FORM.GNU_REF_ALT:
    case FORM.GNU_STRP_ALT:
      return offsetSize;
  }
  return -1;
}

/** Skips a value. Returns false if the length of its form is unknown. */
function skipValue(r: LineReader, form: number, unit: Encoding): boolean {
  const size = fixedSize(form, unit);
  if (size >= 0) r.pos += size;
  else return skipVariable(r, form, unit);
  return true;
}

/** Skips a value of a form without a fixed size. Returns false if its length is unknown. */
export function skipVariable(r: LineReader, form: number, unit: Encoding): boolean {
  switch (form) {
    case FORM.SDATA:
    case FORM.UDATA:
    case FORM.REF_UDATA:
    case FORM.STRX:
    case FORM.ADDRX:
    case FORM.LOCLISTX:
    case FORM.RNGLISTX:
    case FORM.GNU_ADDR_INDEX:
    case FORM.GNU_STR_INDEX:
      r.uleb();
      return true;
    case FORM.STRING:
      r.skipString();
      return true;
    case FORM.EXPRLOC:
    case FORM.BLOCK:
      r.skip(r.uleb());
      return true;
    case FORM.BLOCK1:
      r.skip(r.u8());
      return true;
    case FORM.BLOCK2:
      r.skip(r.u16());
      return true;
    case FORM.BLOCK4:
      r.skip(r.u32());
      return true;
  }
  return form === FORM.INDIRECT && skipIndirect(r, unit);
}

/** Skips a value whose form stands before it. */
function skipIndirect(r: LineReader, unit: Encoding): boolean {
  const form = directForm(r);
  return form !== FORM.IMPLICIT_CONST && skipValue(r, form, unit);
}

/** Reads the form that stands before a value, by however many detours. */
export function directForm(r: LineReader): number {
  for (;;) {
    const form = r.uleb();
    if (form !== FORM.INDIRECT) return form;
  }
}

/**
 * Reads a value as a number: a constant, an address, an offset, an index; for a string in place its offset in the unit's
 * bytes; for a reference the offset in .debug_info that it leads to (see `supplementary` and NOWHERE for others). NaN if
 * it is no number, or if the length of its form is unknown.
 * @param constant of DW_FORM_implicit_const.
 */
export function readValue(r: LineReader, form: number, constant: number, unit: Encoding): number {
  switch (form) {
    case FORM.IMPLICIT_CONST:
      return constant;
    case FORM.FLAG_PRESENT:
      return 1;
    case FORM.SDATA:
      return r.sleb();
    case FORM.UDATA:
    case FORM.STRX:
    case FORM.ADDRX:
    case FORM.RNGLISTX:
    case FORM.LOCLISTX:
    case FORM.GNU_ADDR_INDEX:
    case FORM.GNU_STR_INDEX:
      return r.uleb();
    case FORM.STRX3:
    case FORM.ADDRX3:
      return r.u24();
    case FORM.REF1:
    case FORM.REF2:
    case FORM.REF4:
    case FORM.REF8:
      return unit.offset + r.sized(fixedSize(form, unit));
    case FORM.REF_UDATA:
      return unit.offset + r.uleb();
    case FORM.REF_SUP4:
    case FORM.REF_SUP8:
    case FORM.GNU_REF_ALT:
      return supplementary(r.sized(fixedSize(form, unit)));
    case FORM.REF_SIG8:
      r.pos += 8;
      return NOWHERE;
    case FORM.STRING: {
      const { pos } = r;
      r.skipString();
      return pos;
    }
  }
  const size = fixedSize(form, unit);
  if (size === 1 || size === 2 || size === 4 || size === 8) return r.sized(size);
  skipValue(r, form, unit);
  return NaN;
}
