/**
 * Functions of a unit: which of them each address is in, and which were inlined into which. Every entry of the unit is
 * visited once, in order; only those of functions are more than skipped.
 */

import { float64Column, int32Column } from "../../../base/bytes/column.ts";
import { type Cost, WORK } from "../../object/limits.ts";
import { LineReader } from "../dwarf_line_header.ts";
import type { AbbreviationTable } from "./abbreviations.ts";
import { AT, FORM, TAG } from "./constants.ts";
import { directForm, fixedSize, NOWHERE, readValue, skipVariable } from "./forms.ts";
import { type PaintedRanges, RangePainter } from "../painted_ranges.ts";
import { isDropped, type RangeLists } from "./range_lists.ts";
import type { Unit, Units } from "./units.ts";

/** Functions of a unit, and their inlined copies. Rows refer to each other by number; -1 is none. */
export interface UnitFunctions {
  /** Row that each was inlined into; -1 for functions with code of their own. */
  parent: Int32Array;
  /** Reference to the entry with its name, as readValue() gives it. */
  named: Float64Array;
  /** Place of the call that was inlined: number of the file in the unit's lines, and line; 0 if unknown. */
  callFile: Int32Array;
  callLine: Int32Array;
  /** Rows by address. */
  ranges: PaintedRanges;
}

/** Attributes that are read, by their place in EntryWalker's values. All others are skipped. */
const SLOT = {
  LOW: 0,
  HIGH: 1,
  RANGES: 2,
  ORIGIN: 3,
  CALL_FILE: 4,
  CALL_LINE: 5,
  SIBLING: 6,
} as const;
const SLOTS = 7;
const FUNCTION_SLOTS: Readonly<Record<number, number>> = {
  [AT.LOW_PC]: SLOT.LOW,
  [AT.HIGH_PC]: SLOT.HIGH,
  [AT.RANGES]: SLOT.RANGES,
  [AT.ABSTRACT_ORIGIN]: SLOT.ORIGIN,
  [AT.CALL_FILE]: SLOT.CALL_FILE,
  [AT.CALL_LINE]: SLOT.CALL_LINE,
};
const TYPE_SLOTS: Readonly<Record<number, number>> = { [AT.SIBLING]: SLOT.SIBLING };
/** Slots of entries whose attributes matter, by tag. The children of these types are no functions. */
const SLOTS_OF_TAG: Readonly<Record<number, Readonly<Record<number, number>>>> = {
  [TAG.SUBPROGRAM]: FUNCTION_SLOTS,
  [TAG.INLINED_SUBROUTINE]: FUNCTION_SLOTS,
  [TAG.ARRAY_TYPE]: TYPE_SLOTS,
  [TAG.ENUMERATION_TYPE]: TYPE_SLOTS,
  [TAG.SUBROUTINE_TYPE]: TYPE_SLOTS,
};

/** Steps that are no slot: skip so many bytes; skip a value of that form. */
const SKIP_BYTES = -1, SKIP_FORM = -2;
/** Numbers of a step: a slot or one of the two above, a number of bytes or a form, the constant of an implicit_const. */
const STEP = 3;

/** Bytes of memory of a function, of a level of entries, and of a number of a plan. */
const FUNCTION_BYTES = 40, LEVEL_BYTES = 8, NUMBER_BYTES = 8;

/**
 * Reads the functions of a unit; those before the damage if it is damaged. Throws LimitError.
 * @param lists reader of the same units' range lists.
 */
export function readUnitFunctions(units: Units, lists: RangeLists, unit: Unit): UnitFunctions {
  const { info: { cost }, section } = units, size = unit.end - unit.offset;
  cost.work(WORK.debugUnit + size * WORK.entry);
  if (!section.held) cost.hold(size);
  const plans = new Plans(unit, cost), walker = new EntryWalker({ units, lists, unit, plans });
  walker.walk(section.window(unit.offset, size));
  plans.release();
  if (!section.held) cost.release(size);
  return walker.functions();
}

/** How to read the entries of a unit, by row of its abbreviations: steps that take only what is wanted. */
class Plans {
  /** Steps of all rows that have been planned. */
  readonly steps: number[] = [];
  /** Place of each row's first step, and behind its last; undefined if it has not been planned. */
  readonly starts: number[] = [];
  readonly ends: number[] = [];
  readonly #unit: Unit;
  readonly #cost: Cost;
  #held = 0;

  constructor(unit: Unit, cost: Cost) {
    this.#unit = unit;
    this.#cost = cost;
  }

  /** Releases the memory that planning was charged for. */
  release(): void {
    this.#cost.release(this.#held);
  }

  /** Plans a row. A slot is filled once, so the steps of an entry are not many more than its bytes. */
  plan(row: number, { tags, attributes, starts }: AbbreviationTable): void {
    const { steps } = this, slots = SLOTS_OF_TAG[tags[row]] ?? {};
    const numbers = starts[row + 1] - starts[row], held = numbers * NUMBER_BYTES;
    this.#cost.work(numbers);
    this.#cost.hold(held);
    this.#held += held;
    const filled = new Set<number>();
    let bytes = 0;
    const skip = () => {
      if (bytes > 0) steps.push(SKIP_BYTES, bytes, 0);
      bytes = 0;
    };
    this.starts[row] = steps.length;
    for (let at = starts[row]; at < starts[row + 1]; at += 3) {
      const form = attributes[at + 1], slot = slots[attributes[at]];
      const size = fixedSize(form, this.#unit);
      if (slot !== undefined && !filled.has(slot)) {
        filled.add(slot);
        skip();
        steps.push(slot, form, attributes[at + 2]);
      } else if (size >= 0) bytes += size;
      else {
        skip();
        steps.push(SKIP_FORM, form, 0);
      }
    }
    skip();
    this.ends[row] = steps.length;
  }
}

/** Visitor of the entries of a unit. */
class EntryWalker {
  readonly #units: Units;
  readonly #lists: RangeLists;
  readonly #unit: Unit;
  readonly #plans: Plans;
  readonly #parent = int32Column();
  readonly #named = float64Column();
  readonly #callFile = int32Column();
  readonly #callLine = int32Column();
  readonly #painter: RangePainter;
  /** Row of the function that the entries at each level lie in, or -1. */
  readonly #levels = int32Column();
  /** Values of the current entry by slot, and their forms; a form of 0 if it has none. */
  readonly #values = new Float64Array(SLOTS);
  readonly #forms = new Int32Array(SLOTS);
  /** Whether there are any. */
  #filled = false;

  constructor({ units, lists, unit, plans }: { units: Units; lists: RangeLists; unit: Unit; plans: Plans }) {
    this.#units = units;
    this.#lists = lists;
    this.#unit = unit;
    this.#plans = plans;
    this.#painter = new RangePainter(units.info.cost);
  }

  functions(): UnitFunctions {
    return {
      parent: this.#parent.values(),
      named: this.#named.values(),
      callFile: this.#callFile.values(),
      callLine: this.#callLine.values(),
      ranges: this.#painter.paint(),
    };
  }

  /** Visits all entries, up to the first that cannot be read. */
  walk(bytes: Uint8Array): void {
    const { abbreviations, entries } = this.#unit, { starts } = this.#plans, levels = this.#levels;
    const { tags, parents } = abbreviations, { cost, littleEndian } = this.#units.info;
    const r = new LineReader(bytes, littleEndian, entries);
    let depth = 0, inside = -1;
    while (r.pos < bytes.length) {
      const entry = r.pos, code = r.uleb();
      if (code === 0) {
        if (--depth <= 0) return;
        inside = levels.data[depth - 1];
        continue;
      }
      const row = abbreviations.row(code);
      if (row < 0) return;
      if (starts[row] === undefined) this.#plans.plan(row, abbreviations);
      if (!this.#take(r, row)) return;
      const tag = tags[row];
      let within = inside;
      if (tag === TAG.SUBPROGRAM || tag === TAG.INLINED_SUBROUTINE) within = this.#add(tag, entry, inside);
      if (parents[row]) {
        if (tag in SLOTS_OF_TAG && this.#skipsTo(bytes.length, r)) continue;
        if (depth === levels.length) {
          if (depth % 1024 === 0) cost.hold(1024 * LEVEL_BYTES);
          levels.push(within);
        } else levels.data[depth] = within;
        depth++;
        inside = within;
      } else if (depth === 0) return;
    }
  }

  /** Moves to the entry's sibling, if it is of a type that has one. */
  #skipsTo(end: number, r: LineReader): boolean {
    const to = this.#forms[SLOT.SIBLING] === 0 ? 0 : this.#values[SLOT.SIBLING] - this.#unit.offset;
    if (!(to > r.pos && to < end)) return false;
    r.pos = to;
    return true;
  }

  /** Reads the attributes of an entry. Returns false if the length of one is unknown. */
  #take(r: LineReader, row: number): boolean {
    const { steps, starts, ends } = this.#plans, unit = this.#unit, forms = this.#forms;
    if (this.#filled) forms.fill(0);
    this.#filled = false;
    for (let at = starts[row], end = ends[row]; at < end; at += STEP) {
      const slot = steps[at];
      if (slot === SKIP_BYTES) r.pos += steps[at + 1];
      else if (slot === SKIP_FORM) {
        if (!skipVariable(r, steps[at + 1], unit)) return false;
      } else {
        const form = steps[at + 1] === FORM.INDIRECT ? directForm(r) : steps[at + 1];
        forms[slot] = form;
        this.#filled = true;
        this.#values[slot] = readValue(r, form, steps[at + 2], unit);
      }
    }
    return true;
  }

  /**
   * Adds the function whose attributes were just read. Returns its row, or -1 if it has no code: it is a declaration, or
   * describes what its inlined copies have in common.
   */
  #add(tag: number, entry: number, inside: number): number {
    const forms = this.#forms, values = this.#values;
    const isInlined = tag === TAG.INLINED_SUBROUTINE;
    if (isInlined ? inside < 0 : forms[SLOT.LOW] === 0 && forms[SLOT.RANGES] === 0) return -1;
    const row = this.#parent.length;
    if (row % 1024 === 0) this.#units.info.cost.hold(1024 * FUNCTION_BYTES);
    this.#parent.push(isInlined ? inside : -1);
    const hasOrigin = isInlined && forms[SLOT.ORIGIN] !== 0;
    const named = hasOrigin ? values[SLOT.ORIGIN] : this.#unit.offset + entry;
    this.#named.push(Number.isNaN(named) ? NOWHERE : named);
    this.#callFile.push(forms[SLOT.CALL_FILE] === 0 ? 0 : values[SLOT.CALL_FILE]);
    this.#callLine.push(forms[SLOT.CALL_LINE] === 0 ? 0 : values[SLOT.CALL_LINE]);
    this.#addRanges(row);
    return row;
  }

  /** Adds the ranges of the function whose attributes were just read. */
  #addRanges(row: number): void {
    const forms = this.#forms, values = this.#values, unit = this.#unit, painter = this.#painter;
    if (forms[SLOT.RANGES] !== 0) {
      this.#lists.each(unit, forms[SLOT.RANGES], values[SLOT.RANGES], (low, high) => {
        painter.add(low, high, row);
      });
    } else if (forms[SLOT.HIGH] !== 0) {
      const low = this.#units.address(unit, forms[SLOT.LOW], values[SLOT.LOW]);
      const high = this.#units.endAddress(unit, low, forms[SLOT.HIGH], values[SLOT.HIGH]);
      if (low < high && !isDropped(low, unit)) painter.add(low, high, row);
    }
  }
}
