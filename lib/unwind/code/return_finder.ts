/** Remembers where code without tables returns to, for the addresses that were asked for last. */

import { X86_64 } from "../arch.ts";
import { CODE, type UnwindObject } from "../object.ts";
import type { StackPiece } from "../stack_piece.ts";
import { BASE, EpilogueScan } from "./epilogue.ts";

/** Places, which are found by the low bits of a hash. */
const PLACES = 1 << 11;
/** Uses of an answer that there is none, after which code is read again that a program may have made anew meanwhile. */
const USES_OF_NONE = 256;
/** Addresses of which the code is read in one walk, at most. */
const MAX_SCANS = 64;
/** What stands for: no return was found; a register is as it was. */
const NONE = -1, KEPT = 0x7fffffff;
const { saved, fp } = X86_64;
/** Integers of an answer: base, offset of the return address; for each saved register base * 2^30 and its offset, or KEPT. */
const STRIDE = 2 + 2 * saved.length;

/** Finder of return addresses, and of the registers that are saved below them. */
export class ReturnFinder {
  readonly #registers: Float64Array;
  readonly #stack: StackPiece;
  readonly #scan = new EpilogueScan();
  readonly #objects = new Int32Array(PLACES);
  readonly #addresses = new Float64Array(PLACES);
  readonly #answers = new Int32Array(PLACES * STRIDE);
  readonly #values = new Float64Array(saved.length);
  #at = 0;
  #scansLeft = MAX_SCANS;

  constructor(registers: Float64Array, stack: StackPiece) {
    this.#registers = registers;
    this.#stack = stack;
  }

  /** Begins a walk. */
  begin(): void {
    this.#scansLeft = MAX_SCANS;
  }

  /**
   * Looks for the return address of the frame of code at `pc`, as the object was linked, with the stack pointer `sp`.
   * Returns where it is saved; NaN where that cannot be told.
   * @param accepts returns whether there may be a return address at an address.
   */
  find(object: UnwindObject, pc: number, sp: number, accepts: (place: number) => boolean): number {
    if (!object.hasCode) return NaN;
    const isKnown = this.#recall(object, pc), answers = this.#answers;
    if (isKnown) {
      const base = answers[this.#at];
      if (base === NONE) {
        if (object.code === CODE.FILE || --answers[this.#at + 1] > 0) return NaN;
      } else {
        const place = this.#place(base, answers[this.#at + 1], sp);
        if (place >= sp && accepts(place)) return place;
      }
    }
    return this.#read(object, pc, sp, accepts);
  }

  /** Sets the saved registers to the caller's, once find() has found the frame. */
  restore(sp: number): void {
    const answers = this.#answers, registers = this.#registers, stack = this.#stack, values = this.#values;
    for (let i = 0; i < saved.length; i++) {
      const at = this.#at + 2 + 2 * i, offset = answers[at + 1];
      values[i] = offset === KEPT ? registers[saved[i]] : stack.value(this.#place(answers[at], offset, sp));
    }
    for (let i = 0; i < saved.length; i++) registers[saved[i]] = values[i];
  }

  #place(base: number, offset: number, sp: number): number {
    return (base === BASE.SP ? sp : this.#registers[fp]) + offset;
  }

  #recall(object: UnwindObject, pc: number): boolean {
    const hash = Math.imul((pc | 0) ^ Math.imul(object.id, 0x85ebca6b), 0x9e3779b1) >>> 20;
    const place = hash & (PLACES - 1);
    this.#at = place * STRIDE;
    const isKnown = this.#objects[place] === object.id && this.#addresses[place] === pc;
    this.#objects[place] = object.id;
    this.#addresses[place] = pc;
    return isKnown;
  }

  #read(object: UnwindObject, pc: number, sp: number, accepts: (place: number) => boolean): number {
    const scan = this.#scan, answers = this.#answers, at = this.#at;
    answers[at] = NONE;
    answers[at + 1] = 0;
    if (this.#scansLeft-- <= 0) return NaN;
    let place = NaN;
    const isFound = scan.find(
      pc,
      (address, length) => object.codeAt(address, length),
      (address) => object.isOtherFunction(pc, address),
      () => {
        place = this.#place(scan.base, scan.offset, sp);
        return place >= sp && accepts(place);
      },
    );
    if (!isFound) {
      answers[at + 1] = USES_OF_NONE;
      return NaN;
    }
    answers[at] = scan.base;
    answers[at + 1] = scan.offset;
    saved.forEach((register, i) => {
      const offset = scan.pops[register];
      answers[at + 2 + 2 * i] = scan.popBases[register];
      answers[at + 3 + 2 * i] = Number.isNaN(offset) ? KEPT : offset;
    });
    return place;
  }
}
