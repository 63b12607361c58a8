/**
 * Tells whether an instruction that calls ends where a return address leads: Intel's manual, volume 2, CALL;
 * Arm's, BL and BLR.
 */

import { type Arch, X86_64 } from "./arch.ts";
import type { UnwindObject } from "./object.ts";

/** Stands for: no instruction that ends there calls. */
export const NO_CALL = -Infinity;
/** Bytes of the longest one: prefix, opcode, operand, index, displacement. */
const MOST = 8;

/**
 * Returns the address that is called by the instruction in front of `address` (as the object was linked); NaN
 * when a register or memory has it, and NO_CALL when there is no such instruction.
 */
function callBefore(object: UnwindObject, address: number, arch: Arch): number {
  const code = object.codeAt(address - MOST, MOST);
  if (code.length < MOST) return NO_CALL;
  const view = new DataView(code.buffer, code.byteOffset, MOST);
  if (arch !== X86_64) {
    const word = view.getUint32(4, true);
    if (word >>> 26 === 0x25) return address - 4 + ((word << 6) >> 4); // bl
    return ((word & 0xfefff000) >>> 0) === 0xd63f0000 ? NaN : NO_CALL; // blr, blraa and their like
  }
  if (code[3] === 0xe8) return address + view.getInt32(4, true); // call rel32
  // call r/m64: opcode ff, then 2 as the middle field of the byte that says where the address is, which says how much follows
  for (let at = 1; at <= 6; at++) {
    if (code[at] === 0xff && (code[at + 1] & 0x38) === 0x10 && MOST - at === operandSize(code, at + 1) + 1) {
      return NaN;
    }
  }
  return NO_CALL;
}

/** Places of the cache. */
const PLACES = 1 << 12;

/** Remembers what callBefore() found, for the addresses that were asked for last. */
export class CallCache {
  readonly #objects = new Int32Array(PLACES);
  readonly #addresses = new Float64Array(PLACES);
  readonly #targets = new Float64Array(PLACES);

  /** Returns what callBefore() does. */
  target(object: UnwindObject, address: number, arch: Arch): number {
    const place = (Math.imul((address | 0) ^ Math.imul(object.id, 0x85ebca6b), 0x9e3779b1) >>> 20) &
      (PLACES - 1);
    if (this.#objects[place] === object.id && this.#addresses[place] === address) return this.#targets[place];
    this.#objects[place] = object.id;
    this.#addresses[place] = address;
    return this.#targets[place] = callBefore(object, address, arch);
  }
}

/** Returns how many bytes an operand with a ModRM byte takes. */
function operandSize(code: Uint8Array, at: number): number {
  const mode = code[at] >>> 6, base = code[at] & 7;
  if (mode === 3) return 1;
  const index = base === 4 ? 1 : 0;
  if (mode === 1) return 2 + index;
  if (mode === 2) return 5 + index;
  const isFar = base === 5 || (base === 4 && (code[at + 1] & 7) === 5);
  return 1 + index + (isFar ? 4 : 0);
}
