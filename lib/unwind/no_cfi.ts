/**
 * Frames of code without call frame information: assembly, PLT stubs of some linkers, C libraries that are
 * built without it, what a JIT made. What looks like a return address is believed when it stands behind an
 * instruction that calls; most when that calls the very function that we are in.
 */

import { type Arch, MIN_ADDRESS, X86_64 } from "./arch.ts";
import { CallCache, NO_CALL } from "./call_before.ts";
import { CODE, type CodeSpace, type UnwindObject } from "./object.ts";
import { type ReadingLimits, ReturnFinder } from "./code/return_finder.ts";
import { CFA, Row, RULE } from "./cfi/row.ts";
import type { FullRule } from "./rules.ts";
import type { StackPiece } from "./stack_piece.ts";

/** Bits of the high half of an address: on aarch64 signatures and tags are above them. */
export const HIGH_MASK = { x86_64: 0xffffffff, aarch64: 0xffff } as const;
/** Returns the first address above user space. */
export function mostAddress(arch: Arch): number {
  return arch === X86_64 ? 2 ** 47 : 2 ** 48;
}

const TWO_32 = 4294967296;
/** Bytes of a function: how far behind a called address the current one may be. */
const MAX_FUNCTION = 64 << 10;
/** Bytes that a frame may lie behind the end of the piece. */
const MAX_FRAME = 1 << 20;
/** Bytes of arguments that are put between two frames: Java has at most 255 of them. */
const MAX_ARGUMENTS = 2048;
/** Bytes of stack that are searched for a return address. */
const MAX_SEARCHED = 2048;
/** Frame records of unknown code that are followed ahead. */
const MAX_RECORDS = 32;
/** Bytes of an entry of a PLT, and from which on its index lies on the stack. */
const PLT_ENTRY = 16, PLT_PUSHED = 11;

/** State of a walk at a frame. */
export interface Place {
  space: CodeSpace;
  object: UnwindObject | undefined;
  /** The address that was looked up. */
  place: number;
  sp: number;
  /** Whether the thread was interrupted there. */
  isExact: boolean;
  /** Whether it is in generated code that is built into a program (NO_RULE.BUILT_IN). */
  isBuiltIn: boolean;
}

/** Finds callers without tables. */
export class Guesser {
  readonly #arch: Arch;
  readonly #registers: Float64Array;
  readonly #stack: StackPiece;
  readonly #most: number;
  /** The rule of the code that signal handlers return to. */
  readonly trampoline: FullRule;
  readonly #calls = new CallCache();
  readonly #finder: ReturnFinder;
  /**
   * After a guess that failed: by how many bytes the piece of stack is too short to go on; 0 when that is not
   * why.
   */
  shortBy = 0;
  /** After a guess: below which address the caller's frame does not begin. */
  least = 0.5;
  /** After a guess: where the caller's address was found in memory; NaN where it was in a register. */
  savedAt = NaN;
  /**
   * The last return address of the frame records that were followed last, whose caller has a frame pointer of zero: the
   * thread began there.
   */
  #last = NaN;
  #space: CodeSpace | undefined;
  /** Returns whether a return address may be saved at an address. */
  readonly #mayReturn = (at: number): boolean => {
    const stack = this.#stack;
    if (!stack.has(at)) return stack.isCut && stack.missing(at) < MAX_FRAME;
    const pc = stack.value(at);
    return this.#isReturn(this.#space!, pc) || this.#isHandlerReturn(this.#space!, pc);
  };
  /** The address that the call before a return address leads to, as far as it is known: set by #isReturn. */
  #target = NaN;

  constructor(arch: Arch, registers: Float64Array, stack: StackPiece, limits: ReadingLimits) {
    this.#arch = arch;
    this.#registers = registers;
    this.#stack = stack;
    this.#most = mostAddress(arch);
    this.trampoline = trampolineRule(arch);
    this.#finder = new ReturnFinder(registers, stack, limits);
  }

  /** Returns whether signal handlers return to that address, by the instructions there. */
  isTrampoline(object: UnwindObject, address: number): boolean {
    return object.code === CODE.FILE && isTrampoline(object.codeAt(address, 9), this.#arch);
  }

  /** Sets the registers to the caller's and returns its pc; 0 at the root, -1 where nothing leads on. */
  guess(at: Place): number {
    const { space, object, place } = at;
    this.shortBy = 0;
    this.savedAt = NaN;
    if (object !== undefined && space.find(place) === object && object.isEntry(place - space.bias)) return 0;
    if (!at.isExact && (at.isBuiltIn || object?.keepsFramePointers)) {
      // reading it takes longer
      const pc = this.#byFramePointer(at);
      if (pc > 0) return pc;
      this.shortBy = 0;
    }
    if (object !== undefined && this.#arch === X86_64) {
      const pc = this.#byEpilogue(at, object);
      if (pc > 0 || this.shortBy > 0) return pc;
    }
    const isFile = object !== undefined && object.code === CODE.FILE;
    if (isFile && at.isExact) {
      const pc = this.#fromTop(at);
      if (pc > 0) return pc;
    }
    const pc = this.#byFramePointer(at);
    if (pc >= 0) return pc;
    if (this.#registers[this.#arch.fp] === 0 && !at.isExact && place + 1 === this.#last) return 0;
    if (isFile && this.#arch === X86_64) {
      const found = this.#search(at);
      if (found > 0) return found;
      // called by way of a register: any call will do
      const top = at.isExact ? this.#stack.value(at.sp) : NaN;
      if (this.#isReturn(space, top)) return this.#moveTo(top, at.sp + 8);
    }
    return this.#registers[this.#arch.fp] === 0 && marksRoot(object) ? 0 : -1;
  }

  /** Returns whether code may be mapped at an address. */
  #mayBeCode(address: number): boolean {
    return address >= MIN_ADDRESS && address < this.#most;
  }

  /** Returns whether a signal handler returns to `pc`. */
  #isHandlerReturn(space: CodeSpace, pc: number): boolean {
    const object = this.#mayBeCode(pc) ? space.find(pc) : undefined;
    return object !== undefined && this.isTrampoline(object, pc - space.bias);
  }

  /** Finds the caller by what the function still does until it returns. */
  #byEpilogue({ space, place, sp, isExact }: Place, object: UnwindObject): number {
    space.find(place);
    const stack = this.#stack, pc = place - space.bias + (isExact ? 0 : 1);
    this.#space = space;
    const saved = this.#finder.find(object, pc, sp, this.#mayReturn);
    if (Number.isNaN(saved)) return -1;
    if (!stack.has(saved)) {
      this.shortBy = stack.missing(saved);
      return -1;
    }
    // a thread may be interrupted before the pointer is set
    const isAtPointer = saved === this.#registers[this.#arch.fp] + 8;
    if (!isExact) object.learnOfFrame(isAtPointer);
    const caller = stack.value(saved);
    const callersSp = isAtPointer && this.#finder.isByPointer
      ? this.#callersSp(space, caller, saved - 8)
      : saved + 8;
    this.#finder.restore(sp);
    this.savedAt = saved;
    return this.#moveTo(caller, callersSp);
  }

  /**
   * Returns the stack pointer of the caller at `pc`, behind a frame record. HotSpot's interpreter saves it below its record: compiled code that
   * calls interpreted code makes room for the arguments below its own frame, on the way.
   */
  #callersSp(space: CodeSpace, pc: number, frame: number): number {
    const end = frame + 16;
    if (space.find(pc - 1)?.code !== CODE.GENERATED) return end;
    const saved = this.#stack.value(frame - 8);
    return saved > end && saved <= end + MAX_ARGUMENTS && saved % 8 === 0 ? saved : end;
  }

  /** Finds the caller of a leaf that has pushed nothing yet, or of a PLT stub. */
  #fromTop(at: Place): number {
    const { space, object, place, sp } = at;
    space.find(place);
    const address = place - space.bias, isPlt = object!.isPlt(address);
    if (this.#arch !== X86_64) {
      return this.#fromLink(at, isPlt && hasPushed(object!, address) ? sp + 16 : sp, isPlt);
    }
    const top = this.#stack.value(sp);
    // a stub may have been jumped to, by a function whose last act is a call
    if (this.#isReturn(space, top) && (isPlt || this.#leadsTo(space, place))) {
      return this.#moveTo(top, sp + 8);
    }
    if (!isPlt || address % PLT_ENTRY < PLT_PUSHED) return -1;
    const next = this.#stack.value(sp + 8);
    return this.#isReturn(space, next) ? this.#moveTo(next, sp + 16) : -1;
  }

  /** Finds the caller by the register that a call puts its address into, unless the function may have called others since. */
  #fromLink({ space, object, place }: Place, sp: number, isPlt: boolean): number {
    const link = this.#registers[this.#arch.ra];
    if (!this.#isReturn(space, link)) return -1;
    if (isPlt || this.#leadsTo(space, place)) return this.#moveTo(link, sp);
    // a call from here would have left an address of this function, which is in this object and has no tables
    const caller = space.find(link - 1)!;
    const isOther = caller !== object || caller.findFunction(link - 1 - space.bias);
    return isOther ? this.#moveTo(link, sp) : -1;
  }

  /**
   * Finds the caller by the frame record at the frame pointer: { the caller's frame pointer, return address
   * }.
   */
  #byFramePointer({ space, sp }: Place): number {
    const registers = this.#registers, arch = this.#arch, { fp } = arch, stack = this.#stack;
    const frame = registers[fp];
    if (!(frame >= sp) || frame % 8 !== 0) return -1;
    if (!stack.has(frame + 8)) {
      const missing = stack.missing(frame + 8);
      if (stack.isCut && missing < MAX_FUNCTION) this.shortBy = missing;
      return -1;
    }
    const pc = this.#codeAddress(frame + 8);
    if (pc === 0) return 0;
    const caller = stack.value(frame);
    if (!this.#isReturn(space, pc) && !this.#isInChain(space, frame, pc)) {
      if (caller !== 0 || !this.#returnsToGoexit(space, pc)) return -1;
    }
    this.#last = caller === 0 ? pc : NaN;
    this.#forget();
    registers[fp] = caller;
    // on aarch64 the record may be anywhere in the frame: where that ends is not known
    this.least = arch === X86_64 ? this.#callersSp(space, pc, frame) : frame + 16;
    registers[arch.sp] = arch === X86_64 ? this.least : NaN;
    this.savedAt = frame + 8;
    return pc;
  }

  /**
   * Returns whether the frame record that has `pc`, where nothing is known to be mapped, is one of several
   * that lead to known code: a program that makes memory executable later tells nobody.
   */
  #isInChain(space: CodeSpace, first: number, pc: number): boolean {
    const stack = this.#stack;
    if (!this.#mayBeCode(pc) || space.find(pc - 1) !== undefined) return false;
    let frame = first;
    for (let records = 0; records < MAX_RECORDS; records++) {
      const next = stack.value(frame);
      if (!(next > frame) || next % 8 !== 0 || !stack.has(next + 8)) return false;
      if (this.#isReturn(space, this.#codeAddress(next + 8))) return true;
      frame = next;
    }
    return false;
  }

  /**
   * Returns whether `pc` is in Go's runtime.goexit, to which all goroutines return. Nothing calls it: they start as if it
   * had, at its second instruction, which is a call behind one that does nothing.
   */
  isGoexit(object: UnwindObject, pc: number, start?: number): boolean {
    const isX86 = this.#arch === X86_64, at = pc - (isX86 ? 1 : 4);
    if (object.code !== CODE.FILE || (start !== undefined && start !== at)) return false;
    const code = object.codeAt(at, 8);
    if (code.length < 8) return false;
    // nop, call rel32, nop;  mov x0, x0, bl
    if (isX86) return code[0] === 0x90 && code[1] === 0xe8 && code[6] === 0x90;
    const view = new DataView(code.buffer, code.byteOffset, 8);
    return view.getUint32(0, true) === 0xaa0003e0 && view.getUint32(4, true) >>> 26 === 0x25;
  }

  #returnsToGoexit(space: CodeSpace, pc: number): boolean {
    const object = this.#mayBeCode(pc) ? space.find(pc - 1) : undefined;
    return object !== undefined && this.isGoexit(object, pc - space.bias);
  }

  /**
   * Finds the first word of the stack that is behind a call of this very function, or of the entry code: what the entry
   * calls leaves it to others to call main.
   */
  #search({ space, place, sp }: Place): number {
    const stack = this.#stack;
    // counted from the stack pointer, which is no exact number above 2^53
    for (let from = 0; from < MAX_SEARCHED && stack.has(sp + from); from += 8) {
      const at = sp + from, pc = stack.value(at);
      if (!this.#isReturn(space, pc) || !(this.#leadsTo(space, place) || this.#isInEntry(space, pc))) {
        continue;
      }
      this.savedAt = at;
      return this.#moveTo(pc, at + 8);
    }
    return -1;
  }

  #isInEntry(space: CodeSpace, pc: number): boolean {
    const object = space.find(pc - 1);
    return object !== undefined && object.isEntry(pc - 1 - space.bias);
  }

  #moveTo(pc: number, sp: number): number {
    this.least = sp;
    this.#registers[this.#arch.sp] = sp;
    return pc;
  }

  /** Forgets registers that a function without tables may have saved anywhere. */
  #forget(): void {
    const registers = this.#registers;
    for (const number of this.#arch.saved) registers[number] = NaN;
  }

  #codeAddress(at: number): number {
    const stack = this.#stack;
    return stack.read(at) ? ((stack.high & HIGH_MASK[this.#arch.name]) >>> 0) * TWO_32 + stack.low : NaN;
  }

  /**
   * Returns whether the call that was found last is of the function that `place` is in, as far as its size
   * can be guessed. What has tables is another function, since there are none for this one.
   */
  #leadsTo(space: CodeSpace, place: number): boolean {
    const target = this.#target;
    if (!(place >= target && place < target + MAX_FUNCTION)) return false;
    const object = space.find(target);
    return object !== undefined && !object.findFunction(target - space.bias);
  }

  /**
   * Returns whether code is mapped before `pc` that calls, or whose instructions are not known. Sets #target.
   */
  #isReturn(space: CodeSpace, pc: number): boolean {
    this.#target = NaN;
    if (!this.#mayBeCode(pc)) return false;
    const object = space.find(pc - 1);
    if (object === undefined) return false;
    if (object.code !== CODE.FILE) return true;
    const target = this.#calls.target(object, pc - space.bias, this.#arch);
    if (target === NO_CALL) return false;
    this.#target = target + space.bias;
    return true;
  }
}

/**
 * Returns whether a frame pointer of zero says that the thread began here, as the ABI has it: where frame
 * pointers are kept, and in the few functions without tables of an object that has them, such as those that
 * start programs and threads. Elsewhere the register may hold any number.
 */
function marksRoot(object: UnwindObject | undefined): boolean {
  return object !== undefined &&
    (object.code === CODE.GENERATED ||
      object.code === CODE.FILE && (object.cfi !== undefined || object.isGo));
}

/** stp x16, x30, [sp, #-16]! */
const PLT_PUSH = [0xf0, 0x7b, 0xbf, 0xa9];

/** Returns whether the first entry of a PLT on aarch64 has pushed two registers before an address. */
function hasPushed(object: UnwindObject, address: number): boolean {
  const code = object.codeAt(address - 16, 16);
  for (let at = 0; at < code.length; at += 4) {
    if (PLT_PUSH.every((byte, i) => code[at + i] === byte)) return true;
  }
  return false;
}

/**
 * Recognizes the code that signal handlers return to, which calls rt_sigreturn:
 *
 *     x86-64   mov $15, %rax (glibc) or %eax (musl); syscall        aarch64   mov x8, #139; svc #0
 */
function isTrampoline(code: Uint8Array, arch: Arch): boolean {
  const starts = (...bytes: number[]) => bytes.every((byte, i) => code[i] === byte);
  if (arch !== X86_64) return starts(0x68, 0x11, 0x80, 0xd2, 0x01, 0x00, 0x00, 0xd4);
  return starts(0x48, 0xc7, 0xc0, 15, 0, 0, 0, 0x0f, 0x05) || starts(0xb8, 15, 0, 0, 0, 0x0f, 0x05);
}

/**
 * Makes the rule for the registers that the kernel saves for a signal handler, from the stack pointer on that
 * the trampoline starts with: struct rt_sigframe, struct ucontext and struct sigcontext of arch/x86 and
 * arch/arm64.
 */
function trampolineRule(arch: Arch): FullRule {
  const row = new Row();
  row.set(CFA, RULE.REGISTER, arch.sp, 0);
  // r8 ... r15, rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip;  x0 ... x30, sp, pc
  const order = arch === X86_64 ? [8, 9, 10, 11, 12, 13, 14, 15, 5, 4, 6, 3, 1, 0, 2, 7, 16] : arch.perf;
  const first = arch === X86_64 ? 40 : 312;
  order.forEach((number, i) => row.set(number, RULE.OFFSET, first + 8 * i));
  return { row, columns: [...order].sort((a, b) => a - b), expressions: [], isSignal: true };
}
