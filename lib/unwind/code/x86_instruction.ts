/**
 * Reads instructions of x86-64: how long each is, and what it does to the stack pointer, the frame pointer and the flow of
 * control; nothing else of it. Intel's manual, volume 2, chapter 2 and appendix A.
 *
 *     prefixes; REX | VEX | EVEX; opcode, in one of its maps; ModRM; SIB; displacement; immediate
 */

/** Effects of instructions, as far as stacks are concerned. */
export const DOES = {
  OTHER: 0,
  /** Pushes 8 bytes. */
  PUSH: 1,
  /** Pops `register`. */
  POP: 2,
  /** Adds `value` to the stack pointer. */
  ADD_SP: 3,
  /** Sets the stack pointer to the frame pointer plus `value`. */
  SP_FROM_FP: 4,
  /** Sets the frame pointer to the stack pointer plus `value`. */
  FP_FROM_SP: 5,
  /** Sets the stack pointer to the frame pointer, and pops the latter. */
  LEAVE: 6,
  RETURN: 7,
  CALL: 8,
  /** Jumps to `value`. */
  JUMP: 9,
  /** Jumps to `value`, or goes on. */
  BRANCH: 10,
  /** Jumps to where a register or memory says. */
  JUMP_INDIRECT: 11,
  /** Does not go on: a trap, or an instruction that no program has. */
  STOP: 12,
  /** Does nothing: it fills a gap. */
  NOP: 13,
  /** Sets the stack pointer to something unknown. */
  LOSE_SP: 14,
  /** Sets the frame pointer to something unknown. */
  LOSE_FP: 15,
} as const;

const SP = 4, FP = 5;
/** Whether an opcode of the first map has a ModRM byte: a bit for each, by 32. */
const HAS_MODRM = bits(
  (op) =>
    op < 0x40
      ? (op & 7) < 4
      : [0x62, 0x63, 0x69, 0x6b].includes(op) || (op >= 0x80 && op < 0x90) || [0xc0, 0xc1].includes(op) ||
        [0xc6, 0xc7].includes(op) || (op >= 0xd0 && op < 0xd4) || (op >= 0xd8 && op < 0xe0) ||
        [0xf6, 0xf7, 0xfe, 0xff].includes(op),
);
/** Whether one has an immediate of 8 bits. */
const HAS_IMM8 = bits(
  (op) =>
    op < 0x40 ? (op & 7) === 4 : [0x6a, 0x6b, 0x80, 0x83, 0xa8, 0xc0, 0xc1, 0xc6, 0xcd, 0xeb].includes(op) ||
      (op >= 0x70 && op < 0x80) || (op >= 0xb0 && op < 0xb8) || (op >= 0xe0 && op < 0xe8),
);
/** Whether one has an immediate of 32 bits, or of 16 with the prefix 66. */
const HAS_IMM32 = bits(
  (op) =>
    op < 0x40
      ? (op & 7) === 5
      : [0x68, 0x69, 0x81, 0xa9, 0xc7, 0xe8, 0xe9].includes(op) || (op >= 0xb8 && op < 0xc0),
);
/** Opcodes that 64-bit code does not have. */
const INVALID = bits(
  (op) =>
    (op < 0x40 && (op & 7) > 5 && ![0x0f, 0x26, 0x2e, 0x36, 0x3e].includes(op)) ||
    [0x60, 0x61, 0x82, 0x9a, 0xce, 0xd4, 0xd5, 0xd6, 0xea].includes(op),
);
/** Prefixes that change nothing here: repetition, lock, segments, the size of addresses. */
const IS_PREFIX = bits((op) => [0xf2, 0xf0, 0x2e, 0x3e, 0x26, 0x36, 0x64, 0x65, 0x67].includes(op));
/** Whether an opcode behind 0f has no ModRM byte, and an immediate of 8 bits. */
const NO_MODRM_0F = bits(
  (op) =>
    (op >= 0x05 && op < 0x0a) || op === 0x0b || op === 0x0e || (op >= 0x30 && op < 0x38) || op === 0x77 ||
    (op >= 0x80 && op < 0x90) || [0xa0, 0xa1, 0xa2, 0xa8, 0xa9, 0xaa].includes(op) ||
    (op >= 0xc8 && op < 0xd0),
);
const HAS_IMM8_0F = bits((op) =>
  (op >= 0x70 && op < 0x74) || [0xa4, 0xac, 0xba, 0xc2, 0xc4, 0xc5, 0xc6].includes(op)
);

function bits(test: (op: number) => boolean): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, op) => Number(test(op)));
}

/** The instruction that was read last. */
export class Instruction {
  length = 0;
  does: number = DOES.OTHER;
  /** Amount, or offset of a target from the instruction's start. */
  value = 0;
  register = 0;

  #code: Uint8Array = new Uint8Array(0);
  #view = new DataView(this.#code.buffer);
  #at = 0;
  #from = 0;
  /** REX bits R and B as they are added to a register's number, and W. */
  #r = 0;
  #b = 0;
  #wide = false;
  #is16 = false;
  /** ModRM. */
  #mode = 0;
  #reg = 0;
  #rm = 0;
  /** Displacement, and whether the operand is just a register with it. */
  #displacement = 0;
  #isPlain = false;

  /** Takes the code to read from. */
  open(code: Uint8Array): void {
    this.#code = code;
    this.#view = new DataView(code.buffer, code.byteOffset, code.byteLength);
  }

  /** Reads the instruction at an offset; false where the code ends before it does. */
  read(from: number): boolean {
    this.does = DOES.OTHER;
    this.value = this.register = 0;
    this.#at = this.#from = from;
    this.#r = this.#b = 0;
    this.#wide = this.#is16 = false;
    this.#decode();
    this.length = this.#at - from;
    return this.#at <= this.#code.length;
  }

  #byte(): number {
    return this.#at < this.#code.length ? this.#code[this.#at++] : (this.#at++, 0);
  }

  #decode(): void {
    let op = this.#byte();
    let isRepeated = false;
    for (;;) {
      if (op === 0x66) this.#is16 = true;
      else if (op === 0xf3) isRepeated = true;
      else if (!IS_PREFIX[op]) break;
      if (this.#at - this.#from > 14) return this.#stop();
      op = this.#byte();
    }
    if (op >= 0x40 && op < 0x50) {
      this.#wide = (op & 8) !== 0;
      this.#r = (op & 4) << 1;
      this.#b = (op & 1) << 3;
      op = this.#byte();
    }
    if (INVALID[op]) return this.#stop();
    if (op === 0xc4 || op === 0xc5 || op === 0x62) return this.#vector(op);
    if (op === 0x0f) return this.#second(isRepeated);
    this.#first(op);
  }

  #stop(): void {
    this.does = DOES.STOP;
  }

  /** Skips ModRM, SIB and displacement. */
  #operand(): void {
    const byte = this.#byte();
    this.#mode = byte >> 6;
    this.#reg = ((byte >> 3) & 7) | this.#r;
    const low = byte & 7;
    this.#rm = low | this.#b;
    this.#displacement = 0;
    this.#isPlain = true;
    if (this.#mode === 3) return;
    let hasBase = true;
    if (low === 4) {
      const sib = this.#byte();
      this.#isPlain = (sib & 0x38) === 0x20; // no index
      this.#rm = (sib & 7) | this.#b;
      hasBase = this.#mode !== 0 || (sib & 7) !== 5;
    } else if (this.#mode === 0 && low === 5) hasBase = false;
    if (!hasBase) this.#isPlain = false;
    if (this.#mode === 1) this.#displacement = this.#immediate(1);
    else if (this.#mode === 2 || !hasBase) this.#displacement = this.#immediate(4);
  }

  #immediate(size: number): number {
    const at = this.#at;
    this.#at += size;
    if (this.#at > this.#code.length) return 0;
    return size === 1
      ? this.#view.getInt8(at)
      : size === 2
      ? this.#view.getInt16(at, true)
      : this.#view.getInt32(at, true);
  }

  #first(op: number): void {
    if (HAS_MODRM[op]) this.#operand();
    let immediate = 0;
    if (HAS_IMM8[op]) immediate = this.#immediate(1);
    else if (op >= 0xb8 && op < 0xc0 && this.#wide) this.#at += 8;
    else if (HAS_IMM32[op]) immediate = this.#immediate(this.#is16 && op !== 0xe8 && op !== 0xe9 ? 2 : 4);
    else if (op >= 0xa0 && op < 0xa4) this.#at += 8;
    else if (op === 0xc2) this.#at += 2;
    else if (op === 0xc8) this.#at += 3;
    else if ((op === 0xf6 || op === 0xf7) && (this.#reg & 7) < 2) {
      this.#immediate(op === 0xf6 ? 1 : this.#is16 ? 2 : 4);
    }
    this.#effect(op, immediate);
  }

  /** Tells what an opcode of the first map does. */
  #effect(op: number, immediate: number): void {
    if (op >= 0x50 && op < 0x58) this.does = DOES.PUSH;
    else if (op >= 0x58 && op < 0x60) {
      this.does = DOES.POP;
      this.register = (op & 7) | this.#b;
      if (this.register === SP) this.does = DOES.LOSE_SP;
    } else if (op >= 0x70 && op < 0x80 || op >= 0xe0 && op < 0xe4) this.#flow(DOES.BRANCH, immediate);
    else {
      switch (op) {
        case 0x68:
        case 0x6a:
        case 0x9c:
          this.does = DOES.PUSH;
          break;
        case 0x8f:
        case 0x9d:
          this.does = DOES.ADD_SP;
          this.value = 8;
          break;
        case 0x90:
          this.does = DOES.NOP;
          break;
        case 0xc2:
        case 0xc3:
          this.does = DOES.RETURN;
          break;
        case 0xc8:
          this.does = DOES.LOSE_SP;
          break;
        case 0xc9:
          this.does = DOES.LEAVE;
          break;
        case 0xca:
        case 0xcb:
        case 0xcc:
        case 0xcf:
        case 0xf1:
        case 0xf4:
          this.does = DOES.STOP;
          break;
        case 0xe8:
          this.#flow(DOES.CALL, immediate);
          break;
        case 0xe9:
        case 0xeb:
          this.#flow(DOES.JUMP, immediate);
          break;
        case 0xff:
          this.#indirect();
          break;
        default:
          this.#move(op, immediate);
      }
    }
  }

  #flow(does: number, by: number): void {
    this.does = does;
    this.value = this.#at - this.#from + by;
  }

  #indirect(): void {
    const kind = this.#reg & 7;
    if (kind === 2 || kind === 3) this.does = DOES.CALL;
    else if (kind === 4 || kind === 5) this.does = DOES.JUMP_INDIRECT;
    else if (kind === 6) this.does = DOES.PUSH;
    else if (kind === 7) this.does = DOES.STOP;
    else this.#lose(this.#mode === 3 ? this.#rm : -1);
  }

  /** Tells what an instruction that computes or moves does to the two registers. */
  #move(op: number, immediate: number): void {
    const reg = this.#reg, isRegister = this.#mode === 3, rm = this.#rm;
    if ((op === 0x83 || op === 0x81) && isRegister) {
      const kind = reg & 7;
      if (rm === SP && (kind === 0 || kind === 5)) {
        this.does = DOES.ADD_SP;
        this.value = kind === 0 ? immediate : -immediate;
      } else if (kind !== 7) this.#lose(rm);
    } else if (op === 0x89 && isRegister) this.#copy(reg, rm);
    else if (op === 0x8b && isRegister) this.#copy(rm, reg);
    else if (op === 0x8d && this.#isPlain && this.#wide) this.#load(reg, rm);
    else if (op === 0x8b || op === 0x8d || op === 0x63 || op === 0x69 || op === 0x6b) this.#lose(reg);
    else if (op < 0x38 && HAS_MODRM[op] && (op & 1) === 1) {
      this.#lose((op & 2) !== 0 ? reg : isRegister ? rm : -1);
    } else if (op === 0x87 && isRegister) {
      this.#lose(reg);
      if (this.does === DOES.OTHER) this.#lose(rm);
    } else if ((op === 0xc7 || op === 0xc1 || op === 0xd1 || op === 0xd3) && isRegister) this.#lose(rm);
    else if (op >= 0xb8 && op < 0xc0) this.#lose((op & 7) | this.#b);
  }

  /** Tells what a mov from one register to another does. */
  #copy(from: number, to: number): void {
    if (to === SP && from === FP) this.does = DOES.SP_FROM_FP;
    else if (to === FP && from === SP) this.does = DOES.FP_FROM_SP;
    else this.#lose(to);
  }

  /** Tells what a lea does. */
  #load(to: number, base: number): void {
    this.value = this.#displacement;
    if (to === SP && base === SP) this.does = DOES.ADD_SP;
    else if (to === SP && base === FP) this.does = DOES.SP_FROM_FP;
    else if (to === FP && base === SP) this.does = DOES.FP_FROM_SP;
    else this.#lose(to);
  }

  #lose(register: number): void {
    if (register === SP) this.does = DOES.LOSE_SP;
    else if (register === FP) this.does = DOES.LOSE_FP;
  }

  /** Opcodes behind 0f. */
  #second(isRepeated: boolean): void {
    const op = this.#byte();
    if (op === 0x38 || op === 0x3a) {
      this.#byte();
      this.#operand();
      if (op === 0x3a) this.#at++;
      return;
    }
    if (NO_MODRM_0F[op]) {
      if (op >= 0x80 && op < 0x90) this.#flow(DOES.BRANCH, this.#immediate(4));
      else if (op === 0x0b) this.does = DOES.STOP;
      else if (op === 0xa0 || op === 0xa8) this.does = DOES.PUSH;
      else if (op === 0xa1 || op === 0xa9) {
        this.does = DOES.ADD_SP;
        this.value = 8;
      } else if (op >= 0xc8) this.#lose((op & 7) | this.#b);
      return;
    }
    this.#operand();
    if (HAS_IMM8_0F[op]) this.#at++;
    if (op === 0x1f || (op === 0x1e && isRepeated && this.#mode === 3)) this.does = DOES.NOP;
    else if ((op >= 0x40 && op < 0x50) || op === 0xaf || (op >= 0xb6 && op < 0xc0 && op !== 0xba)) {
      this.#lose(this.#reg);
    }
  }

  /** Reads VEX and EVEX, which neither jump nor touch the two registers, but for a few of BMI that are taken for harmless. */
  #vector(prefix: number): void {
    let map = 1;
    if (prefix !== 0xc5) {
      const byte = this.#byte();
      map = byte & (prefix === 0x62 ? 7 : 31);
      this.#at += prefix === 0x62 ? 2 : 1;
    } else this.#at++;
    const op = this.#byte();
    if (map === 1 && op === 0x77 && prefix !== 0x62) return;
    this.#r = this.#b = 0;
    this.#operand();
    if (map === 3 || (map === 1 && HAS_IMM8_0F[op])) this.#at++;
    else if (map === 0 || map > 6 || map === 4) this.#stop();
  }
}
