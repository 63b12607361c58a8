/**
 * Names of code made at run time, from the map that its process writes to /tmp/perf-PID.map:
 *
 *     7fbb977c6040 180 JS:*fib /tmp/j.js:1:13
 *
 * start and size in hex, and the rest of the line is the name (tools/perf/Documentation/jit-interface.txt).
 */

import { STB, SymbolTableBuilder } from "./symbol_builder.ts";
import { StringTableNames } from "./symbol_names.ts";
import type { SymbolTable } from "./symbol_table.ts";

const NEWLINE = 0x0a;
const SPACE = 0x20;

/** Parses a perf map; undefined when it has not one line that makes sense. Addresses are those of the process. */
export function parsePerfMap(text: Uint8Array): SymbolTable | undefined {
  const most = Math.ceil(text.length / 6) + 1; // two digits, two spaces, a name of one byte, a newline
  const starts = new Float64Array(most);
  const ends = new Float64Array(most);
  const nameStarts = new Uint32Array(most);
  const nameEnds = new Uint32Array(most);
  let n = 0;
  for (let at = 0; at < text.length;) {
    let end = text.indexOf(NEWLINE, at);
    if (end < 0) end = text.length;
    const afterStart = hexEnd(text, at, end);
    const afterSize = hexEnd(text, afterStart + 1, end);
    const wellFormed = afterStart > at && text[afterStart] === SPACE && afterSize > afterStart + 1 &&
      text[afterSize] === SPACE && afterSize + 1 < end;
    if (wellFormed) {
      starts[n] = hexValue(text, at, afterStart);
      ends[n] = starts[n] + hexValue(text, afterStart + 1, afterSize);
      nameStarts[n] = afterSize + 1;
      nameEnds[n++] = end;
    }
    at = end + 1;
  }
  if (n === 0) return undefined;
  const builder = new SymbolTableBuilder({
    starts: starts.subarray(0, n),
    ends: ends.subarray(0, n),
    binds: new Uint8Array(n).fill(STB.GLOBAL),
    names: new StringTableNames(text, nameStarts, { ends: nameEnds }),
  });
  builder.insert(0, n); // as they are: code is replaced in place, and perf keeps old and new
  return builder.finish();
}

/** Where the hex digits that start at `at` end. */
function hexEnd(text: Uint8Array, at: number, end: number): number {
  while (at < end && digit(text[at]) < 16) at++;
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
