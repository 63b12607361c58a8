/** Encoded pointers of .eh_frame and .eh_frame_hdr: the Linux Standard Base, "DWARF Extensions", DW_EH_PE_*. */

import type { LineReader } from "./dwarf_line_header.ts";

const FORMAT = {
  ABSOLUTE: 0x00,
  ULEB128: 0x01,
  UDATA2: 0x02,
  UDATA4: 0x03,
  UDATA8: 0x04,
  SLEB128: 0x09,
  SDATA2: 0x0a,
  SDATA4: 0x0b,
  SDATA8: 0x0c,
} as const;
const RELATIVE = { PC: 0x10, TEXT: 0x20, DATA: 0x30, FUNCTION: 0x40, ALIGNED: 0x50 } as const;
/** The bit of an encoding that says the pointer leads to the address. */
export const INDIRECT = 0x80;
/** DW_EH_PE_omit: there is no pointer. */
export const OMIT = 0xff;

/** Addresses that encoded pointers are relative to, and the memory that indirect ones lead to. */
export interface PointerBases {
  text: number;
  data: number;
  /** Bytes of an address: 4 or 8. */
  addressSize: number;
  /** Reads an address out of the memory that the object was linked for; NaN where it has none. */
  memory?(address: number): number;
}

/**
 * Reads a pointer and moves behind it. NaN for one that is left out, or of an unknown encoding.
 * @param place the address of the byte that `r` is at.
 * @param functionStart what function-relative pointers are relative to.
 */
export function readPointer(
  r: LineReader,
  encoding: number,
  place: number,
  bases: PointerBases,
  functionStart = NaN,
): number {
  if (encoding === OMIT) return NaN;
  const relative = encoding & 0x70;
  if (relative === RELATIVE.ALIGNED) {
    const skipped = (bases.addressSize - place % bases.addressSize) % bases.addressSize;
    r.pos += skipped;
    return indirect(r.sized(bases.addressSize), encoding, bases);
  }
  const value = readValue(r, encoding & 0x0f, bases.addressSize);
  if (value === 0) return 0; // a null pointer, whatever it is relative to
  return indirect(value + baseOf(relative, place, bases, functionStart), encoding, bases);
}

/** Returns the bytes that a pointer of this encoding takes; 0 where they differ from pointer to pointer. */
export function pointerSize(encoding: number, addressSize: number): number {
  if (encoding === OMIT || (encoding & 0x70) === RELATIVE.ALIGNED) return 0;
  switch (encoding & 0x0f) {
    case FORMAT.ABSOLUTE:
      return addressSize;
    case FORMAT.UDATA2:
    case FORMAT.SDATA2:
      return 2;
    case FORMAT.UDATA4:
    case FORMAT.SDATA4:
      return 4;
    case FORMAT.UDATA8:
    case FORMAT.SDATA8:
      return 8;
  }
  return 0;
}

function readValue(r: LineReader, format: number, addressSize: number): number {
  switch (format) {
    case FORMAT.ABSOLUTE:
      return r.sized(addressSize);
    case FORMAT.ULEB128:
      return r.uleb();
    case FORMAT.SLEB128:
      return r.sleb();
    case FORMAT.UDATA2:
      return r.u16();
    case FORMAT.SDATA2:
      return (r.u16() << 16) >> 16;
    case FORMAT.UDATA4:
      return r.u32();
    case FORMAT.SDATA4:
      return r.u32() | 0;
    case FORMAT.UDATA8:
    case FORMAT.SDATA8:
      return r.u64();
  }
  return NaN;
}

function baseOf(
  relative: number,
  place: number,
  { text, data }: PointerBases,
  functionStart: number,
): number {
  switch (relative) {
    case 0:
      return 0;
    case RELATIVE.PC:
      return place;
    case RELATIVE.TEXT:
      return text;
    case RELATIVE.DATA:
      return data;
    case RELATIVE.FUNCTION:
      return functionStart;
  }
  return NaN;
}

function indirect(address: number, encoding: number, bases: PointerBases): number {
  if (!(encoding & INDIRECT) || Number.isNaN(address)) return address;
  return bases.memory?.(address) ?? NaN;
}
