/**
 * Walks stacks: from a sample's registers and its piece of stack to the addresses of its call chain.
 *
 *     pc --(space)--> object, address in it --(rule cache)--> rule --(registers, stack)--> the caller's pc, sp and saved registers
 *
 * Guarantees, whatever the stack and the tables hold: each frame's end is above the one before it (but for
 * signal frames, which may be on another stack), a chain has no more entries than it has room for, nor than
 * the piece can hold return addresses, expressions take no more steps than frames of that many bytes need,
 * and nothing outside the piece is read. Where no table is missed, nothing is allocated.
 */

import { type Arch, MIN_ADDRESS } from "./arch.ts";
import { READING_LIMITS, type ReadingLimits } from "./code/return_finder.ts";
import { END, type End } from "./ends.ts";
import { Evaluator } from "./cfi/expression.ts";
import { Guesser, HIGH_MASK, mostAddress } from "./no_cfi.ts";
import { CODE, type CodeSpace, type UnwindObject } from "./object.ts";
import { FOUND } from "./cfi/object_cfi.ts";
import { CFA, Row, RULE } from "./cfi/row.ts";
import { RuleFinder } from "./rule_finder.ts";
import { type FullRule, IS_ROOT, NO_RULE, REGISTER_MASK, type RuleTable } from "./rules.ts";
import { StackPiece } from "./stack_piece.ts";
import { WalkMemory } from "./walk_memory.ts";

const TWO_32 = 4294967296;

/** Bytes of code without tables that go over into a thread's first function. */
const MAX_ROOT_GAP = 16;

/**
 * Frames and steps of expressions that a walk may take without a stack, and bytes of stack for each further
 * one: a frame has a return address of 8 bytes; a signal's has 568 bytes and takes some 36 steps. So tables
 * that lead in circles cost no more than the recording is large.
 */
const FREE_FRAMES = 32, FREE_STEPS = 256, BYTES_EACH = 8;

/** Order of the registers in a sample: made once for each event's mask. */
export type RegisterPlan = Int8Array;

/**
 * Returns the plan for a perf_event_attr.sample_regs_user: the DWARF number of each register in a sample, or
 * -1.
 */
export function registerPlan(arch: Arch, mask: bigint): RegisterPlan {
  const plan: number[] = [];
  for (let bit = 0; bit < 64; bit++) {
    if ((mask >> BigInt(bit)) & 1n) plan.push(arch.perf[bit] ?? -1);
  }
  return Int8Array.from(plan);
}

/** Walks the stacks of all processes of one machine. */
export class Unwinder {
  readonly arch: Arch;
  /** Registers by DWARF number, the program counter last; NaN for what is not known. */
  readonly registers: Float64Array;
  readonly stack = new StackPiece();
  /** Why the last chain ended. */
  end: End = END.ROOT;
  /** Bytes that the piece of stack lacks for the next frame, after END.SHORT. */
  missing = 0;
  /** Object that the last chain ended in, unless at a root; undefined where none is mapped. */
  endObject: UnwindObject | undefined;
  /**
   * Receives, where given, the address to look each frame's code up by: the one where the thread was interrupted,
   * else one in the call instruction, before the return address.
   */
  places: Float64Array | undefined;
  /**
   * Thread whose stack is walked next: its last chain is remembered, and taken over as far as it still holds. -1 for
   * none.
   */
  thread = -1;
  readonly #finder: RuleFinder;
  readonly #rules: RuleTable;
  readonly #row = new Row();
  readonly #evaluator: Evaluator;
  readonly #guesser: Guesser;
  readonly #memory: WalkMemory;
  readonly #next: Float64Array;
  readonly #highMask: number;
  readonly #most: number;
  /**
   * The current frame: its stack pointer, and whether its pc is where it was interrupted rather than behind a
   * call.
   */
  #sp = 0.5;
  #isExact = true;

  /** @param limits on reading the code of functions without tables. */
  constructor(arch: Arch, limits: ReadingLimits = READING_LIMITS) {
    this.arch = arch;
    this.registers = new Float64Array(arch.registers).fill(NaN);
    this.#next = new Float64Array(arch.registers);
    this.#evaluator = new Evaluator(this.stack);
    this.#guesser = new Guesser(arch, this.registers, this.stack, limits);
    this.#finder = new RuleFinder(arch, this.#guesser);
    this.#rules = this.#finder.rules;
    this.#highMask = HIGH_MASK[arch.name];
    this.#memory = new WalkMemory(this.#highMask);
    this.#most = mostAddress(arch);
  }

  /**
   * Takes the registers of a sample: u64s from word `word` of `u32` on, as `plan` has them. Others are not
   * known. Return addresses lose their signatures here, before they become doubles.
   */
  loadRegisters(plan: RegisterPlan, u32: Uint32Array, word: number): void {
    const { registers, arch: { ra, pc } } = this;
    for (let i = 0; i < registers.length; i++) registers[i] = NaN;
    for (let i = 0, at = word; i < plan.length; i++, at += 2) {
      const number = plan[i];
      if (number < 0) continue;
      const high = number === ra || number === pc ? u32[at + 1] & this.#highMask : u32[at + 1];
      registers[number] = high * TWO_32 + u32[at];
    }
  }

  /**
   * Takes the piece of stack of a sample: `length` bytes of `view` from `at` on, the first of them at the
   * stack pointer.
   * @param isCut whether there was more than was copied: false when the kernel came to the stack's end.
   */
  loadStack(view: DataView, at: number, length: number, isCut: boolean): void {
    const { stack } = this;
    stack.view = view;
    stack.at = at;
    stack.length = length;
    stack.isCut = isCut;
    stack.start = this.registers[this.arch.sp];
  }

  /** Number of addresses so far whose rule was in no cache. */
  get misses(): number {
    return this.#finder.misses;
  }

  /** Whether the program counter that loadRegisters took is no code's: the thread has not been in user space yet. */
  get isBeforeCode(): boolean {
    return this.registers[this.arch.pc] < MIN_ADDRESS;
  }

  /**
   * Walks from what loadRegisters and loadStack took. Puts the addresses into `out`: where the thread was,
   * then return addresses; returns how many. `end` has why there are no more.
   */
  walk(space: CodeSpace, out: Float64Array, most = out.length): number {
    const { registers, arch, places, stack } = this, memory = this.#memory;
    const deepest = FREE_FRAMES + stack.length / BYTES_EACH;
    this.#evaluator.stepsLeft = FREE_STEPS + stack.length / BYTES_EACH;
    this.endObject = undefined;
    this.#isExact = true;
    this.#sp = registers[arch.sp];
    let depth = 0, pc = registers[arch.pc], before: UnwindObject | undefined;
    memory.begin(this.thread, space.version ?? 0);
    if (!(pc >= MIN_ADDRESS && pc < this.#most)) return this.#finish(0, END.CORRUPT);
    for (;;) {
      const place = this.#isExact ? pc : pc - 1;
      if (places !== undefined) places[depth] = place;
      out[depth++] = pc;
      memory.add(place, pc, this.#sp, registers[arch.fp]);
      const known = memory.match(stack);
      if (known >= 0 && depth + known <= most) {
        memory.rest(depth, out, places);
        return this.#finish(depth + known, END.ROOT);
      }
      const object = space.find(place);
      pc = this.#step(space, object, place);
      if (pc < 0 && depth > 1 && this.end === END.UNMAPPED) {
        depth--; // a return address that leads nowhere was none
        if (this.#isElsewhere(registers[arch.fp])) this.end = END.OTHER_STACK;
      }
      if (!(pc >= MIN_ADDRESS && pc < this.#most)) {
        if (pc >= 0) this.end = pc === 0 ? END.ROOT : END.CORRUPT;
        this.#endIn(object, before, pc);
        return this.#finish(depth, this.end);
      }
      before = object;
      if (depth >= most) return this.#finish(depth, END.DEEP);
      if (depth >= deepest) return this.#finish(depth, END.CORRUPT);
    }
  }

  /** Returns whether threads begin in the function that a return address leads to. */
  isRoot(space: CodeSpace, pc: number): boolean {
    const object = space.find(pc - 1), { bias } = space;
    if (object === undefined) return false;
    const rule = object.cfi === undefined ? NO_RULE.NONE : this.#finder.find(object, pc - 1 - bias, false);
    if (rule >= 0) return (this.#rules.ints[rule * this.#rules.stride] & IS_ROOT) !== 0;
    if (rule !== NO_RULE.NONE && rule !== NO_RULE.BUILT_IN) return rule === NO_RULE.ROOT;
    return object.isEntry(pc - 1 - bias) || this.#guesser.isGoexit(object, pc - bias);
  }

  /**
   * Sets the registers to the caller's and returns its pc; returns -1 and sets `end` when there is no caller.
   */
  #step(space: CodeSpace, object: UnwindObject | undefined, place: number): number {
    const hasRules = object !== undefined && object.cfi !== undefined;
    const rule = hasRules || object?.code === CODE.FILE
      ? this.#finder.find(object, place - space.bias, this.#isExact)
      : NO_RULE.NONE;
    if (rule >= 0) {
      const pc = this.#stepCompact(rule);
      if (pc >= 0 || this.end !== END.NO_REGISTER || !Number.isNaN(this.registers[this.arch.sp])) return pc;
      return this.#guess(space, object, place); // on aarch64, behind code without tables
    }
    if (rule === NO_RULE.NONE) return this.#guess(space, object, place);
    if (rule === NO_RULE.BUILT_IN) return this.#guess(space, object, place, true);
    if (rule === NO_RULE.TRAMPOLINE) return this.#stepFull(this.#guesser.trampoline);
    if (rule === NO_RULE.ROOT) return this.#stop(END.ROOT);
    if (rule === NO_RULE.DAMAGED) return this.#stop(END.CORRUPT);
    return this.#stepFull(this.#rules.full(rule));
  }

  /** Notes which object the chain ends in, unless at a root. */
  #endIn(object: UnwindObject | undefined, before: UnwindObject | undefined, pc: number): void {
    const from = object ?? before;
    // the tables of Go know only its goroutines' first function for a root, and nothing of changes from stack to stack
    if (from?.isGo && (pc === 0 || this.end === END.CORRUPT || this.end === END.UNMAPPED)) {
      this.end = END.OTHER_STACK;
      this.endObject = from;
    } else if (this.end !== END.ROOT) this.endObject = object;
  }

  #finish(depth: number, end: End): number {
    this.end = end;
    this.#memory.end(end === END.ROOT);
    return depth;
  }

  /** Returns whether an address may be on another stack. */
  #isElsewhere(address: number): boolean {
    return address >= MIN_ADDRESS && address < this.#most && !this.stack.has(address);
  }

  /** Notes why the chain ends; returns what is no address. */
  #stop(end: End): number {
    this.end = end;
    return -1;
  }

  /** Notes that the chain ends because 8 bytes at `address` are not in the piece. */
  #stopAt(address: number): number {
    const { stack } = this;
    this.missing = stack.missing(address);
    return this.#stop(stack.whyNot(address));
  }

  /**
   * Returns whether code without tables is the first of a thread's: as glibc's clone3 ends its tables where parent and
   * child part, and begins new ones, without a caller, a few bytes on in the child.
   */
  #isBeforeRoot(object: UnwindObject, address: number): boolean {
    const { cfi } = object;
    if (cfi === undefined || object.findFunction(address)) return false;
    const next = cfi.gapEnd;
    return next > address && next - address <= MAX_ROOT_GAP &&
      object.findRow(next, this.#row) === FOUND.ROW && this.#row.kinds[this.arch.ra] === RULE.UNDEFINED;
  }

  /** Applies a compact rule; returns as #step does. */
  #stepCompact(rule: number): number {
    const rules = this.#rules, { ints } = rules, at = rule * rules.stride;
    const first = ints[at];
    if (first & IS_ROOT) return this.#stop(END.ROOT);
    const { registers, arch, stack } = this, { saved, ra } = arch;
    const frameEnd = registers[first & REGISTER_MASK] + ints[at + 1];
    // on aarch64 a leaf's frame is empty
    if (!(frameEnd > this.#sp || (frameEnd === this.#sp && this.#isExact && ra !== arch.pc))) {
      return this.#badFrame(frameEnd);
    }
    const { view, start, length } = stack, from = stack.at;
    for (let i = 0; i < saved.length; i++) {
      const offset = ints[at + 2 + i];
      if (offset === 0) continue;
      const place = frameEnd + offset;
      if (place < this.#sp) continue; // popped already, in an epilogue
      const index = place - start;
      if (!(index >= 0 && index + 8 <= length)) {
        if (saved[i] === ra) return this.#stopAt(place);
        registers[saved[i]] = NaN;
        continue;
      }
      const high = view.getUint32(from + index + 4, true);
      registers[saved[i]] = (saved[i] === ra ? high & this.#highMask : high) * TWO_32 +
        view.getUint32(from + index, true);
    }
    let pc: number;
    if (ra === arch.pc) {
      const index = frameEnd - 8 - start;
      if (!(index >= 0 && index + 8 <= length)) return this.#stopAt(frameEnd - 8);
      pc = view.getUint32(from + index + 4, true) * TWO_32 + view.getUint32(from + index, true);
      this.#memory.savedAt(frameEnd - 8);
    } else {
      pc = registers[ra];
      const offset = ints[at + 2 + saved.indexOf(ra)];
      if (offset !== 0) this.#memory.savedAt(frameEnd + offset);
    }
    registers[arch.sp] = this.#sp = frameEnd;
    this.#isExact = false;
    return Number.isNaN(pc) ? this.#stop(END.NO_REGISTER) : pc;
  }

  /** Notes why a frame cannot end at this address. */
  #badFrame(frameEnd: number): number {
    if (Number.isNaN(frameEnd)) return this.#stop(END.NO_REGISTER);
    return this.#stop(END.CORRUPT);
  }

  /** Applies a rule that is not compact; returns as #step does. */
  #stepFull({ row, columns, expressions, isSignal }: FullRule): number {
    const { registers, arch } = this, next = this.#next;
    const frameEnd = this.#frameEnd(row, expressions[CFA]);
    if (expressions[CFA] && Number.isNaN(frameEnd)) return this.#noValue();
    if (!isSignal && !(frameEnd > this.#sp || (frameEnd === this.#sp && this.#mayBeEmpty(row)))) {
      return this.#badFrame(frameEnd);
    }
    if (!(frameEnd >= MIN_ADDRESS)) return this.#badFrame(frameEnd);
    next.set(registers);
    next[arch.sp] = frameEnd;
    let pcColumn = arch.ra;
    for (const column of columns) {
      if (column === CFA) continue;
      if (column === arch.pc) pcColumn = column;
      const kind = row.kinds[column];
      if (column === arch.ra && kind === RULE.UNDEFINED) return this.#stop(END.ROOT);
      const value = this.#valueOf(row, column, expressions[column], frameEnd);
      // what cannot be read is lost, the return address but one, without which there is no caller
      if (Number.isNaN(value) && column === pcColumn) {
        return this.end === END.SHORT ? -1 : this.#stop(this.end);
      }
      next[column] = value;
    }
    registers.set(next);
    if (row.kinds[pcColumn] === RULE.OFFSET) this.#memory.savedAt(frameEnd + row.values[pcColumn]);
    this.#sp = registers[arch.sp];
    if (Number.isNaN(this.#sp)) return this.#stop(END.NO_REGISTER);
    this.#isExact = isSignal;
    return registers[pcColumn];
  }

  /** Returns whether the frame may hold nothing: that of a leaf whose return address is in a register. */
  #mayBeEmpty({ kinds }: Row): boolean {
    const { ra, pc } = this.arch;
    const isKept = kinds[ra] === RULE.REGISTER;
    return ra === pc ? this.#isExact && isKept : this.#isExact || isKept;
  }

  /** Notes why the last expression had no value. */
  #noValue(): number {
    const { unread, lacksRegister } = this.#evaluator;
    if (!Number.isNaN(unread)) return this.#stopAt(unread);
    return this.#stop(lacksRegister ? END.NO_REGISTER : END.CORRUPT);
  }

  #frameEnd(row: Row, expression: Uint8Array | undefined): number {
    const { registers } = this;
    if (expression) return this.#evaluator.evaluate(expression, registers, NaN);
    const register = row.values[CFA];
    return register < registers.length ? registers[register] + row.extras[CFA] : NaN;
  }

  /** Returns the caller's value of a register; NaN where it is lost, with the reason in `end`. */
  #valueOf(row: Row, column: number, expression: Uint8Array | undefined, frameEnd: number): number {
    const { registers, arch } = this, value = row.values[column];
    this.end = END.NO_REGISTER;
    switch (row.kinds[column]) {
      case RULE.UNDEFINED:
        return NaN;
      case RULE.OFFSET: {
        const place = frameEnd + value;
        // popped already, in an epilogue; a return address cannot be where it has no register
        return place < this.#sp && column !== arch.pc ? registers[column] : this.#saved(column, place);
      }
      case RULE.VAL_OFFSET:
        return frameEnd + value;
      case RULE.REGISTER:
        return value < registers.length ? registers[value] : NaN;
    }
    if (expression) {
      const result = this.#evaluator.evaluate(expression, registers, frameEnd);
      if (Number.isNaN(result)) this.#noValue();
      return row.kinds[column] === RULE.EXPRESSION ? this.#saved(column, result) : result;
    }
    return registers[column];
  }

  #saved(column: number, place: number): number {
    const { stack, arch } = this;
    if (Number.isNaN(place)) return NaN;
    if (!stack.read(place)) {
      this.#stopAt(place);
      return NaN;
    }
    const isCode = column === arch.ra || column === arch.pc;
    return (isCode ? stack.high & this.#highMask : stack.high) * TWO_32 + stack.low;
  }

  /** Finds the caller without call frame information; returns as #step does. */
  #guess(space: CodeSpace, object: UnwindObject | undefined, place: number, isBuiltIn = false): number {
    const guesser = this.#guesser;
    // frame pointers would lead past the frames of functions that keep none, of which its tables may tell
    if (object?.code === CODE.NOT_READ) return this.#stop(END.NOT_READ);
    // what signal handlers return to may be the first instruction of an object
    if (object === undefined && !this.#isExact) {
      const code = space.find(place + 1);
      if (code && guesser.isTrampoline(code, place + 1 - space.bias)) {
        return this.#stepFull(guesser.trampoline);
      }
    }
    const caller = guesser.guess({ space, object, place, sp: this.#sp, isExact: this.#isExact, isBuiltIn });
    if (caller > 0) {
      this.#memory.savedAt(guesser.savedAt);
      this.#sp = guesser.least;
      this.#isExact = false;
      return caller;
    }
    if (caller === 0) return this.#stop(END.ROOT);
    if (object === undefined) return this.#stop(END.UNMAPPED);
    space.find(place);
    if (this.#isBeforeRoot(object, place - space.bias)) return this.#stop(END.ROOT);
    if (guesser.shortBy > 0) {
      this.missing = guesser.shortBy;
      return this.#stop(END.SHORT);
    }
    return this.#stop(object.code === CODE.UNREADABLE ? END.UNREADABLE : END.NO_CFI);
  }
}
