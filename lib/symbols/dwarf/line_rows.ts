/**
 * Rows of line tables, to be kept: those of the units that had an address which was asked for, and where the code of all
 * others is.
 */

import { float64Column, int32Column } from "../../base/bytes/column.ts";
import { type Cost, LimitError } from "../object/limits.ts";
import { RangePainter } from "./painted_ranges.ts";

/** Bytes of memory of a row and of a sequence, growing; how many are charged at once. */
const ROW_BYTES = 32, SEQUENCE_BYTES = 160, CHARGED = 1024;
/** Most bytes that are charged. The rest of an object's memory is for finding lines. */
const MAX_HELD = 128 << 20;

/** Takes code between two addresses: the row of its path, -1 if it has no line, and its line. */
export type TakeLine = (low: number, high: number, path: number, line: number) => void;

/** Rows in the order in which they were read, in sequences that ascend. */
export class LineRows {
  readonly #cost: Cost;
  readonly #address = float64Column();
  /** Number of the file in its unit, until the unit ends; then the row of the path, -1 if it has none. */
  readonly #file = int32Column();
  readonly #line = int32Column();
  /** Rows of each sequence: the first, -1 if they are forgotten, and the one behind the last. */
  readonly #starts = int32Column();
  readonly #ends = int32Column();
  /** Addresses of each sequence, which are known after its rows are forgotten. */
  readonly #lows = float64Column();
  readonly #highs = float64Column();
  /** First row and first sequence of the unit. */
  #unitRow = 0;
  #unitSequence = 0;
  /** Rows and bytes that were charged: rows that are forgotten make room for others. */
  #rowsCharged = 0;
  #held = 0;
  #isFull = false;

  constructor(cost: Cost) {
    this.#cost = cost;
  }

  /**
   * Adds a row of the unit.
   * @param begins whether it is the first of a sequence.
   */
  add(address: number, file: number, line: number, begins: boolean): void {
    if (this.#isFull) return;
    if (begins) {
      if (this.#starts.length % CHARGED === 0) this.#charge(CHARGED * SEQUENCE_BYTES);
      this.#starts.push(this.#address.length);
      this.#ends.push(this.#address.length);
      const low = Number.isNaN(address) ? -Infinity : address; // as LineFinder takes it
      this.#lows.push(low);
      this.#highs.push(low);
    }
    if (this.#address.length === this.#rowsCharged) {
      this.#charge(CHARGED * ROW_BYTES);
      this.#rowsCharged += CHARGED;
    }
    if (this.#isFull) return;
    this.#address.push(address);
    this.#file.push(file);
    this.#line.push(line);
    const sequence = this.#highs.length - 1;
    this.#ends.data[sequence] = this.#address.length;
    if (address > this.#highs.data[sequence]) this.#highs.data[sequence] = address;
  }

  /** Numbers of the files of the unit. */
  files(): Set<number> {
    const numbers = new Set<number>(), file = this.#file.data;
    for (let row = this.#unitRow, last = NaN; row < this.#file.length; row++) {
      if (file[row] !== last) numbers.add(last = file[row]); // mostly it is the one before
    }
    return numbers;
  }

  /**
   * Ends a unit.
   * @param paths row of the path of each file; undefined if the rows are not to be kept.
   */
  endUnit(paths: ReadonlyMap<number, number> | undefined): void {
    if (paths === undefined) {
      this.#cut(this.#unitRow);
      this.#starts.data.fill(-1, this.#unitSequence, this.#starts.length);
    } else {
      const file = this.#file.data;
      for (let row = this.#unitRow, last = NaN, path = -1; row < this.#file.length; row++) {
        if (file[row] !== last) path = paths.get(last = file[row]) ?? -1;
        file[row] = path;
      }
    }
    this.#unitRow = this.#address.length;
    this.#unitSequence = this.#starts.length;
  }

  /**
   * Passes on what is known of all addresses; where several sequences cover one, the first one counts. Leaves out the code
   * of units whose rows were not kept. Returns false if it did not fit into memory.
   */
  each(take: TakeLine): boolean {
    if (this.#isFull) return false;
    const painter = new RangePainter(this.#cost), lows = this.#lows.data, highs = this.#highs.data;
    for (let sequence = this.#starts.length - 1; sequence >= 0; sequence--) {
      painter.add(lows[sequence], highs[sequence], sequence);
    }
    painter.paint().within(-Infinity, Infinity, (low, high, sequence) => {
      if (sequence < 0) take(low, high, -1, 0);
      else if (this.#starts.data[sequence] >= 0) this.#eachRow(sequence, low, high, take);
    });
    return true;
  }

  /** Passes on a part of a sequence. The parts of one come in ascending order, so what lies before is passed over once. */
  #eachRow(sequence: number, low: number, high: number, take: TakeLine): void {
    const address = this.#address.data, last = this.#ends.data[sequence] - 1;
    let from = low, row = this.#starts.data[sequence];
    for (; row < last && from < high; row++) {
      const to = Math.min(address[row + 1], high);
      if (!(to > from)) continue;
      take(from, to, this.#file.data[row], this.#line.data[row]);
      from = to;
    }
    this.#starts.data[sequence] = Math.max(row - 1, this.#starts.data[sequence]);
  }

  #cut(row: number): void {
    this.#address.length = this.#file.length = this.#line.length = row;
  }

  /** Charges memory. Gives up, and leaves it to others, if there is not as much. */
  #charge(bytes: number): void {
    try {
      if (this.#held + bytes > MAX_HELD) throw this.#cost.over("memory for lines that are kept");
      this.#cost.hold(bytes);
      this.#held += bytes;
    } catch (error) {
      if (!(error instanceof LimitError)) throw error;
      this.#isFull = true;
      this.#cost.release(this.#held);
      this.#address.data = new Float64Array(0);
      this.#file.data = this.#line.data = new Int32Array(0);
      this.#cut(0);
    }
  }
}
