/**
 * Finds the caller of code without tables by reading on to where the function returns. Whatever it still pops and adds to
 * the stack pointer until then is what lies between the stack pointer and the return address now:
 *
 *     <pc>          add $0x18,%rsp      24 bytes of locals
 *                   pop %rbx            8 bytes, with the caller's rbx
 *                   ret                 so the return address is at rsp + 32
 *
 * Calls are passed over; of two ways the one that does not branch comes first, and a way that ends in nothing (a trap, a
 * jump to a computed address) is given up for another. Where none comes to a return, one counts that gives up its frame and
 * jumps, as to another function's code. On x86-64.
 */

import { X86_64 } from "../arch.ts";
import type { CodeReader } from "../object.ts";
import { DOES, Instruction } from "./x86_instruction.ts";

/** Instructions that are read at most for one address, and ways that are kept for later: those of large functions. */
export const MAX_STEPS = 4000;
const MAX_WAYS = 100;
/** Traps one behind another that fill the space behind a method. */
const MAX_STOPS = 4;
/** Ways that jump to where another function may be, which count when no other comes to an end. */
const MAX_TAILS = 8;
/** Bytes of code that are read at once, how far before what is asked for, and how often at most for one address. */
const WINDOW = 2048, BEFORE = 256, MAX_READS = 20;
/** Longest instruction. */
const LONGEST = 15;
/** Frames are not larger than this. */
const MAX_FRAME = 1 << 24;
/** Functions begin at multiples of this, mostly. */
const ALIGNMENT = 16;
/** endbr64, with which functions begin. */
const ENDBR64 = 0xfa1e0ff3;

/** DWARF numbers of the registers, by those of instructions. */
const DWARF = [0, 2, 1, 3, 7, 6, 4, 5, 8, 9, 10, 11, 12, 13, 14, 15];
const FP = 5;

/** Registers that a frame's place is counted from. */
export const BASE = { SP: 0, FP: 1 } as const;
/** Base of a stack pointer that is not known, until it is set from the frame pointer. */
const UNKNOWN = 2;

/** A way to the end of a function. */
interface Way {
  address: number;
  /** The stack pointer then: base, and offset from it. */
  base: number;
  offset: number;
  /** The frame pointer then: 0 as it is now, 1 as base and offset of the stack pointer, 2 unknown. */
  fp: number;
  fpOffset: number;
  /** Places of what it has popped: offsets from the base by DWARF number, NaN for none, bases in `popBases`. */
  pops: Float64Array;
  popBases: Uint8Array;
}

const KEPT = 0, FROM_SP = 1, LOST = 2;

/** Finds frames. */
export class EpilogueScan {
  /** The frame's base, and where the return address lies from it. */
  base = 0;
  offset = 0;
  /** Instructions that were read for it. */
  steps = 0;
  /** After sweep(): up to where the stack pointer is as it was at its start. */
  bodyEnd = 0;
  /** Places of saved registers, by DWARF number: bases and offsets; NaN for those that are as they were. */
  readonly popBases = new Uint8Array(X86_64.registers);
  readonly pops = new Float64Array(X86_64.registers);
  readonly #instruction = new Instruction();
  readonly #ways: Way[] = Array.from({ length: MAX_WAYS }, newWay);
  #waiting = 0;
  readonly #tails: Way[] = Array.from({ length: MAX_TAILS }, newWay);
  #tailCount = 0;
  #way = newWay();
  readonly #seen = new Set<number>();
  #window: Uint8Array = new Uint8Array(0);
  #windowAt = NaN;
  /** Pieces of code that were read for it. */
  reads = 0;

  /**
   * Looks for the end of the function from `pc` on, and sets the result.
   * @param read reads its code.
   * @param isOther returns whether an address is another function's.
   * @param accepts returns whether a result that it has set can be: that there is a return address.
   * @param reach how far a jump may lead and still be taken for one inside the function.
   * @param most instructions that may be read.
   */
  find(
    pc: number,
    read: CodeReader,
    isOther: (address: number) => boolean,
    accepts: () => boolean,
    reach = Infinity,
    most = MAX_STEPS,
  ): boolean {
    const way = this.#way;
    resetWay(way, pc);
    this.#waiting = this.#tailCount = 0;
    this.#seen.clear();
    this.#windowAt = NaN;
    this.reads = 0;
    this.steps = 0;
    for (let isBehindCall = false, isLeaving = false; this.steps < most; this.steps++) {
      const isFirst = this.steps === 0, at = way.address;
      const goesOn: boolean = !this.#seen.has(at) && (isFirst || !isOther(at)) && this.#read(at, read) &&
        !(isBehindCall && !isFirst && this.#isGap(at, read));
      this.#seen.add(at);
      const { does } = this.#instruction;
      isBehindCall = goesOn && does === DOES.CALL;
      if (goesOn) {
        const isEnd = does === DOES.RETURN ||
          (does === DOES.JUMP && isOther(at + this.#instruction.value));
        if (isEnd && this.#take() && accepts()) return true;
        if (isLeaving && (does === DOES.JUMP || does === DOES.JUMP_INDIRECT)) this.#keepTail();
        const isFar = does === DOES.JUMP && Math.abs(at + this.#instruction.value - pc) > reach;
        isLeaving = does === DOES.POP || does === DOES.LEAVE || does === DOES.SP_FROM_FP ||
          (does === DOES.ADD_SP && this.#instruction.value > 0);
        if (!isEnd && !isFar && this.#step()) continue;
      }
      if (!this.#nextWay()) return this.#tryTails(accepts);
    }
    return false;
  }

  /**
   * Looks for an end in the code behind `pc`, in the order that it lies there, wherever it branches: for methods too large for
   * find(), of compilers that leave the stack pointer alone between a method's start and its end.
   */
  sweep(pc: number, read: CodeReader, accepts: () => boolean): boolean {
    const way = this.#way, instruction = this.#instruction;
    this.#windowAt = NaN;
    this.reads = this.steps = 0;
    let isLeaving = false, stops = 0;
    resetWay(way, pc);
    this.bodyEnd = pc;
    for (; this.steps < MAX_STEPS; this.steps++) {
      const at = way.address;
      if (!this.#read(at, read)) return false;
      const { does, length } = instruction;
      stops = does === DOES.STOP ? stops + 1 : 0;
      if (stops === MAX_STOPS) return false;
      if (does === DOES.RETURN && isLeaving && this.#take() && accepts()) return true;
      if (way.offset === 0 && way.base === BASE.SP) this.bodyEnd = at;
      const isFlow = does >= DOES.RETURN && does <= DOES.STOP && does !== DOES.CALL && does !== DOES.BRANCH;
      if (isFlow || does === DOES.LOSE_SP || (does === DOES.BRANCH && !isLeaving) || !this.#step()) {
        resetWay(way, at + length);
        isLeaving = false;
      } else isLeaving ||= does === DOES.POP || does === DOES.LEAVE;
    }
    return false;
  }

  /** Keeps a way that gives up its frame and jumps, maybe to another function, which then returns in place of this one. */
  #keepTail(): void {
    if (this.#tailCount < MAX_TAILS) copyWay(this.#tails[this.#tailCount++], this.#way, 0);
  }

  #tryTails(accepts: () => boolean): boolean {
    for (let i = 0; i < this.#tailCount; i++) {
      copyWay(this.#way, this.#tails[i], 0);
      if (this.#take() && accepts()) return true;
      this.#way.offset -= 8; // who goes on elsewhere may have popped the return address, to pass it on
      if (this.#take() && accepts()) return true;
    }
    return false;
  }

  /** Reads the instruction at an address; false where there is no code. */
  #read(address: number, read: CodeReader): boolean {
    const from = address - this.#windowAt, instruction = this.#instruction;
    if (!(from >= 0 && from + LONGEST <= this.#window.length)) {
      if (++this.reads > MAX_READS) return false;
      this.#readWindow(address, read);
      const first = address - this.#windowAt;
      return this.#window.length > first && instruction.read(first);
    }
    return instruction.read(from);
  }

  /** Reads code around an address: loops lead back a little, and all else on. */
  #readWindow(address: number, read: CodeReader): void {
    const start = Math.max(address - BEFORE, 0);
    this.#windowAt = start;
    this.#window = read(start, WINDOW);
    if (this.#window.length + start <= address) { // nothing is mapped before it
      this.#windowAt = address;
      this.#window = read(address, WINDOW);
    }
    this.#instruction.open(this.#window);
  }

  /**
   * Returns whether a function ends before the instruction at `address`, which was read, since the call in front of it
   * never returns: there is a gap up to the next function, or that begins right there.
   */
  #isGap(address: number, read: CodeReader): boolean {
    const instruction = this.#instruction;
    if (address % ALIGNMENT === 0) {
      const from = address - this.#windowAt, code = this.#window;
      const word = code[from] | code[from + 1] << 8 | code[from + 2] << 16 | code[from + 3] << 24;
      if (word === (ENDBR64 | 0)) return true;
    }
    if (instruction.does !== DOES.NOP) return false;
    let at = address;
    do {
      at += instruction.length;
      if (!this.#read(at, read)) return true;
    } while (instruction.does === DOES.NOP && at % ALIGNMENT !== 0);
    const isAligned = at % ALIGNMENT === 0;
    this.#read(address, read);
    return isAligned;
  }

  /** Applies the instruction to the way; false where that ends. */
  #step(): boolean {
    const way = this.#way, { does, value, register, length } = this.#instruction;
    const next = way.address + length;
    switch (does) {
      case DOES.PUSH:
        way.offset -= 8;
        break;
      case DOES.POP:
        this.#pop(DWARF[register]);
        break;
      case DOES.ADD_SP:
        way.offset += value;
        break;
      case DOES.SP_FROM_FP:
      case DOES.LEAVE:
        if (!this.#spFromFp(value)) return false;
        if (does === DOES.LEAVE) this.#pop(DWARF[FP]);
        break;
      case DOES.FP_FROM_SP:
        way.fp = way.base === BASE.SP ? FROM_SP : LOST;
        way.fpOffset = way.offset + value;
        break;
      case DOES.LOSE_FP:
        way.fp = LOST;
        break;
      case DOES.JUMP:
        way.address += value;
        return true;
      case DOES.BRANCH:
        this.#keep(way.address + value);
        break;
      case DOES.LOSE_SP:
        way.base = UNKNOWN;
        break;
      case DOES.STOP:
      case DOES.JUMP_INDIRECT:
      case DOES.RETURN:
        return false;
    }
    way.address = next;
    return Math.abs(way.offset) < MAX_FRAME;
  }

  #pop(register: number): void {
    const way = this.#way;
    if (register === X86_64.fp) way.fp = LOST;
    // what the function itself has pushed since is not the caller's
    if (way.base === BASE.FP || (way.base === BASE.SP && way.offset >= 0)) {
      if (Number.isNaN(way.pops[register])) {
        way.pops[register] = way.offset;
        way.popBases[register] = way.base;
      }
    }
    way.offset += 8;
  }

  #spFromFp(value: number): boolean {
    const way = this.#way;
    if (way.fp === LOST) return false;
    way.base = way.fp === FROM_SP ? BASE.SP : BASE.FP;
    way.offset = way.fp === FROM_SP ? way.fpOffset + value : value;
    return true;
  }

  /** Keeps the way that a branch leads to, for when this one ends. */
  #keep(address: number): void {
    if (this.#waiting === MAX_WAYS) return;
    copyWay(this.#ways[this.#waiting++], this.#way, address);
  }

  #nextWay(): boolean {
    if (this.#waiting === 0) return false;
    const kept = this.#ways[--this.#waiting];
    copyWay(this.#way, kept, kept.address);
    return true;
  }

  /** Sets the result to the way's end; false where that cannot be. */
  #take(): boolean {
    const { base, offset, pops, popBases } = this.#way;
    if (base === UNKNOWN || (base === BASE.SP && offset < 0)) return false;
    this.base = base;
    this.offset = offset;
    this.pops.set(pops);
    this.popBases.set(popBases);
    return true;
  }
}

function newWay(): Way {
  return {
    address: 0,
    base: BASE.SP,
    offset: 0,
    fp: KEPT,
    fpOffset: 0,
    pops: new Float64Array(X86_64.registers),
    popBases: new Uint8Array(X86_64.registers),
  };
}

/** Sets a way to its start. */
function resetWay(way: Way, address: number): void {
  way.address = address;
  way.base = BASE.SP;
  way.offset = way.fpOffset = 0;
  way.fp = KEPT;
  way.pops.fill(NaN);
}

function copyWay(to: Way, from: Way, address: number): void {
  to.address = address;
  to.base = from.base;
  to.offset = from.offset;
  to.fp = from.fp;
  to.fpOffset = from.fpOffset;
  to.pops.set(from.pops);
  to.popBases.set(from.popBases);
}
