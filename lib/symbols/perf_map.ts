/**
 * Names of code made at run time, from the map that its process writes to /tmp/perf-PID.map:
 *
 *     7fbb977c6040 180 JS:*fib /tmp/j.js:1:13
 *
 * start and size in hex, and the rest of the line is the name (tools/perf/Documentation/jit-interface.txt).
 */

import type { ByteSource } from "../base/byte_source.ts";
import { float64Column, uint32Column } from "../base/column.ts";
import { Cost, WORK } from "./limits.ts";
import { BUILDER_BYTES, STB, SymbolTableBuilder } from "./symbol_builder.ts";
import { StringTableNames } from "./symbol_names.ts";
import type { SymbolTable } from "./symbol_table.ts";
import { heldBytes, windowsOf } from "./windows.ts";

const NEWLINE = 0x0a;
const SPACE = 0x20;
/** Bytes that are read at once. A line longer than that is passed over. */
const PIECE = 1 << 20;
/** Hex digits of a number of 64 bits. */
const MOST_DIGITS = 16;
/** Bytes of memory of a line: while the table is made, grown columns included, and of the table. */
const MAKING_BYTES = 48 + BUILDER_BYTES, TABLE_BYTES = 36;

/**
 * Parses a perf map; undefined when it has not one line that makes sense. Addresses are those of the process. Throws
 * LimitError.
 */
export function parsePerfMap(map: ByteSource, cost = new Cost(undefined, map.name)): SymbolTable | undefined {
  cost.text(map.size);
  const lines = new Lines(cost);
  let within = false; // a line too long to be held
  for (let at = 0; at < map.size;) {
    cost.work(Math.min(PIECE, map.size - at) * WORK.text);
    const piece = map.read(at, PIECE);
    if (piece.length === 0) break; // it has become shorter
    const isLast = at + piece.length >= map.size;
    const from = within ? piece.indexOf(NEWLINE) + 1 : 0;
    const end = isLast ? piece.length : piece.lastIndexOf(NEWLINE) + 1;
    if (!within || from > 0) lines.take(piece.subarray(from, end), at + from);
    within = end === 0;
    at += within ? piece.length : end;
  }
  return lines.count === 0 ? undefined : lines.table(map);
}

/** The lines that make sense. */
class Lines {
  readonly #cost: Cost;
  readonly #starts = float64Column();
  readonly #ends = float64Column();
  readonly #nameStarts = uint32Column();
  readonly #nameEnds = uint32Column();

  constructor(cost: Cost) {
    this.#cost = cost;
  }

  get count(): number {
    return this.#starts.length;
  }

  /** Takes the lines of `text`, whole ones but for the last of all, which stand at `offset` of the file. */
  take(text: Uint8Array, offset: number): void {
    const before = this.count;
    let all = 0;
    for (let at = 0; at < text.length; all++) {
      let end = text.indexOf(NEWLINE, at);
      if (end < 0) end = text.length;
      const afterStart = hexEnd(text, at, end);
      const afterSize = hexEnd(text, afterStart + 1, end);
      const wellFormed = afterStart > at && text[afterStart] === SPACE && afterSize > afterStart + 1 &&
        text[afterSize] === SPACE && afterSize + 1 < end;
      if (wellFormed) {
        const start = hexValue(text, at, afterStart);
        this.#starts.push(start);
        this.#ends.push(start + hexValue(text, afterStart + 1, afterSize));
        this.#nameStarts.push(offset + afterSize + 1);
        this.#nameEnds.push(offset + end);
      }
      at = end + 1;
    }
    const added = this.count - before;
    this.#cost.count(this.count, "symbols");
    this.#cost.work(all * WORK.line + added * WORK.symbol);
    this.#cost.hold(added * MAKING_BYTES);
  }

  table(map: ByteSource): SymbolTable {
    const { count } = this;
    const names = windowsOf(map, 0, map.size, this.#cost);
    const builder = new SymbolTableBuilder({
      starts: this.#starts.values(),
      ends: this.#ends.values(),
      binds: new Uint8Array(count).fill(STB.GLOBAL),
      names: new StringTableNames(names, this.#nameStarts.data, { ends: this.#nameEnds.data }),
    }, this.#cost);
    builder.insert(0, count); // as they are: code is replaced in place, and perf keeps old and new
    this.#cost.keep(heldBytes(map, map.size) + count * TABLE_BYTES);
    return builder.finish();
  }
}

/** Where the hex digits that start at `at` end, of which a number has 16 at most. */
function hexEnd(text: Uint8Array, at: number, end: number): number {
  const most = Math.min(end, at + MOST_DIGITS);
  while (at < most && digit(text[at]) < 16) at++;
  return at;
}

function hexValue(text: Uint8Array, from: number, to: number): number {
  let value = 0;
  for (let at = from; at < to; at++) value = value * 16 + digit(text[at]);
  return value;
}

/** A hex digit's value, 16 for any other byte. */
function digit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const letter = byte | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : 16;
}
