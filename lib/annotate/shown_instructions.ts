/**
 * Chooses the instructions to show of a function: all of a usual one; of a very large one those with samples and a few
 * around each, so that its annotation stays one that people read and programs load.
 */

import type { SampleWeight } from "../report/shared/annotation.ts";

/** Largest code, in bytes, that is shown whole by default: some 16,000 instructions. */
export const MAX_WHOLE = 1 << 16;
/** Instructions shown before and after each with samples, in larger code. */
export const CONTEXT = 10;
/** Most sampled addresses whose instructions are shown, in larger code: those with most samples. */
const MAX_SAMPLED = 2000;

/** Line of a disassembly. */
export interface ListedLine {
  /** Bytes from the start of the code. */
  offset: number;
  text: string;
}

/** Line that is shown. */
export interface ShownLine extends ListedLine {
  /** Number of instructions before it that are not shown. */
  leftOut: number;
}

/** Instructions to show. Takes all lines of a disassembly, in order. */
export class ShownInstructions {
  readonly lines: ShownLine[] = [];
  /** Number of instructions taken. */
  total = 0;
  readonly #length: number;
  /** Offsets that count, ascending; undefined if all instructions are shown. */
  readonly #sampled: readonly number[] | undefined;
  /** Row of the first sampled offset that is not before the last line. */
  #next = 0;
  /** Last line taken, whose end is not known yet. */
  #last: ListedLine | undefined;
  /** Last lines that are not shown, in case the next is, and the number of those before. */
  #before: ListedLine[] = [];
  #leftOut = 0;
  /** Number of lines to show behind the last one with samples. */
  #after = 0;

  /**
   * @param length bytes of the code.
   * @param weights weight of each sampled offset.
   * @param maxWhole largest code, in bytes, that is shown whole.
   */
  constructor(
    length: number,
    weights: ReadonlyMap<number, Pick<SampleWeight, "period">>,
    maxWhole = MAX_WHOLE,
  ) {
    this.#length = length;
    if (length > maxWhole) {
      this.#sampled = Array.from(weights).sort((a, b) => b[1].period - a[1].period).slice(0, MAX_SAMPLED)
        .map(([offset]) => offset).sort((a, b) => a - b);
    }
  }

  /** Takes the next line. */
  take(line: ListedLine): void {
    this.#settle(line.offset);
    this.#last = line;
  }

  /** Takes note that there are no more lines. */
  finish(): void {
    this.#settle(this.#length);
    this.#last = undefined;
  }

  /** Decides about the last line taken, which ends at `end`. */
  #settle(end: number): void {
    const line = this.#last;
    if (line === undefined) return;
    this.total++;
    if (this.#hasSamples(line.offset, end)) {
      for (const before of this.#before) this.#show(before);
      this.#before = [];
      this.#show(line);
      this.#after = CONTEXT;
    } else if (this.#after > 0) {
      this.#after--;
      this.#show(line);
    } else {
      this.#before.push(line);
      if (this.#before.length > CONTEXT) {
        this.#before.shift();
        this.#leftOut++;
      }
    }
  }

  /** Returns whether bytes from `start` to `end` have samples, or all are shown. Called with ascending ranges. */
  #hasSamples(start: number, end: number): boolean {
    const sampled = this.#sampled;
    if (sampled === undefined) return true;
    while (sampled[this.#next] < start) this.#next++;
    return sampled[this.#next] < end;
  }

  #show(line: ListedLine): void {
    this.lines.push({ ...line, leftOut: this.#leftOut });
    this.#leftOut = 0;
  }
}
