/**
 * DWARF expressions, as far as call frame information has them (DWARF 5, sections 2.5 and 6.4.2), without
 * branches that never end: their steps and their stack are bounded. Values are 64 bits, kept as two halves,
 * so that nothing is allocated and masks and shifts are exact.
 */

import { LineReader } from "../../symbols/dwarf/dwarf_line_header.ts";

const TWO_32 = 4294967296;
/** Values on the stack, and steps. PLT stubs take 8 of these, signal frames 2. */
const MAX_VALUES = 64, MAX_STEPS = 1000;

const OP = {
  ADDR: 0x03,
  DEREF: 0x06,
  CONST1U: 0x08,
  CONST1S: 0x09,
  CONST2U: 0x0a,
  CONST2S: 0x0b,
  CONST4U: 0x0c,
  CONST4S: 0x0d,
  CONST8U: 0x0e,
  CONST8S: 0x0f,
  CONSTU: 0x10,
  CONSTS: 0x11,
  DUP: 0x12,
  DROP: 0x13,
  OVER: 0x14,
  PICK: 0x15,
  SWAP: 0x16,
  ROT: 0x17,
  ABS: 0x19,
  AND: 0x1a,
  DIV: 0x1b,
  MINUS: 0x1c,
  MOD: 0x1d,
  MUL: 0x1e,
  NEG: 0x1f,
  NOT: 0x20,
  OR: 0x21,
  PLUS: 0x22,
  PLUS_UCONST: 0x23,
  SHL: 0x24,
  SHR: 0x25,
  SHRA: 0x26,
  XOR: 0x27,
  BRA: 0x28,
  EQ: 0x29,
  GE: 0x2a,
  GT: 0x2b,
  LE: 0x2c,
  LT: 0x2d,
  NE: 0x2e,
  SKIP: 0x2f,
  LIT0: 0x30,
  REG0: 0x50,
  BREG0: 0x70,
  REGX: 0x90,
  BREGX: 0x92,
  DEREF_SIZE: 0x94,
  NOP: 0x96,
} as const;

/** Memory that expressions read: what is known of the stack. */
export interface ExpressionMemory {
  /** Reads 8 bytes at an address into `low` and `high`; false where they are not known. */
  read(address: number): boolean;
  low: number;
  high: number;
}

/** Evaluates expressions, one after another. */
export class Evaluator {
  readonly #low = new Int32Array(MAX_VALUES);
  readonly #high = new Int32Array(MAX_VALUES);
  #depth = 0;
  /**
   * Why the last expression had no value: the address that could not be read, or NaN; whether a register was
   * not known.
   */
  unread = NaN;
  lacksRegister = false;
  /** Steps that expressions may still take; each one counts down. */
  stepsLeft = Infinity;
  readonly #memory: ExpressionMemory;

  constructor(memory: ExpressionMemory) {
    this.#memory = memory;
  }

  /**
   * Returns the value of an expression, as an address (lib/base/bytes/address.ts); NaN when it has none: it
   * is damaged, does not end, or reads what is not known.
   * @param first what is on the stack to begin with: the frame's end, for the rule of a register; NaN for
   * nothing.
   */
  evaluate(bytes: Uint8Array, registers: Float64Array, first: number, littleEndian = true): number {
    this.#depth = 0;
    this.unread = NaN;
    this.lacksRegister = false;
    if (!Number.isNaN(first)) this.#push(first);
    const r = new LineReader(bytes, littleEndian);
    for (let steps = 0; r.pos < bytes.length; steps++) {
      if (steps === MAX_STEPS || this.stepsLeft-- <= 0 || r.pos < 0) return NaN;
      if (!this.#step(r, r.u8(), registers)) return NaN;
      if (this.#depth > MAX_VALUES - 2) return NaN;
    }
    if (this.#depth < 1 || r.pos > bytes.length) return NaN;
    return this.#value(this.#depth - 1);
  }

  #value(at: number): number {
    return this.#high[at] * TWO_32 + (this.#low[at] >>> 0);
  }

  #push(value: number): void {
    this.#pushHalves(value | 0, Math.floor(value / TWO_32) | 0);
  }

  #pushHalves(low: number, high: number): void {
    this.#low[this.#depth] = low;
    this.#high[this.#depth++] = high;
  }

  /** Does one operation; false when that cannot be. */
  #step(r: LineReader, op: number, registers: Float64Array): boolean {
    if (op >= OP.LIT0 && op < OP.REG0) {
      this.#pushHalves(op - OP.LIT0, 0);
      return true;
    }
    if (op >= OP.REG0 && op <= OP.BREGX && op !== 0x91) return this.#register(r, op, registers);
    if (op >= OP.CONST1U && op <= OP.CONSTS || op === OP.ADDR) return this.#constant(r, op);
    switch (op) {
      case OP.BRA:
      case OP.SKIP: {
        const by = (r.u16() << 16) >> 16;
        if (op === OP.SKIP) r.pos += by;
        else if (this.#depth < 1) return false;
        else if ((this.#low[--this.#depth] | this.#high[this.#depth]) !== 0) r.pos += by;
        return true;
      }
      case OP.DEREF:
        return this.#read(8);
      case OP.DEREF_SIZE:
        return this.#read(r.u8());
      case OP.PLUS_UCONST:
        if (this.#depth < 1) return false;
        this.#push(r.uleb());
        return this.#two(OP.PLUS);
      case OP.NOP:
        return true;
    }
    if (op >= OP.DUP && op <= OP.ROT) return this.#arrange(r, op);
    if (op === OP.ABS || op === OP.NEG || op === OP.NOT) return this.#one(op);
    return this.#two(op);
  }

  /**
   * Pushes a register's value, or that and an offset. DW_OP_reg, which names a place, stands for its value,
   * as in gcc's unwinder.
   */
  #register(r: LineReader, op: number, registers: Float64Array): boolean {
    let number: number, offset = 0;
    if (op < OP.BREG0) number = op - OP.REG0;
    else if (op < OP.REGX) {
      number = op - OP.BREG0;
      offset = r.sleb();
    } else {
      number = r.uleb();
      if (op === OP.BREGX) offset = r.sleb();
    }
    const value = number < registers.length ? registers[number] : NaN;
    if (Number.isNaN(value + offset)) {
      this.lacksRegister = number < registers.length;
      return false;
    }
    this.#push(value);
    if (offset === 0) return true;
    this.#push(offset);
    return this.#two(OP.PLUS);
  }

  #constant(r: LineReader, op: number): boolean {
    switch (op) {
      case OP.CONST1U:
        this.#pushHalves(r.u8(), 0);
        break;
      case OP.CONST1S:
        this.#push(r.i8());
        break;
      case OP.CONST2U:
        this.#pushHalves(r.u16(), 0);
        break;
      case OP.CONST2S:
        this.#push((r.u16() << 16) >> 16);
        break;
      case OP.CONST4U:
        this.#pushHalves(r.u32(), 0);
        break;
      case OP.CONST4S:
        this.#push(r.u32() | 0);
        break;
      case OP.CONSTU:
        this.#push(r.uleb());
        break;
      case OP.CONSTS:
        this.#push(r.sleb());
        break;
      default: { // DW_OP_addr, DW_OP_const8u, DW_OP_const8s
        const low = r.u32();
        this.#pushHalves(low, r.u32());
      }
    }
    return true;
  }

  /** Reads `size` bytes at the address on top of the stack, and puts them in its place. */
  #read(size: number): boolean {
    if (this.#depth < 1 || size < 1 || size > 8) return false;
    const at = this.#depth - 1, memory = this.#memory;
    if (!memory.read(this.#value(at))) {
      this.unread = this.#value(at);
      return false;
    }
    const { low, high } = memory;
    this.#low[at] = size >= 4 ? low : low & (2 ** (8 * size) - 1);
    this.#high[at] = size === 8 ? high : size <= 4 ? 0 : high & (2 ** (8 * (size - 4)) - 1);
    return true;
  }

  /** Operations that copy and move what is on the stack. */
  #arrange(r: LineReader, op: number): boolean {
    const depth = this.#depth;
    const copy = (back: number): boolean => {
      if (back >= depth) return false;
      this.#pushHalves(this.#low[depth - 1 - back], this.#high[depth - 1 - back]);
      return true;
    };
    switch (op) {
      case OP.DUP:
        return copy(0);
      case OP.OVER:
        return copy(1);
      case OP.PICK:
        return copy(r.u8());
      case OP.DROP:
        if (depth < 1) return false;
        this.#depth--;
        return true;
    }
    // DW_OP_swap and DW_OP_rot: the top goes below the next one, or two
    const count = op === OP.SWAP ? 2 : 3;
    if (depth < count) return false;
    for (const halves of [this.#low, this.#high]) {
      const top = halves[depth - 1];
      halves.copyWithin(depth - count + 1, depth - count, depth - 1);
      halves[depth - count] = top;
    }
    return true;
  }

  #one(op: number): boolean {
    const at = this.#depth - 1;
    if (at < 0) return false;
    if (op === OP.NOT) {
      this.#low[at] = ~this.#low[at];
      this.#high[at] = ~this.#high[at];
    } else if (op === OP.NEG || this.#high[at] < 0) {
      const low = -this.#low[at] | 0;
      this.#high[at] = low === 0 ? -this.#high[at] : ~this.#high[at];
      this.#low[at] = low;
    }
    return true;
  }

  /** Operations on two values, of which one is left. */
  #two(op: number): boolean {
    if (this.#depth < 2) return false;
    const at = --this.#depth - 1;
    const low = this.#low[at],
      high = this.#high[at],
      otherLow = this.#low[at + 1],
      otherHigh = this.#high[at + 1];
    const put = (low: number, high: number): boolean => {
      this.#low[at] = low;
      this.#high[at] = high;
      return true;
    };
    const sum = (low: number, high: number, otherLow: number, otherHigh: number): boolean => {
      const lowSum = (low >>> 0) + (otherLow >>> 0);
      return put(lowSum | 0, high + otherHigh + (lowSum >= TWO_32 ? 1 : 0));
    };
    switch (op) {
      case OP.PLUS:
        return sum(low, high, otherLow, otherHigh);
      case OP.MINUS: {
        const negated = -otherLow | 0;
        return sum(low, high, negated, negated === 0 ? -otherHigh : ~otherHigh);
      }
      case OP.AND:
        return put(low & otherLow, high & otherHigh);
      case OP.OR:
        return put(low | otherLow, high | otherHigh);
      case OP.XOR:
        return put(low ^ otherLow, high ^ otherHigh);
    }
    if (op === OP.SHL && otherHigh === 0 && otherLow > 0 && otherLow < 32) { // in each PLT stub
      return put(low << otherLow, (high << otherLow) | (low >>> (32 - otherLow)));
    }
    if (op >= OP.EQ && op <= OP.NE) {
      const order = high - otherHigh || (low >>> 0) - (otherLow >>> 0);
      return put(compares(op, order) ? 1 : 0, 0);
    }
    const value = calculate(op, wide(low, high), wide(otherLow, otherHigh));
    if (value === undefined) return false;
    return put(Number(BigInt.asIntN(32, value)), Number(BigInt.asIntN(32, value >> 32n)));
  }
}

function compares(op: number, order: number): boolean {
  switch (op) {
    case OP.EQ:
      return order === 0;
    case OP.GE:
      return order >= 0;
    case OP.GT:
      return order > 0;
    case OP.LE:
      return order <= 0;
    case OP.LT:
      return order < 0;
  }
  return order !== 0;
}

function wide(low: number, high: number): bigint {
  return (BigInt(high) << 32n) | BigInt(low >>> 0);
}

/** Operations that are rare enough to be done with bigints; the values are signed. */
function calculate(op: number, value: bigint, other: bigint): bigint | undefined {
  const unsigned = BigInt.asUintN(64, value), by = BigInt.asUintN(64, other);
  switch (op) {
    case OP.SHL:
      return by > 63n ? 0n : value << by;
    case OP.SHR:
      return by > 63n ? 0n : unsigned >> by;
    case OP.SHRA:
      return value >> (by > 63n ? 63n : by);
    case OP.MUL:
      return value * other;
    case OP.DIV:
      return other === 0n ? undefined : value / other;
    case OP.MOD:
      return by === 0n ? undefined : unsigned % by;
  }
  return undefined;
}
