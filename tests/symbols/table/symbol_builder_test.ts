import { assertEquals } from "@std/assert";
import { byAddress, STB, SymbolTableBuilder } from "../../../lib/symbols/table/symbol_builder.ts";
import { StringTableNames } from "../../../lib/symbols/table/symbol_names.ts";
import type { SymbolTable } from "../../../lib/symbols/table/symbol_table.ts";

type Row = [name: string, start: number, size: number, bind?: number];

function candidates(rows: Row[]) {
  const bytes = new TextEncoder().encode(rows.map(([name]) => name + "\0").join(""));
  const offsets = new Uint32Array(rows.length);
  for (let i = 1; i < rows.length; i++) offsets[i] = offsets[i - 1] + rows[i - 1][0].length + 1;
  return {
    starts: Float64Array.from(rows, (row) => row[1]),
    ends: Float64Array.from(rows, (row) => row[1] + row[2]),
    binds: Uint8Array.from(rows, (row) => row[3] ?? STB.GLOBAL),
    names: new StringTableNames(bytes, offsets),
  };
}

function settled(rows: Row[]): SymbolTable {
  const builder = new SymbolTableBuilder(candidates(rows));
  builder.insert(0, rows.length);
  builder.settle();
  return builder.finish();
}

function nameAt(table: SymbolTable, address: number): string | undefined {
  const at = table.find(address);
  return at < 0 ? undefined : table.name(at);
}

const ALIASES: [rule: string, rows: Row[], winner: string][] = [
  ["one with a size", [["longest_name", 0, 0], ["a", 0, 8], ["b", 16, 8]], "a"],
  ["one that is not weak", [["longest_name", 0, 8, STB.WEAK], ["a", 0, 8, STB.LOCAL]], "a"],
  ["a global one", [["longest_name", 0, 8, STB.LOCAL], ["a", 0, 8, STB.GLOBAL]], "a"],
  ["the one with fewer underscores in front", [["__longest_name", 0, 8], ["_a", 0, 8]], "_a"],
  ["the one with the longer name", [["short", 0, 8], ["longest", 0, 8]], "longest"],
  ["the earlier one", [["same1", 0, 8], ["same2", 0, 8]], "same1"],
  ["the later one, when the earlier is a SyS_ alias", [["SyS_open", 0, 8], ["sys_open", 0, 8]], "sys_open"],
  ["the last one, when none has a size", [["longest_name", 0, 0], ["a", 0, 0], ["next", 16, 8]], "a"],
];
for (const [rule, rows, winner] of ALIASES) {
  Deno.test(`of symbols at one address SymbolTableBuilder keeps ${rule}`, () => {
    assertEquals(nameAt(settled(rows), 0), winner);
  });
}

Deno.test("SymbolTableBuilder ends a symbol without a size where the next one starts", () => {
  const table = settled([["b", 0x100, 8], ["a", 0x10, 0]]);
  assertEquals([nameAt(table, 0xff), nameAt(table, 0x100)], ["a", "b"]);
});

Deno.test("SymbolTableBuilder ends a last symbol without a size with the page behind its own", () => {
  const table = settled([["a", 0x10, 0]]);
  assertEquals([nameAt(table, 0x1fff), nameAt(table, 0x2000)], ["a", undefined]);
});

Deno.test("SymbolTable.find() gives an outer symbol back where an inner one ends, if perf's search does", () => {
  const rows: Row[] = [["outer", 0, 100], ["inner", 40, 20]];
  assertEquals([39, 40, 59, 60, 99, 100].map((address) => nameAt(settled(rows), address)), [
    "outer",
    "outer", // it is the root of the tree, so the search does not get further
    "outer",
    "outer",
    "outer",
    undefined,
  ]);
  const reversed = settled([rows[1], rows[0]]);
  assertEquals([39, 40, 59, 60, 99].map((address) => nameAt(reversed, address)), [
    "outer",
    "inner",
    "inner",
    undefined, // the search has gone to the right of the inner one
    undefined,
  ]);
});

Deno.test("SymbolTable.find() finds nothing in an empty table", () => {
  const builder = new SymbolTableBuilder(candidates([]));
  assertEquals(builder.finish().find(0), -1);
});

Deno.test("StringTableNames appends a suffix to the names behind a place, and counts it in", () => {
  const bytes = new TextEncoder().encode("one\0__two\0three\0");
  const suffix = { text: "@plt", from: 2 };
  const names = new StringTableNames(bytes, Uint32Array.of(0, 4, 10), { suffix });
  assertEquals([0, 1, 2].map((i) => names.text(i)), ["one", "__two", "three@plt"]);
  assertEquals([0, 1, 2].map((i) => names.length(i)), [3, 5, 9]);
  assertEquals([0, 1, 2].map((i) => names.underscores(i)), [0, 2, 0]);
  assertEquals([0, 1, 2].map((i) => names.isSyscallAlias(i)), [false, false, false]);
});

Deno.test("byAddress() sorts addresses near and far apart, and leaves those of one address in order", () => {
  let state = 1;
  const random = () => (state = Math.imul(state, 1103515245) + 12345 >>> 0) / 2 ** 32;
  for (const span of [1, 2047, 2048, 2 ** 22, 2 ** 31, 2 ** 32 + 5, 2 ** 52, 2 ** 62]) {
    const starts = Float64Array.from({ length: 500 }, () => Math.floor(random() * span) - 2 ** 31);
    starts[7] = starts[400] = starts[3];
    const expected = Array.from(starts.keys()).slice(2).sort((a, b) => starts[a] - starts[b] || a - b);
    assertEquals([...byAddress(starts, 2, starts.length)], expected, `of a span of ${span}`);
  }
  assertEquals([...byAddress(Float64Array.of(5, 5, 5), 0, 3)], [0, 1, 2]);
});
