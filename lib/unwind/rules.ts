/**
 * Rules: what a row of call frame information comes down to, in a few integers where it can. Programs have
 * some hundred different ones, so equal rules are kept once:
 *
 *     compact    i32 register of the frame's end, and flags;  i32 offset of the frame's end;  i32 for each saved register:
 *                where it is saved, from the frame's end on, or 0 where it is left as it was
 *     full       whatever else there is: expressions (PLT stubs, signal frames), registers in other registers
 */

import { mix } from "../base/bytes/hash.ts";
import type { Arch } from "./arch.ts";
import type { ObjectCfi } from "./cfi/object_cfi.ts";
import { CFA, Row, RULE } from "./cfi/row.ts";

/** Numbers that are no compact rule's. */
export const NO_RULE = {
  /** Address without call frame information. */
  NONE: -1,
  /** Call frame information that makes no sense. */
  DAMAGED: -2,
  /** Code without tables that signal handlers return to. */
  TRAMPOLINE: -3,
  /** Code that has no caller, which its tables do not tell. */
  ROOT: -4,
  /** Code without tables, of which a program with tables has much: the output of a compiler of its own, built in. */
  BUILT_IN: -5,
} as const;
/** Full rule n is number FIRST_FULL - n. */
const FIRST_FULL = -6;

/** Bits of a compact rule's first integer. The low ones are the number of the register. */
export const REGISTER_MASK = 0x3f;
/** The return address is undefined: the thread began here. */
export const IS_ROOT = 0x40;

const MAX_COMPACT = 1 << 15, MAX_FULL = 4096;
/** Slots of the table of compact rules, twice as many as rules. */
const SLOTS = 2 * MAX_COMPACT;
/** Bytes of an expression; real ones have up to 20. */
const MAX_EXPRESSION = 256;
const MAX_OFFSET = 2 ** 31 - 1;

/** A rule that needs more than a few integers. */
export interface FullRule {
  row: Row;
  /** Columns that the row says something of. */
  columns: number[];
  /** Expressions by column. */
  expressions: (Uint8Array | undefined)[];
  isSignal: boolean;
}

/** Facts of the entry that a row is from. */
export type RowEntry = Pick<ObjectCfi, "isSignal" | "returnRegister" | "expression">;

/** The rules of all objects of one machine. */
export class RuleTable {
  readonly arch: Arch;
  /** Integers of a compact rule. */
  readonly stride: number;
  ints: Int32Array;
  /**
   * Grows each time that the rules are thrown away, because there were too many: their numbers are void then.
   */
  generation = 0;
  #count = 0;
  readonly #fulls: FullRule[] = [];
  /** Hash table of the compact rules: their numbers plus 1, by their integers. */
  readonly #slots = new Int32Array(SLOTS);
  /** Numbers of full rules by their contents. */
  readonly #numbers = new Map<string, number>();

  constructor(arch: Arch) {
    this.arch = arch;
    this.stride = 2 + arch.saved.length;
    this.ints = new Int32Array(64 * this.stride);
  }

  /** How many different rules there are. */
  get size(): number {
    return this.#count + this.#numbers.size;
  }

  full(rule: number): FullRule {
    return this.#fulls[FIRST_FULL - rule];
  }

  /** Returns the number of the rule that `row` comes down to, which `cfi` found last. */
  add(row: Row, cfi: RowEntry): number {
    if (this.#count >= MAX_COMPACT || this.#fulls.length >= MAX_FULL) this.#clear();
    return this.#makeCompact(row, cfi) ? this.#addCompact() : this.#addFull(row, cfi);
  }

  #clear(): void {
    this.generation++;
    this.#count = this.#fulls.length = 0;
    this.#numbers.clear();
    this.#slots.fill(0);
  }

  /** Returns the number of the compact rule behind the last one, or of the one before it that is the same. */
  #addCompact(): number {
    const { ints, stride } = this, slots = this.#slots, last = this.#count * stride;
    let hash = 0;
    for (let i = last; i < last + stride; i++) hash = mix(hash, ints[i]);
    for (let slot = hash & (SLOTS - 1);; slot = (slot + 1) & (SLOTS - 1)) {
      if (slots[slot] === 0) {
        slots[slot] = this.#count + 1;
        return this.#count++;
      }
      const at = (slots[slot] - 1) * stride;
      let same = 0;
      while (same < stride && ints[at + same] === ints[last + same]) same++;
      if (same === stride) return slots[slot] - 1;
    }
  }

  /** Puts the integers of a compact rule behind the last one; false for a row that needs more. */
  #makeCompact({ kinds, values, extras }: Row, cfi: RowEntry): boolean {
    const { arch } = this, { returnRegister: ra } = cfi;
    if (cfi.isSignal || kinds[CFA] !== RULE.REGISTER || ra !== arch.ra) return false;
    const register = values[CFA], offset = extras[CFA];
    if (!(register < arch.registers && isOffset(offset)) || kinds[arch.sp] !== RULE.UNSET) return false;
    const isRoot = kinds[ra] === RULE.UNDEFINED;
    // on x86-64 the return address has no place of its own: it always is where the call put it
    const isInPlace = arch.saved.includes(ra) || (kinds[ra] === RULE.OFFSET && values[ra] === -8);
    if (!isRoot && !isInPlace) return false;
    const at = this.#count * this.stride;
    if (at === this.ints.length) {
      const grown = new Int32Array(2 * at);
      grown.set(this.ints);
      this.ints = grown;
    }
    const { ints } = this;
    ints[at] = register | (isRoot ? IS_ROOT : 0);
    ints[at + 1] = offset;
    for (let i = 0; i < arch.saved.length; i++) {
      const column = arch.saved[i], kind = kinds[column], value = values[column];
      if (kind === RULE.UNSET || kind === RULE.SAME || (column === ra && isRoot)) ints[at + 2 + i] = 0;
      else if (kind === RULE.OFFSET && value !== 0 && isOffset(value)) ints[at + 2 + i] = value;
      else return false;
    }
    return true;
  }

  #addFull(row: Row, cfi: RowEntry): number {
    const columns: number[] = [], expressions: (Uint8Array | undefined)[] = [];
    const key: unknown[] = [cfi.isSignal];
    for (let column = 0; column <= CFA; column++) {
      const kind = row.kinds[column];
      if (kind === RULE.UNSET || (column !== CFA && column >= this.arch.registers)) continue;
      columns.push(column);
      const isExpression = kind === RULE.EXPRESSION || kind === RULE.VAL_EXPRESSION;
      if (isExpression) {
        if (row.extras[column] > MAX_EXPRESSION) return NO_RULE.DAMAGED;
        expressions[column] = cfi.expression(row.values[column], row.extras[column]);
        key.push(column, kind, expressions[column]!.toHex());
      } else key.push(column, kind, row.values[column], row.extras[column]);
    }
    if (row.kinds[CFA] === RULE.UNSET) return NO_RULE.DAMAGED;
    const copy = new Row();
    copy.copy(row);
    // the return address goes where the program counter is, whichever column the entry has for it
    if (cfi.returnRegister !== this.arch.ra) return NO_RULE.DAMAGED;
    const rule = { row: copy, columns, expressions, isSignal: cfi.isSignal };
    const text = key.join();
    let number = this.#numbers.get(text);
    if (number === undefined) this.#numbers.set(text, number = FIRST_FULL - (this.#fulls.push(rule) - 1));
    return number;
  }
}

function isOffset(value: number): boolean {
  return Number.isInteger(value) && value >= -MAX_OFFSET && value <= MAX_OFFSET;
}
