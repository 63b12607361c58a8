/**
 * Names of run-time code, from the map that its process writes to /tmp/perf-PID.map:
 *
 *     7fbb977c6040 180 JS:*fib /tmp/j.js:1:13
 *
 * Start and size are in hex; the rest of the line is the name (tools/perf/Documentation/jit-interface.txt). Like perf,
 * it also accepts `0x` before the numbers (the JDK), tabs, several blanks, leading blanks, and carriage returns.
 */

import type { ByteSource } from "../../base/bytes/byte_source.ts";
import { float64Column, uint32Column } from "../../base/bytes/column.ts";
import { Cost, WORK } from "../object/limits.ts";
import { BUILDER_BYTES, STB, SymbolTableBuilder } from "../table/symbol_builder.ts";
import { StringTableNames } from "../table/symbol_names.ts";
import type { SymbolTable } from "../table/symbol_table.ts";
import { byteWindows, heldBytes } from "../object/windows.ts";
import { counted } from "../../base/text/plural.ts";

const NEWLINE = 0x0a;
/** Bytes that are read at once. Longer lines are skipped. */
const PIECE = 1 << 20;
/** Hex digits of a 64-bit number. */
const MAX_DIGITS = 16;
/** Bytes of memory of a line: while the table is made, including growth, and in the table. */
const MAKING_BYTES = 48 + BUILDER_BYTES, TABLE_BYTES = 36;

/** Contents of a perf map. */
export interface PerfMap {
  /** Symbols by address in the process; undefined if no line is valid. */
  symbols: SymbolTable | undefined;
  /** Number of lines that are not blank. */
  lines: number;
  /** Number of invalid lines, and the line number of the first one, from 1. */
  unread: number;
  firstUnread: number;
}

/** Parses a perf map. Throws LimitError. */
export function parsePerfMap(map: ByteSource, cost = new Cost(undefined, map.name)): PerfMap {
  cost.text(map.size);
  const lines = new Lines(cost);
  let within = false; // in a line that is too long to hold
  for (let at = 0; at < map.size;) {
    cost.work(Math.min(PIECE, map.size - at) * WORK.text);
    const piece = map.read(at, PIECE);
    if (piece.length === 0) break; // it was truncated meanwhile
    const isLast = at + piece.length >= map.size;
    const from = within ? piece.indexOf(NEWLINE) + 1 : 0;
    const end = isLast ? piece.length : piece.lastIndexOf(NEWLINE) + 1;
    if (!within || from > 0) lines.take(piece.subarray(from, end), at + from);
    if (!within && end === 0) lines.passOver();
    within = end === 0;
    at += within ? piece.length : end;
  }
  const { count, made, unread, firstUnread } = lines;
  return { symbols: made === 0 ? undefined : lines.table(map), lines: count, unread, firstUnread };
}

/** Returns a warning about the invalid lines of a map; undefined if there are none. */
export function unreadLines({ lines, unread, firstUnread }: PerfMap, path: string): string | undefined {
  if (unread === 0) return undefined;
  return `skipped ${unread} of ${
    counted(lines, "line")
  } of ${path}, line ${firstUnread} first: expected START SIZE NAME, ` +
    "with START and SIZE in hex";
}

/** Parsed lines. */
class Lines {
  /** Number of all lines, of those that are not blank, and of invalid ones; line number of the first invalid one. */
  #all = 0;
  count = 0;
  unread = 0;
  firstUnread = 0;
  readonly #cost: Cost;
  readonly #starts = float64Column();
  readonly #ends = float64Column();
  readonly #nameStarts = uint32Column();
  readonly #nameEnds = uint32Column();

  constructor(cost: Cost) {
    this.#cost = cost;
  }

  /** Number of valid lines. */
  get made(): number {
    return this.#starts.length;
  }

  /**
   * Takes the lines of `text`, all of them whole except maybe the last line of the file. `offset` is the text's
   * position in the file.
   */
  take(text: Uint8Array, offset: number): void {
    const madeBefore = this.made, allBefore = this.#all;
    for (let at = 0; at < text.length;) {
      const newline = text.indexOf(NEWLINE, at);
      const next = newline < 0 ? text.length : newline + 1;
      let end = newline < 0 ? text.length : newline;
      while (end > at && isBlank(text[end - 1])) end--;
      this.#all++;
      if (end > at) this.#takeLine(text, at, end, offset);
      at = next;
    }
    const added = this.made - madeBefore;
    this.#cost.count(this.made, "symbols");
    this.#cost.work((this.#all - allBefore) * WORK.line + added * WORK.symbol);
    this.#cost.hold(added * MAKING_BYTES);
  }

  /** Counts a line that is too long to be valid. */
  passOver(): void {
    this.#all++;
    this.#count(false);
  }

  #count(makesSense: boolean): void {
    this.count++;
    if (makesSense) return;
    this.unread++;
    this.firstUnread ||= this.#all;
  }

  /** Takes the line in [from, end) of `text`, which is not blank and has no trailing blanks. */
  #takeLine(text: Uint8Array, from: number, end: number, offset: number): void {
    const startAt = numberStart(text, from, end), startEnd = hexEnd(text, startAt, end);
    const sizeAt = numberStart(text, startEnd, end), sizeEnd = hexEnd(text, sizeAt, end);
    const makesSense = startEnd > startAt && isBlank(text[startEnd]) && sizeEnd > sizeAt && sizeEnd < end &&
      isBlank(text[sizeEnd]);
    this.#count(makesSense);
    if (!makesSense) return;
    const start = hexValue(text, startAt, startEnd);
    this.#starts.push(start);
    this.#ends.push(start + hexValue(text, sizeAt, sizeEnd));
    this.#nameStarts.push(offset + skipBlanks(text, sizeEnd, end));
    this.#nameEnds.push(offset + end);
  }

  table(map: ByteSource): SymbolTable {
    const count = this.made;
    const names = byteWindows({ source: map, offset: 0, size: map.size }, this.#cost);
    const builder = new SymbolTableBuilder({
      starts: this.#starts.values(),
      ends: this.#ends.values(),
      binds: new Uint8Array(count).fill(STB.GLOBAL),
      names: new StringTableNames(names, this.#nameStarts.data, { ends: this.#nameEnds.data }),
    }, this.#cost);
    builder.insert(0, count); // without dropping aliases: code is replaced in place, and perf keeps old and new
    this.#cost.keep(heldBytes(map, map.size) + count * TABLE_BYTES);
    return builder.finish();
  }
}

/** Returns whether a byte is a blank that strtoull() skips, other than the line end. */
function isBlank(byte: number): boolean {
  return byte === 0x20 || (byte >= 0x09 && byte <= 0x0d && byte !== NEWLINE);
}

function skipBlanks(text: Uint8Array, at: number, end: number): number {
  while (at < end && isBlank(text[at])) at++;
  return at;
}

/** Returns the first significant hex digit of a number after blanks, `0x` and leading zeros. */
function numberStart(text: Uint8Array, from: number, end: number): number {
  let at = skipBlanks(text, from, end);
  const prefixed = at + 2 < end && text[at] === 0x30 && (text[at + 1] | 0x20) === 0x78 &&
    digit(text[at + 2]) < 16;
  if (prefixed) at += 2;
  while (at + 1 < end && text[at] === 0x30 && text[at + 1] === 0x30) at++;
  return at;
}

/** Returns the end of the hex digits that start at `at`, at most 16. */
function hexEnd(text: Uint8Array, at: number, end: number): number {
  const most = Math.min(end, at + MAX_DIGITS);
  while (at < most && digit(text[at]) < 16) at++;
  return at;
}

function hexValue(text: Uint8Array, from: number, to: number): number {
  let value = 0;
  for (let at = from; at < to; at++) value = value * 16 + digit(text[at]);
  return value;
}

/** Returns the value of a hex digit, 16 for any other byte. */
function digit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const letter = byte | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : 16;
}
