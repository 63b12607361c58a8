/** Asks an object's call frame information: which function an address is in, and its row of rules. */

import type { ElfFile } from "../../symbols/elf/elf.ts";
import { archOf } from "../arch.ts";
import type { Cie, EntryReader, Fde } from "../../symbols/dwarf/cfi_entries.ts";
import { type Program, ProgramRunner } from "./program.ts";
import { Row } from "./row.ts";
import { cfiTables } from "./sections.ts";
import type { Cost } from "../../symbols/object/limits.ts";
import type { CfiTable } from "./table.ts";

/** Bytes of instructions of an entry that are run; functions of generated code have some 100 KB. */
const MAX_INSTRUCTIONS = 1 << 20;
/**
 * Bytes of instructions of an entry that cost nothing, as most functions have fewer, and units of work that
 * each further one takes. Remembering a row takes a byte and 100 ns.
 */
const FREE_INSTRUCTIONS = 128, INSTRUCTION_WORK = 10;

/** Answers about an address. */
export const FOUND = {
  ROW: 0,
  /** Address that is in no entry. */
  NONE: 1,
  /** An entry has it that cannot be understood. */
  DAMAGED: 2,
} as const;
/** One of FOUND. */
export type Found = (typeof FOUND)[keyof typeof FOUND];

const runner = new ProgramRunner();
/** Rows that common entries leave, once they were run. */
const initialRows = new WeakMap<Cie, Row>();

/** The call frame information of one object. Addresses are those that the object was linked for. */
export class ObjectCfi {
  /** The function that was found last, [start, end). */
  functionStart = 0.5;
  functionEnd = 0.5;
  /** Range of the row that was found last. */
  rowStart = 0.5;
  rowEnd = 0.5;
  /**
   * Range of addresses that no table has a function for, around the one that was last found in none; empty when it is
   * not known.
   */
  gapStart = 0.5;
  gapEnd = 0.5;
  /** Whether that is the frame that a signal made. */
  isSignal = false;
  /** The column with the return address. */
  returnRegister = 0;
  readonly #makers: readonly (() => CfiTable | undefined)[];
  /** Tables that were needed so far; null for one that cannot be read. */
  readonly #tables: (CfiTable | null)[] = [];
  #reader: EntryReader | undefined;
  #cost: Cost | undefined;

  /** @param makers what opens its tables, called in this order and once at most. */
  constructor(makers: readonly (() => CfiTable | undefined)[]) {
    this.#makers = makers;
  }

  /**
   * Opens that of a file, and of the separate file with its debug information; undefined where there is none,
   * or the machine is one whose stacks are not walked. Reads headers alone. Throws LimitError.
   */
  static open(file: ElfFile, debug?: ElfFile): ObjectCfi | undefined {
    if (archOf(file.machine) === undefined) return undefined;
    const makers = cfiTables(file, debug);
    return makers.length > 0 ? new ObjectCfi(makers) : undefined;
  }

  /**
   * Sets functionStart and functionEnd for the function at an address, by its entry, which stripped files
   * have, too. False where none has the address. Throws LimitError.
   */
  findFunction(address: number): boolean {
    return this.#find(address) !== undefined;
  }

  /** Sets `row` for an address, and all that is known of it. Throws LimitError. */
  findRow(address: number, row: Row): Found {
    const fde = this.#find(address);
    if (fde === undefined) return FOUND.NONE;
    const reader = this.#reader!, { cie, from, to } = fde;
    const initial = initialRow(reader, cie);
    const program = programOf(reader, from, to);
    const isSound = runner.run(program, cie, cie.bases, { start: fde.start, target: address, initial });
    if (runner.taken > FREE_INSTRUCTIONS) {
      this.#cost!.work((runner.taken - FREE_INSTRUCTIONS) * INSTRUCTION_WORK);
    }
    if (!isSound) return FOUND.DAMAGED;
    row.copy(runner.row);
    this.rowStart = runner.rowStart;
    this.rowEnd = Math.min(runner.rowEnd, fde.end);
    this.isSignal = cie.isSignal;
    this.returnRegister = cie.returnRegister;
    return FOUND.ROW;
  }

  /** Returns a copy of an expression of the row that was found last. */
  expression(at: number, size: number): Uint8Array {
    return this.#reader!.section.bytes.window(at, size).slice();
  }

  #find(address: number): Fde | undefined {
    this.gapStart = -Infinity;
    this.gapEnd = Infinity;
    for (let i = 0; i < this.#makers.length; i++) {
      const table = this.#tables[i] ??= this.#makers[i]() ?? null;
      if (table === null) continue;
      const fde = table.find(address);
      if (fde === undefined) {
        this.gapStart = Math.max(this.gapStart, table.gapStart);
        this.gapEnd = Math.min(this.gapEnd, table.gapEnd);
        continue;
      }
      this.#reader = table.reader;
      this.#cost = table.cost;
      this.functionStart = fde.start;
      this.functionEnd = fde.end;
      return fde;
    }
    return undefined;
  }
}

/** Returns the row that a common entry leaves; an empty one when its instructions are damaged. */
function initialRow(reader: EntryReader, cie: Cie): Row {
  const known = initialRows.get(cie);
  if (known !== undefined) return known;
  const row = new Row();
  const program = programOf(reader, cie.from, cie.to);
  const settings = { start: 0, target: Infinity, initial: undefined };
  if (runner.run(program, cie, cie.bases, settings)) row.copy(runner.row);
  initialRows.set(cie, row);
  return row;
}

function programOf({ section }: EntryReader, from: number, to: number): Program {
  const bytes = section.bytes.window(from, Math.min(to - from, MAX_INSTRUCTIONS));
  const { littleEndian, address } = section;
  return { bytes, littleEndian, origin: from, address, from: 0, to: bytes.length };
}
