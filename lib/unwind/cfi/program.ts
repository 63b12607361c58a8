/** Runs call frame instructions up to an address: DWARF 5, section 6.4.2, with GNU's and Arm's additions. */

import { LineReader } from "../../symbols/dwarf/dwarf_line_header.ts";
import type { Cie } from "../../symbols/dwarf/cfi_entries.ts";
import { type PointerBases, readPointer } from "../../symbols/dwarf/cfi_pointer.ts";
import { CFA, COLUMNS, Row, RULE } from "./row.ts";

const DW_CFA = {
  ADVANCE_LOC: 1,
  OFFSET: 2,
  RESTORE: 3,
  SET_LOC: 0x01,
  ADVANCE_LOC1: 0x02,
  ADVANCE_LOC2: 0x03,
  ADVANCE_LOC4: 0x04,
  OFFSET_EXTENDED: 0x05,
  RESTORE_EXTENDED: 0x06,
  UNDEFINED: 0x07,
  SAME_VALUE: 0x08,
  REGISTER: 0x09,
  REMEMBER_STATE: 0x0a,
  RESTORE_STATE: 0x0b,
  DEF_CFA: 0x0c,
  DEF_CFA_REGISTER: 0x0d,
  DEF_CFA_OFFSET: 0x0e,
  DEF_CFA_EXPRESSION: 0x0f,
  EXPRESSION: 0x10,
  OFFSET_EXTENDED_SF: 0x11,
  DEF_CFA_SF: 0x12,
  DEF_CFA_OFFSET_SF: 0x13,
  VAL_OFFSET: 0x14,
  VAL_OFFSET_SF: 0x15,
  VAL_EXPRESSION: 0x16,
  MIPS_ADVANCE_LOC8: 0x1d,
  AARCH64_SET_RA_STATE: 0x2b,
  GNU_ARGS_SIZE: 0x2e,
  GNU_NEGATIVE_OFFSET_EXTENDED: 0x2f,
} as const;

/** Stands for a register beyond those that a row has a column for. */
const NO_COLUMN = -1;
/** Rows that may be remembered at a time. Compilers remember one. */
const MAX_REMEMBERED = 64;

/** Instructions, and where they stand. */
export interface Program {
  /** Bytes of the section around them. */
  bytes: Uint8Array;
  littleEndian: boolean;
  /** Offset of `bytes` in the section, and address of the section. */
  origin: number;
  address: number;
  /** Range of the instructions in `bytes`. */
  from: number;
  to: number;
}

/** Outcomes of an instruction. */
const STEP = { ON: 0, REACHED: 1, DAMAGED: 2 } as const;
type Step = (typeof STEP)[keyof typeof STEP];

/** The machine that runs instructions; one does for all objects. */
export class ProgramRunner {
  /** Bytes of instructions that the last run took. */
  get taken(): number {
    return this.#r.pos - this.#program.from;
  }

  /** The row that the last run ended in. */
  readonly row: Row = new Row();
  /** Range of addresses of that row; its end is Infinity when it is the last. */
  rowStart = 0.5;
  rowEnd = 0.5;
  readonly #remembered: Row[] = [];
  /** How many rows are remembered. */
  #depth = 0;
  #r = new LineReader(new Uint8Array(0), true);
  #program!: Program;
  #cie!: Cie;
  #bases!: PointerBases;
  #initial: Row | undefined;
  #start = 0.5;
  #location = 0.5;
  #target = 0.5;

  /**
   * Runs an entry's instructions from `start` on until the row that has `target`. False when they are
   * damaged.
   * @param initial the row that the common part leaves; undefined while that itself is run.
   */
  run(
    program: Program,
    cie: Cie,
    bases: PointerBases,
    { start, target, initial }: { start: number; target: number; initial: Row | undefined },
  ): boolean {
    const { to } = program;
    const r = this.#r = new LineReader(program.bytes.subarray(0, to), program.littleEndian, program.from);
    this.#program = program;
    this.#cie = cie;
    this.#bases = bases;
    this.#initial = initial;
    this.#target = target;
    this.#start = this.#location = this.rowStart = start;
    this.rowEnd = Infinity;
    this.#depth = 0;
    if (initial) this.row.copy(initial);
    else this.row.clear();
    while (r.pos < to) {
      const step = this.#instruction(r.u8());
      if (step !== STEP.ON) return step === STEP.REACHED;
    }
    return r.pos <= to;
  }

  /** Instructions that have an operand in their low bits, and what else there is by its kind. */
  #instruction(byte: number): Step {
    const low = byte & 0x3f, { row } = this;
    switch (byte >>> 6) {
      case DW_CFA.ADVANCE_LOC:
        return this.#advance(low);
      case DW_CFA.OFFSET:
        row.set(low, RULE.OFFSET, this.#r.uleb() * this.#cie.dataAlign);
        return STEP.ON;
      case DW_CFA.RESTORE:
        return this.#restore(low);
    }
    if (byte <= DW_CFA.ADVANCE_LOC4 || byte === DW_CFA.MIPS_ADVANCE_LOC8) return this.#move(byte);
    if (byte >= DW_CFA.DEF_CFA && byte <= DW_CFA.DEF_CFA_EXPRESSION) return this.#frameEnd(byte);
    if (byte === DW_CFA.DEF_CFA_SF || byte === DW_CFA.DEF_CFA_OFFSET_SF) return this.#frameEnd(byte);
    return byte >= DW_CFA.AARCH64_SET_RA_STATE && byte <= DW_CFA.GNU_ARGS_SIZE
      ? this.#passOver(byte)
      : this.#register(byte);
  }

  #move(byte: number): Step {
    const r = this.#r;
    switch (byte) {
      case DW_CFA.SET_LOC: {
        const { address, origin } = this.#program, place = address + origin + r.pos;
        const to = readPointer(r, this.#cie.fdeEncoding, place, this.#bases, this.#start);
        return to >= this.#location ? this.#reach(to) : STEP.DAMAGED;
      }
      case DW_CFA.ADVANCE_LOC1:
        return this.#advance(r.u8());
      case DW_CFA.ADVANCE_LOC2:
        return this.#advance(r.u16());
      case DW_CFA.ADVANCE_LOC4:
        return this.#advance(r.u32());
      case DW_CFA.MIPS_ADVANCE_LOC8: {
        const step = r.u64();
        return step >= 0 ? this.#advance(step) : STEP.DAMAGED;
      }
    }
    return STEP.ON; // DW_CFA_nop
  }

  #advance(steps: number): Step {
    return this.#reach(this.#location + steps * this.#cie.codeAlign);
  }

  #reach(location: number): Step {
    if (location > this.#target) {
      this.rowEnd = location;
      return STEP.REACHED;
    }
    this.#location = this.rowStart = location;
    return STEP.ON;
  }

  /** Instructions about the frame's end. */
  #frameEnd(byte: number): Step {
    const r = this.#r, { row } = this, { dataAlign } = this.#cie;
    const isRegister = row.kinds[CFA] === RULE.REGISTER;
    switch (byte) {
      case DW_CFA.DEF_CFA:
        row.set(CFA, RULE.REGISTER, r.uleb(), r.uleb());
        break;
      case DW_CFA.DEF_CFA_SF:
        row.set(CFA, RULE.REGISTER, r.uleb(), r.sleb() * dataAlign);
        break;
      case DW_CFA.DEF_CFA_REGISTER:
        row.set(CFA, RULE.REGISTER, r.uleb(), isRegister ? row.extras[CFA] : 0);
        break;
      case DW_CFA.DEF_CFA_EXPRESSION:
        return this.#block(CFA, RULE.VAL_EXPRESSION);
      default: { // DW_CFA_def_cfa_offset, DW_CFA_def_cfa_offset_sf
        const offset = byte === DW_CFA.DEF_CFA_OFFSET ? r.uleb() : r.sleb() * dataAlign;
        if (!isRegister) return STEP.DAMAGED;
        row.extras[CFA] = offset;
      }
    }
    return STEP.ON;
  }

  /** Instructions about one register, or all. */
  #register(byte: number): Step {
    const r = this.#r, { row } = this, { dataAlign } = this.#cie;
    if (byte === DW_CFA.REMEMBER_STATE) {
      if (this.#depth >= MAX_REMEMBERED) return STEP.DAMAGED;
      (this.#remembered[this.#depth++] ??= new Row()).copy(row);
      return STEP.ON;
    }
    if (byte === DW_CFA.RESTORE_STATE) {
      if (this.#depth === 0) return STEP.DAMAGED;
      row.copy(this.#remembered[--this.#depth]);
      return STEP.ON;
    }
    const number = r.uleb(), column = number < COLUMNS ? number : NO_COLUMN;
    switch (byte) {
      case DW_CFA.OFFSET_EXTENDED:
        row.set(column, RULE.OFFSET, r.uleb() * dataAlign);
        break;
      case DW_CFA.OFFSET_EXTENDED_SF:
        row.set(column, RULE.OFFSET, r.sleb() * dataAlign);
        break;
      case DW_CFA.GNU_NEGATIVE_OFFSET_EXTENDED:
        row.set(column, RULE.OFFSET, -r.uleb() * dataAlign);
        break;
      case DW_CFA.VAL_OFFSET:
        row.set(column, RULE.VAL_OFFSET, r.uleb() * dataAlign);
        break;
      case DW_CFA.VAL_OFFSET_SF:
        row.set(column, RULE.VAL_OFFSET, r.sleb() * dataAlign);
        break;
      case DW_CFA.RESTORE_EXTENDED:
        return this.#restore(column);
      case DW_CFA.UNDEFINED:
        row.set(column, RULE.UNDEFINED);
        break;
      case DW_CFA.SAME_VALUE:
        row.set(column, RULE.SAME);
        break;
      case DW_CFA.REGISTER:
        row.set(column, RULE.REGISTER, r.uleb());
        break;
      case DW_CFA.EXPRESSION:
        return this.#block(column, RULE.EXPRESSION);
      case DW_CFA.VAL_EXPRESSION:
        return this.#block(column, RULE.VAL_EXPRESSION);
      default:
        return STEP.DAMAGED;
    }
    return STEP.ON;
  }

  #restore(column: number): Step {
    if (this.#initial) this.row.copyColumn(this.#initial, column);
    return STEP.ON;
  }

  #block(column: number, kind: number): Step {
    const r = this.#r, size = r.uleb(), at = r.pos;
    if (!(size <= this.#program.to - at)) return STEP.DAMAGED;
    this.row.set(column, kind, this.#program.origin + at, size);
    r.pos = at + size;
    return STEP.ON;
  }

  /**
   * Instructions that change nothing here: return addresses are stripped of their signatures, signed or not.
   */
  #passOver(byte: number): Step {
    const r = this.#r;
    if (byte === DW_CFA.AARCH64_SET_RA_STATE) {
      r.uleb();
      r.sleb();
    } else if (byte === DW_CFA.GNU_ARGS_SIZE) r.uleb();
    return STEP.ON;
  }
}
