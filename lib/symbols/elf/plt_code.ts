/**
 * Code of the stubs of procedure linkage tables: each jumps to what a slot in memory points to. Compilers, linkers and
 * their options make many kinds of stubs and tables; the jumps are much the same in all.
 */

import { viewOf } from "../../base/bytes/bytes.ts";
import { EM } from "./elf.ts";

/** Stub in the code of a section. */
export interface StubCode {
  /** Offset in the section. */
  offset: number;
  /** Address of the slot that it jumps through. */
  slot: number;
}

/** Section with stubs. */
export interface StubSection {
  bytes: Uint8Array;
  /** Address of its first byte. */
  address: number;
  littleEndian: boolean;
  /** Address that the stubs of position-independent 32-bit code count from; NaN if unknown. */
  got: number;
}

/** Bytes that stubs of x86 start at multiples of. */
const X86_STEP = 8;

/** Finds the stubs of a section; undefined for machines whose code is not known here. */
export function findStubs(machine: number, section: StubSection): StubCode[] | undefined {
  const view = viewOf(section.bytes);
  switch (machine) {
    case EM.X86_64:
      return x86Stubs(section, view, (at) => section.address + at + 4 + view.getInt32(at, true));
    case EM.I386:
      return x86Stubs(section, view, (at) => view.getUint32(at, true));
    case EM.AARCH64:
      return arm64Stubs(section, view);
  }
  return undefined;
}

/**
 * Finds stubs of x86:
 *
 *     [endbr64 or endbr32] [bnd] jmp *slot
 *
 * @param slotAt returns the address of the slot of a jump whose operand is at an offset.
 */
function x86Stubs({ bytes, got }: StubSection, view: DataView, slotAt: (at: number) => number): StubCode[] {
  const stubs: StubCode[] = [];
  for (let offset = 0; offset + X86_STEP <= bytes.length; offset += X86_STEP) {
    let at = offset;
    if (bytes[at] === 0xf3 && bytes[at + 1] === 0x0f && bytes[at + 2] === 0x1e) at += 4;
    if (bytes[at] === 0xf2) at++;
    if (bytes[at] !== 0xff || at + 6 > bytes.length) continue;
    if (bytes[at + 1] === 0x25) stubs.push({ offset, slot: slotAt(at + 2) });
    else if (bytes[at + 1] === 0xa3) stubs.push({ offset, slot: got + view.getInt32(at + 2, true) }); // of %ebx
  }
  return stubs;
}

/**
 * Finds stubs of 64-bit ARM, whose code is little-endian whatever its data are:
 *
 *     [bti c] adrp x16, page; ldr x17, [x16, #offset]
 */
function arm64Stubs({ bytes, address }: StubSection, view: DataView): StubCode[] {
  const stubs: StubCode[] = [];
  for (let at = 0; at + 8 <= bytes.length; at += 4) {
    const adrp = view.getUint32(at, true), ldr = view.getUint32(at + 4, true);
    if (((adrp & 0x9f00001f) >>> 0) !== 0x90000010 || ((ldr & 0xffc003ff) >>> 0) !== 0xf9400211) continue;
    const isGuarded = at >= 4 && view.getUint32(at - 4, true) === 0xd503245f;
    const isHeader = at >= 4 && view.getUint32(at - 4, true) === 0xa9bf7bf0; // stp x16, x30, [sp, #-16]!
    if (isHeader) continue;
    const pages = (((adrp << 8) >> 13) << 2) | ((adrp >>> 29) & 3);
    const page = address + at - (address + at) % 4096;
    stubs.push({ offset: isGuarded ? at - 4 : at, slot: page + 4096 * pages + 8 * ((ldr >>> 10) & 0xfff) });
  }
  return stubs;
}
