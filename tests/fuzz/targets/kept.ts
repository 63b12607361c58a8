/** Tables of functions and lines that a report keeps, as if anyone could have written them. */

import { FunctionTable, FunctionTableBuilder } from "../../../lib/symbols/kept/function_table.ts";
import { LineTable, LineTableBuilder } from "../../../lib/symbols/kept/line_table.ts";
import { fnv1a } from "../../../lib/base/bytes/hash.ts";
import { HOSTILE_NAMES } from "../hostile.ts";
import { mutateBytes } from "../mutate/mutate.ts";
import type { Random } from "../random.ts";
import type { Target } from "../target.ts";

const NAMES = ["main", "", "_ZN3foo3barEv", "/src/a.c", ...HOSTILE_NAMES];
/** Word of the checksum; what follows counts. */
const CHECKSUM = 2;

/** A table of functions or of lines. */
function makeTable(random: Random): Uint8Array<ArrayBuffer> {
  const functions = new FunctionTableBuilder(), lines = new LineTableBuilder();
  const rows = random.below(20);
  for (let row = 0; row < rows; row++) {
    const [name, callPath] = [random.pick(NAMES), random.pick(NAMES)];
    functions.addFunction({
      parent: random.below(row + 1) - 1,
      name,
      callPath,
      callLine: random.below(1000),
    });
    lines.row(lines.path(callPath), row);
  }
  for (let n = random.below(40), at = 0; n > 0; n--) {
    const low = at + random.below(3), high = at = low + random.below(9);
    const row = random.below(rows + 1) - 1;
    functions.addRange(low, high, row);
    lines.addRange(low, high, row);
  }
  return random.oneIn(2) ? functions.bytes("stamp") : lines.bytes("stamp");
}

/** Some of its words changed, and mostly the checksum that they then have. */
function changeWords(random: Random, bytes: Uint8Array<ArrayBuffer>): void {
  const words = new Uint32Array(bytes.buffer);
  for (let n = random.below(6); n > 0; n--) {
    const at = random.below(random.oneIn(3) ? 16 : words.length);
    words[at] = random.pick([
      0,
      1,
      words[at] + 1,
      words[at] - 1,
      random.below(64),
      2 ** 32 - 1,
      random.u32(),
    ]);
  }
  if (!random.oneIn(8)) words[CHECKSUM] = fnv1a(words, CHECKSUM + 1);
}

/** Asks for all that a table has, and for what is made of it together with more. */
function readTable(bytes: Uint8Array): void {
  const own = new Uint8Array(bytes);
  const functions = FunctionTable.read(own, undefined), lines = LineTable.read(own, undefined);
  if (functions !== undefined) {
    for (let at = -2; at < 400; at++) {
      for (let row = functions.at(at); row >= 0; row = functions.parent(row)) {
        if (functions.parent(row) >= row) throw new Error(`${row} was inlined into ${functions.parent(row)}`);
        if (!isText(functions.name(row)) || !isText(functions.callPath(row))) throw new Error("no text");
        if (!Number.isInteger(functions.callLine(row))) throw new Error("no line");
      }
    }
    const again = FunctionTable.read(new FunctionTableBuilder(functions).bytes(""), "");
    for (let at = -2; at < 400; at++) {
      if (again?.at(at) !== functions.at(at)) throw new Error(`another function at ${at}`);
    }
  }
  if (lines !== undefined) {
    const again = LineTable.read(new LineTableBuilder(lines).bytes(""), "");
    for (let at = -2; at < 400; at++) {
      const row = lines.at(at);
      if (again?.at(at) !== row) throw new Error(`another line at ${at}`);
      if (row >= 0 && (!isText(lines.path(lines.pathOf(row))) || !Number.isInteger(lines.line(row)))) {
        throw new Error("no line");
      }
    }
  }
}

function isText(value: unknown): boolean {
  return typeof value === "string";
}

export function keptTargets(): Target[] {
  return [{
    name: "kept-tables",
    what: "tables of functions and lines in the user's cache",
    weight: 6,
    make(random) {
      const bytes = makeTable(random);
      if (random.oneIn(4)) return { bytes: mutateBytes(bytes, random), made: "bytes changed" };
      changeWords(random, bytes);
      return { bytes, made: "words changed" };
    },
    take: readTable,
  }];
}
