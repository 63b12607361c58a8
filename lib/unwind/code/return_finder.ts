/** Remembers where code without tables returns to, for the addresses that were asked for last. */

import { X86_64 } from "../arch.ts";
import { CODE, type UnwindObject } from "../object.ts";
import type { StackPiece } from "../stack_piece.ts";
import { Bodies } from "./bodies.ts";
import { BASE, EpilogueScan, MAX_STEPS } from "./epilogue.ts";

/** Places, which are found by the low bits of a hash. */
const PLACES = 1 << 13;
/**
 * Limits on reading code, in instructions, of some 30 ns: so many at once, since the first walks find nothing remembered,
 * and so many more in each second. So code that is made to be read long takes a small share of the time.
 */
export interface ReadingLimits {
  readonly atOnce: number;
  readonly perSecond: number;
}

/** Limits where nobody waits for a walk. */
export const READING_LIMITS: ReadingLimits = { atOnce: 1 << 20, perSecond: 1 << 23 };
/** Instructions that reading a piece of code counts as. */
const STEPS_PER_READ = 200;
/** Instructions that are followed of a method before it is swept. */
const FIRST_STEPS = 120;
/** Bytes of a method that a program has made. What is farther away are routines of its runtime. */
const MAX_METHOD = 1 << 16;
/** Values that stand for: no return was found; a register is as it was. */
const NONE = -1, KEPT = 0x7fffffff;
const { saved, fp } = X86_64;
/**
 * Integers of an answer: base and offset of the return address; how often it was of no use: the code is read again after 1,
 * 2, 4, 8 such times and so on, as it may be new, or have another end; base and offset of each saved register, or KEPT.
 */
const FIRST_REGISTER = 3, STRIDE = FIRST_REGISTER + 2 * saved.length;

/** Finder of return addresses, and of the registers that are saved below them. */
export class ReturnFinder {
  readonly #registers: Float64Array;
  readonly #stack: StackPiece;
  readonly #scan = new EpilogueScan();
  readonly #bodies = new Bodies(STRIDE);
  readonly #objects = new Int32Array(PLACES);
  readonly #addresses = new Float64Array(PLACES);
  readonly #answers = new Int32Array(PLACES * STRIDE);
  readonly #values = new Float64Array(saved.length);
  #at = 0;
  readonly #limits: ReadingLimits;
  #stepsLeft: number;
  /** When steps were last added, in ms. */
  #addedAt = performance.now();

  constructor(registers: Float64Array, stack: StackPiece, limits: ReadingLimits) {
    this.#registers = registers;
    this.#stack = stack;
    this.#limits = limits;
    this.#stepsLeft = limits.atOnce;
  }

  /**
   * Looks for the return address of the frame of code at `pc`, as the object was linked, with the stack pointer `sp`.
   * Returns where it is saved; NaN where that cannot be told.
   * @param accepts returns whether there may be a return address at an address.
   */
  find(object: UnwindObject, pc: number, sp: number, accepts: (place: number) => boolean): number {
    if (!object.hasCode) return NaN;
    const isKnown = this.#recall(object, pc), answers = this.#answers, at = this.#at;
    if (isKnown && answers[at] !== NONE) {
      const place = this.#place(answers[at], answers[at + 1], sp);
      if (place >= sp && accepts(place)) return place;
    }
    const uses = isKnown ? answers[at + 2] + 1 : 0;
    if (object.code === CODE.GENERATED && this.#bodies.take(object.id, pc, answers, at)) {
      const place = this.#place(answers[at], answers[at + 1], sp);
      if (place >= sp && accepts(place)) return place;
    }
    answers[at + 2] = uses;
    if ((uses & (uses - 1)) !== 0) return NaN;
    return this.#read(object, pc, sp, accepts);
  }

  /** Whether the frame that find() has found is counted from the frame pointer. */
  get isByPointer(): boolean {
    return this.#answers[this.#at] === BASE.FP;
  }

  /** Sets the saved registers to the caller's, once find() has found the frame. */
  restore(sp: number): void {
    const answers = this.#answers, registers = this.#registers, stack = this.#stack, values = this.#values;
    for (let i = 0; i < saved.length; i++) {
      const at = this.#at + FIRST_REGISTER + 2 * i, offset = answers[at + 1];
      values[i] = offset === KEPT ? registers[saved[i]] : stack.value(this.#place(answers[at], offset, sp));
    }
    for (let i = 0; i < saved.length; i++) registers[saved[i]] = values[i];
  }

  #place(base: number, offset: number, sp: number): number {
    return (base === BASE.SP ? sp : this.#registers[fp]) + offset;
  }

  #recall(object: UnwindObject, pc: number): boolean {
    const hash = Math.imul((pc | 0) ^ Math.imul(object.id, 0x85ebca6b), 0x9e3779b1) >>> 19;
    const place = hash & (PLACES - 1);
    this.#at = place * STRIDE;
    const isKnown = this.#objects[place] === object.id && this.#addresses[place] === pc;
    this.#objects[place] = object.id;
    this.#addresses[place] = pc;
    return isKnown;
  }

  #read(object: UnwindObject, pc: number, sp: number, accepts: (place: number) => boolean): number {
    const scan = this.#scan;
    this.#answers[this.#at] = NONE;
    if (this.#stepsLeft <= 0 && !this.#addSteps()) {
      this.#objects[this.#at / STRIDE] = 0; // nothing is known of it
      return NaN;
    }
    let place = NaN, isFirst = true;
    const read = (address: number, length: number) => object.codeAt(address, length);
    const isEnd = () => {
      // an end that cannot be this time, since frames before it are wrong, may be the next time
      if (isFirst) this.#remember();
      isFirst = false;
      place = this.#place(scan.base, scan.offset, sp);
      return place >= sp && accepts(place);
    };
    const isOther = (address: number) => object.isOtherFunction(pc, address);
    const find = (reach: number, most: number) =>
      this.#charge(scan.find(pc, read, isOther, isEnd, reach, most));
    // a method may be large, and each of its addresses be asked for
    if (object.code !== CODE.GENERATED) {
      if (!find(Infinity, MAX_STEPS)) return NaN;
    } else if (!find(MAX_METHOD, FIRST_STEPS)) {
      const isSwept = this.#charge(scan.sweep(pc, read, isEnd));
      if (!isSwept && !find(MAX_METHOD, MAX_STEPS)) return NaN;
      this.#remember();
      if (isSwept) this.#bodies.put(object.id, pc, scan.bodyEnd, this.#answers, this.#at);
    }
    this.#remember();
    return place;
  }

  /** Charges the scan that has just come to a result; returns that. */
  #charge(isFound: boolean): boolean {
    this.#stepsLeft -= this.#scan.steps + STEPS_PER_READ * this.#scan.reads;
    return isFound;
  }

  /** Adds the steps of the time that has passed; returns whether there are any. */
  #addSteps(): boolean {
    const now = performance.now(), { atOnce, perSecond } = this.#limits;
    this.#stepsLeft = Math.min(atOnce, this.#stepsLeft + (now - this.#addedAt) * perSecond / 1000);
    this.#addedAt = now;
    return this.#stepsLeft > 0;
  }

  /** Remembers what the scan has found. */
  #remember(): void {
    const { base, offset, pops, popBases } = this.#scan, answers = this.#answers, at = this.#at;
    answers[at] = base;
    answers[at + 1] = offset;
    saved.forEach((register, i) => {
      answers[at + FIRST_REGISTER + 2 * i] = popBases[register];
      answers[at + FIRST_REGISTER + 1 + 2 * i] = Number.isNaN(pops[register]) ? KEPT : pops[register];
    });
  }
}
