/**
 * Corrects rules of aarch64 code, mostly those for the first and last instructions of functions. Compilers with LLVM before 15 (clang 14, Rust before 1.65)
 * describe a frame from the end of its prologue on, and never that it is gone again:
 *
 *     str x30, [sp, #-32]!     CFA = sp, it says; sp + 32 from here on in fact
 *     stp x20, x19, [sp, #16]
 *     ...                      CFA = sp + 32
 *     ldp x20, x19, [sp, #16]
 *     ldr x30, [sp], #32
 *     ret                      CFA = sp + 32, it says; sp in fact
 *
 * The instructions themselves tell what is true: those in front, what the prologue has done so far; those that follow, what
 * the epilogue is about to do. Encodings are those of the Arm Architecture Reference Manual, chapter C4.
 */

import { AARCH64 } from "../arch.ts";
import type { UnwindObject } from "../object.ts";
import { FOUND, type ObjectCfi } from "../cfi/object_cfi.ts";
import { CFA, Row, RULE } from "../cfi/row.ts";

/** Instructions of a prologue or epilogue that are read, in bytes. Real ones have up to 20. */
const MAX_BYTES = 256;
const { sp: SP, fp: FP, ra: RA } = AARCH64;
const FIRST_SAVED = AARCH64.saved[0];
/** Highest register that functions may change without saving it. */
const LAST_SCRATCH = 18;

/** Registers and frame that a piece of code leaves, by its instructions. */
class Simulation {
  /** Register that the frame is counted from, and what to add to it to get the stack pointer. */
  base = SP;
  offset = 0;
  /** Offsets from `base` of where registers were saved to, or are restored from, by number; NaN for none. */
  readonly places = new Float64Array(RA + 1).fill(NaN);

  /** Notes that a register's value lies at an offset from the stack pointer. */
  at(register: number, offset: number): void {
    if (register < this.places.length && Number.isNaN(this.places[register])) {
      this.places[register] = this.offset + offset;
    }
  }

  /** Makes `row` the rule for a frame that ends at the stack pointer as it is then. */
  fill(row: Row): void {
    row.clear();
    row.set(CFA, RULE.REGISTER, this.base, this.offset);
    for (let number = FIRST_SAVED; number <= RA; number++) {
      if (!Number.isNaN(this.places[number])) row.set(number, RULE.OFFSET, this.places[number] - this.offset);
    }
  }
}

/**
 * Corrects the row that an object's tables have given for an address: its frame's end; and, where a thread was
 * interrupted there, the rest of it, if the code is part of a prologue or an epilogue. Returns whether it is for this
 * address alone.
 * @param isExact whether the thread was interrupted there, rather than in a function that was called from there.
 */
export function correctRow(object: UnwindObject, address: number, row: Row, isExact: boolean): boolean {
  const cfi = object.cfi!;
  if (row.kinds[CFA] !== RULE.REGISTER || row.kinds[RA] === RULE.UNDEFINED || cfi.isSignal) return false;
  raiseFrameEnd(row);
  if (!isExact) return false;
  return followEpilogue(object, address, row) || followPrologue(object, cfi, address, row);
}

/**
 * Moves the frame's end above the return address, where it is said to be below. That is what glibc's _dl_runtime_resolve
 * says, since the PLT has pushed the return address before, and another register: callers without a frame pointer would
 * be missed by 16 bytes.
 */
function raiseFrameEnd({ kinds, values, extras }: Row): void {
  const above = values[RA] + 8;
  if (kinds[RA] !== RULE.OFFSET || !(above > 0)) return;
  extras[CFA] += above;
  for (let column = 0; column < CFA; column++) {
    if (kinds[column] === RULE.OFFSET) values[column] -= above;
  }
}

/**
 * Follows the instructions of the row, if it begins with the function and says nothing of a frame. Returns whether there
 * is a prologue among them.
 */
function followPrologue(object: UnwindObject, cfi: ObjectCfi, address: number, row: Row): boolean {
  const { functionStart: start, rowStart, rowEnd } = cfi, length = address - start;
  if (rowStart !== start || !isEmpty(row) || length % 4 !== 0 || length >= MAX_BYTES) return false;
  const code = object.fewBytesAt(start, Math.min(MAX_BYTES, rowEnd - start)), done = new Simulation();
  const view = new DataView(code.buffer, code.byteOffset, code.length);
  for (let at = 0; at + 4 <= code.length; at += 4) {
    if (at === length) fillPrologue(row, done);
    const word = view.getUint32(at, true);
    if (isCall(word)) break;
    const isTaken = takeMemory(word, false, done) || takeStackPointer(word, done);
    if (!isTaken && maySetStackPointer(word)) break;
  }
  return done.offset < 0;
}

/** Puts what a prologue has done so far into `row`. */
function fillPrologue(row: Row, { offset, base, places }: Simulation): void {
  if (offset >= 0 || base !== SP) return;
  row.clear();
  row.set(CFA, RULE.REGISTER, SP, -offset);
  for (let number = FIRST_SAVED; number <= RA; number++) {
    if (!Number.isNaN(places[number])) row.set(number, RULE.OFFSET, places[number]);
  }
}

/**
 * Follows the instructions from an address on to the function's end, where a thread was interrupted. Returns whether they
 * do nothing but leave it; then `row` is made the rule for the address.
 */
export function followEpilogue(object: UnwindObject, address: number, row: Row): boolean {
  const code = object.fewBytesAt(address - 4, MAX_BYTES), ahead = new Simulation();
  const view = new DataView(code.buffer, code.byteOffset, code.length);
  for (let at = 4; at + 4 <= code.length; at += 4) {
    const word = view.getUint32(at, true), before = ahead.offset;
    const isEnd = isReturn(word) ||
      (isBranchByRegister(word) && isPop(view.getUint32(at - 4, true))) ||
      (word >>> 26 === B && isLastCall(object, address - 4 + at + ((word << 6) >> 4), address));
    if (isEnd) {
      ahead.fill(row);
      return true;
    }
    const isKnown = takeMemory(word, true, ahead) || takeStackPointer(word, ahead) || isHint(word) ||
      isScratch(word);
    if (!isKnown || (ahead.offset < before && ahead.base === SP)) return false;
  }
  return false;
}

const targetRow = new Row();

/**
 * Returns whether a jump to `target` leaves the function that has `address` for another one. Parts of a function may lie
 * apart, too: at the start of such a part there is a frame.
 */
function isLastCall(object: UnwindObject, target: number, address: number): boolean {
  if (object.isPlt(target)) return true;
  const isRow = object.findRow(target, targetRow) === FOUND.ROW;
  const isStart = isRow && object.cfi!.functionStart === target && isEmpty(targetRow);
  object.findRow(address, targetRow); // what was found last is this address again
  return isStart;
}

/** Returns whether nothing has been put on the stack. */
function isEmpty({ kinds, values, extras }: Row): boolean {
  return kinds[CFA] === RULE.REGISTER && values[CFA] === SP && extras[CFA] === 0;
}

const B = 0x05;

/** Returns whether an instruction returns by way of x30: `ret`, `retaa`, `retab`. */
function isReturn(word: number): boolean {
  return word === 0xd65f03c0 || word === 0xd65f0bff || word === 0xd65f0fff;
}

/**
 * Returns whether an instruction jumps to what a register holds: `br`, `braa` and their like. That is a call as a
 * function's last act, or a jump within it.
 */
function isBranchByRegister(word: number): boolean {
  return ((word & 0xfefff000) >>> 0) === 0xd61f0000;
}

/** Returns whether an instruction gives stack back. */
function isPop(word: number): boolean {
  const state = new Simulation();
  return (takeMemory(word, true, state) || takeStackPointer(word, state)) && state.base === SP &&
    state.offset > 0;
}

/** Returns whether an instruction calls: `bl`, `blr`, `blraa` and their like. */
function isCall(word: number): boolean {
  return word >>> 26 === 0x25 || ((word & 0xfefff000) >>> 0) === 0xd63f0000;
}

/** Returns whether an instruction is a hint: `nop`, `paciasp`, `autiasp`, `bti` and their like. */
function isHint(word: number): boolean {
  return ((word & 0xfffff01f) >>> 0) === 0xd503201f;
}

/** Follows ldp and ldr, or else stp and str, at the stack pointer. Registers have 64 bits, or 128 in pairs of vectors. */
function takeMemory(word: number, areLoads: boolean, state: Simulation): boolean {
  if (((word >>> 5) & 31) !== SP || ((word & 0x00400000) !== 0) !== areLoads) return false;
  const isVector = (word & 0x04000000) !== 0, first = word & 31;
  let offset: number, isPre = false, isPost = false, second = -1;
  if ((word & 0x3a000000) === 0x28000000) {
    const size = word >>> 30, mode = (word >>> 23) & 3; // ldp, stp: 1 post-indexed, 2 offset, 3 pre-indexed
    if (mode === 0 || (isVector ? size === 0 || size === 3 : size !== 2)) return false;
    offset = ((word << 10) >> 25) * (isVector && size === 2 ? 16 : 8);
    second = (word >>> 10) & 31;
    isPost = mode === 1;
    isPre = mode === 3;
  } else if (((word & 0xfb800000) >>> 0) === 0xf9000000) offset = ((word >>> 10) & 0xfff) * 8; // ldr, str
  else if (((word & 0xfba00000) >>> 0) === 0xf8000000) {
    const mode = (word >>> 10) & 3; // 0 unscaled, 1 post-indexed, 3 pre-indexed
    if (mode === 2) return false;
    offset = (word << 11) >> 23;
    isPost = mode === 1;
    isPre = mode === 3;
  } else return false;
  if (isPre) state.offset += offset;
  if (!isVector) {
    const from = isPre || isPost ? 0 : offset;
    state.at(first, from);
    if (second >= 0) state.at(second, from + 8);
  }
  if (isPost) state.offset += offset;
  return true;
}

/** Follows add and sub of a number to the stack pointer, or to the frame pointer to get it. */
function takeStackPointer(word: number, state: Simulation): boolean {
  const kind = (word & 0xff800000) >>> 0, from = (word >>> 5) & 31;
  if ((kind !== 0x91000000 && kind !== 0xd1000000) || (word & 31) !== SP) return false;
  const value = ((word >>> 10) & 0xfff) << ((word & 0x00400000) !== 0 ? 12 : 0);
  const change = kind === 0x91000000 ? value : -value;
  if (from === SP) state.offset += change;
  else if (from === FP && state.base === SP && Number.isNaN(state.places[FP])) {
    if (state.places.some((place) => !Number.isNaN(place))) return false;
    state.base = FP;
    state.offset = change;
  } else return false;
  return true;
}

/** Returns whether an instruction may set the stack pointer otherwise: by a register, or by masking. */
function maySetStackPointer(word: number): boolean {
  const isAddExtended = (word & 0x3fe00000) === 0x0b200000, isAddNumber = (word & 0x3f000000) === 0x11000000;
  const isMask = (word & 0x1f800000) === 0x12000000 && (word & 0x60000000) !== 0x60000000;
  return (word & 31) === SP && (isAddExtended || isAddNumber || isMask);
}

/** Returns whether an instruction computes nothing but a register that nobody has saved, or flags. */
function isScratch(word: number): boolean {
  const kind = (word >>> 25) & 15, to = word & 31;
  const isComputation = (kind & 14) === 8 || (kind & 7) === 5;
  return isComputation && (to <= LAST_SCRATCH || (to === SP && !maySetStackPointer(word)));
}
