/** Finds the code of a function in a page, or the reason why it is not there. */

import { groupDigits, plural } from "../../base/text/plural.ts";
import { nameOf, objectNameOf } from "./calls.ts";
import type { CodeTables } from "./code_tables.ts";
import { COMMAND, type PageTables } from "./tables.ts";

/** Function whose code is in the page. */
export interface FoundCode {
  /** Row of `CodeTables.functions`. */
  row: number;
  /** Name of the inlined function that was asked for, whose code this function has; undefined if it has code of its own. */
  inlined?: string;
  /** Place of the function. */
  place: number;
  /** Further functions that it was inlined into, those with most samples first. */
  others: number[];
}

/** Function of an event. */
export interface EventFunction {
  /** Row of `PageTables.places`, and of `PageTables.events`. */
  place: number;
  event: number;
  /** Samples of the whole recording in the function itself. */
  samples: number;
}

/**
 * Returns the code of a function; of an inlined one, the function with most of its samples that it was inlined into, or
 * `into` if it was inlined into that; or why there is none.
 */
export function findCode(
  tables: PageTables,
  code: CodeTables,
  { place, event, samples }: EventFunction,
  into = -1,
): FoundCode | { why: string } {
  const found = tables.places.inlined[place] === 1
    ? inlinedCode(tables, code, { place, event }, into)
    : ownCode(code, place, event);
  if (found === undefined) return { why: whyNot(tables, code, { place, event, samples }) };
  const { firstInstruction, firstLine } = code.functions, { row } = found;
  const isEmpty = firstInstruction[row] === firstInstruction[row + 1] &&
    firstLine[row] === firstLine[row + 1];
  return isEmpty ? { why: code.heads[row].warnings.join("; ") || "nothing is known of its code" } : found;
}

function ownCode({ functions }: CodeTables, place: number, event: number): FoundCode | undefined {
  for (let row = 0; row < functions.place.length; row++) {
    if (functions.place[row] === place && functions.event[row] === event) return { row, place, others: [] };
  }
  return undefined;
}

function inlinedCode(
  tables: PageTables,
  code: CodeTables,
  { place, event }: { place: number; event: number },
  into: number,
): FoundCode | undefined {
  const name = nameOf(tables, place), { functions, instructions } = code;
  const object = tables.places.object[place];
  const has = code.chains.map((chain) => chain.includes(name));
  const holders: { row: number; samples: number }[] = [];
  for (let row = 0; row < functions.place.length; row++) {
    if (functions.event[row] !== event || tables.places.object[functions.place[row]] !== object) continue;
    let samples = 0, isIn = false;
    for (let at = functions.firstInstruction[row]; at < functions.firstInstruction[row + 1]; at++) {
      if (!has[instructions.chain[at]]) continue;
      isIn = true;
      samples += instructions.samples[at];
    }
    if (isIn) holders.push({ row, samples });
  }
  holders.sort((a, b) => b.samples - a.samples);
  const places = holders.map(({ row }) => functions.place[row]);
  const at = Math.max(0, places.indexOf(into));
  if (holders.length === 0) return undefined;
  return { row: holders[at].row, place: places[at], inlined: name, others: places.toSpliced(at, 1) };
}

function whyNot(tables: PageTables, code: CodeTables, { place, samples }: EventFunction): string {
  const { places } = tables;
  if (places.object[place] === COMMAND) return "a command has no code: choose one of its functions";
  if (samples === 0) return "it has no samples of its own: these are in what it called";
  if (code.warnings.length > 0 && code.functions.place.length === 0) return code.warnings.join("; ");
  const command = `'pmuctl annotate' shows it, and --annotate puts that of more functions in`;
  const hottest = `${groupDigits(code.asked)} hottest ${plural(code.asked, "function")}`;
  return places.named[place] || /\+0x[0-9a-f]+$/.test(nameOf(tables, place))
    ? `not in this page, which has the code of the ${hottest}: ${command}`
    : `which functions ${objectNameOf(tables, place)} has there is not known`;
}
