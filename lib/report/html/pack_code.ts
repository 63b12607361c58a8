/** Packs annotated functions into the code of a page: texts become numbers, and what would be too much is left out. */

import { float64Column, int32Column } from "../../base/bytes/column.ts";
import { printable } from "../../base/text/printable.ts";
import {
  type AnnotatedInstruction,
  type Annotation,
  shownSource,
  type SourceLine,
} from "../shared/annotation.ts";
import type { CodeTables } from "./code_tables.ts";

/** Annotated functions of a profile. */
export interface ProfileCode {
  /** Number of the hottest functions of each event that were asked for. */
  asked: number;
  /** Hottest first; each function's events one behind the other. */
  functions: readonly AnnotatedFunction[];
  /** Problems that concern all of them, a sentence each. */
  warnings: readonly string[];
}

/** Annotated function: its place among those by symbol (symbols, and behind them code without one), and the row of the event. */
export interface AnnotatedFunction {
  place: number;
  event: number;
  annotation: Annotation;
}

/** Rows of a page that rows of the profile became; -1 for none. */
export interface PageRows {
  ofPlace: ArrayLike<number>;
  ofEvent: ArrayLike<number>;
}

/** Most bytes of code in a page, before it is compressed: some 200,000 instructions, in a fifth of that. */
const MAX_BYTES = 16 << 20;
/** Bytes that an instruction or a line takes at most, besides its texts. */
const ROW_BYTES = 24;
/** Most problems of a function that a page has. */
const MAX_WARNINGS = 5;

/** Returns the code of a page. Functions that are not in the page are left out. */
export function packCode({ asked, functions, warnings }: ProfileCode, rows: PageRows): CodeTables {
  const packer = new CodePacker();
  for (const { place, event, annotation } of functions) {
    const [ofPlace, ofEvent] = [rows.ofPlace[place] ?? -1, rows.ofEvent[event] ?? -1];
    if (ofPlace >= 0 && ofEvent >= 0) packer.add(ofPlace, ofEvent, annotation);
  }
  return { asked, warnings: warnings.map(printable), ...packer.tables() };
}

/** Rows of the page's code, while they are made. */
class CodePacker {
  readonly #texts = new Numbered();
  readonly #chains = new Numbered();
  readonly #chainNames: string[][] = [];
  readonly #heads: CodeTables["heads"] = [];
  readonly #functions = {
    place: int32Column(),
    event: int32Column(),
    samples: float64Column(),
    period: float64Column(),
    firstInstruction: int32Column(),
    firstLine: int32Column(),
  };
  readonly #instructions = {
    offset: int32Column(),
    text: int32Column(),
    target: int32Column(),
    line: int32Column(),
    chain: int32Column(),
    leftOut: int32Column(),
    samples: float64Column(),
    period: float64Column(),
  };
  readonly #lines = {
    file: int32Column(),
    line: int32Column(),
    text: int32Column(),
    samples: float64Column(),
    period: float64Column(),
  };

  add(place: number, event: number, { object, self, instructions, lines, warnings }: Annotation): void {
    const isFull = this.#bytes > MAX_BYTES;
    const functions = this.#functions, [first] = instructions;
    const said = isFull ? ["its code is left out: the page would have more than 16 MiB of it"] : warnings;
    this.#heads.push({
      object: printable(object),
      start: first?.address ?? 0,
      warnings: said.slice(0, MAX_WARNINGS).map(printable),
    });
    functions.place.push(place);
    functions.event.push(event);
    functions.samples.push(self.samples);
    functions.period.push(self.period);
    functions.firstInstruction.push(this.#instructions.offset.length);
    functions.firstLine.push(this.#lines.line.length);
    if (isFull) return;
    for (const each of instructions) this.#instruction(each, first.address);
    for (const each of lines) this.#line(each);
  }

  tables(): Omit<CodeTables, "asked" | "warnings"> {
    this.#functions.firstInstruction.push(this.#instructions.offset.length);
    this.#functions.firstLine.push(this.#lines.line.length);
    return {
      texts: this.#texts.all,
      chains: this.#chainNames,
      heads: this.#heads,
      functions: valuesOf(this.#functions),
      instructions: valuesOf(this.#instructions),
      lines: valuesOf(this.#lines),
    };
  }

  get #bytes(): number {
    const rows = this.#instructions.offset.length + this.#lines.line.length;
    return this.#texts.letters + this.#chains.letters + ROW_BYTES * rows;
  }

  #instruction(
    { address, text, target, line, inlined, leftOut, samples, period }: AnnotatedInstruction,
    start: number,
  ): void {
    const to = this.#instructions;
    to.offset.push(address - start);
    to.text.push(this.#texts.of(printable(text)));
    to.target.push(target === undefined ? -1 : target - start);
    to.line.push(line);
    to.chain.push(this.#chain(inlined));
    to.leftOut.push(leftOut);
    to.samples.push(samples);
    to.period.push(Math.round(period));
  }

  #line({ file, line, text, samples, period }: SourceLine): void {
    const to = this.#lines;
    to.file.push(this.#texts.of(printable(file)));
    to.line.push(line);
    to.text.push(text === undefined ? -1 : this.#texts.of(printable(shownSource(text))));
    to.samples.push(samples);
    to.period.push(Math.round(period));
  }

  #chain(inlined: readonly string[]): number {
    if (inlined.length === 0) return -1;
    const names = inlined.map(printable), row = this.#chains.of(names.join("\0"));
    this.#chainNames[row] ??= names;
    return row;
  }
}

/** Texts, each with the number under which it came first. */
class Numbered {
  readonly all: string[] = [];
  /** Number of letters of all of them. */
  letters = 0;
  readonly #rows = new Map<string, number>();

  of(text: string): number {
    let row = this.#rows.get(text);
    if (row === undefined) {
      this.#rows.set(text, row = this.all.push(text) - 1);
      this.letters += text.length;
    }
    return row;
  }
}

/** Returns the values of columns, under the same names. */
function valuesOf<T extends Record<string, { values(): Int32Array | Float64Array }>>(
  columns: T,
): { [name in keyof T]: ReturnType<T[name]["values"]> } {
  const all = Object.entries(columns).map(([name, column]) => [name, column.values()]);
  return Object.fromEntries(all) as { [name in keyof T]: ReturnType<T[name]["values"]> };
}
