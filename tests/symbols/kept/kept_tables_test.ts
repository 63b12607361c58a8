import { assertEquals } from "@std/assert";
import { FunctionTable, FunctionTableBuilder } from "../../../lib/symbols/kept/function_table.ts";
import { NOTHING, UNKNOWN } from "../../../lib/symbols/kept/kept_ranges.ts";
import { LineTable, LineTableBuilder } from "../../../lib/symbols/kept/line_table.ts";

/** Table of main, with a function inlined into it that has another inlined. */
function functions(): FunctionTableBuilder {
  const builder = new FunctionTableBuilder();
  const main = builder.addFunction({ parent: -1, name: "main", callPath: "", callLine: 0 });
  const outer = builder.addFunction({ parent: main, name: "outer", callPath: "/s/a.c", callLine: 12 });
  const inner = builder.addFunction({ parent: outer, name: "größer", callPath: "/s/b.h", callLine: 3 });
  builder.addRange(0x120, 0x130, inner);
  builder.addRange(0x100, 0x110, main);
  builder.addRange(0x110, 0x120, outer);
  builder.addRange(0x130, 0x200, NOTHING);
  return builder;
}

/** Functions at an offset as `name path:line`, innermost first, or the answer that is no row. */
function chainAt(table: FunctionTable, offset: number): string[] | number {
  const chain: string[] = [];
  let row = table.at(offset);
  if (row < 0) return row;
  for (; row >= 0; row = table.parent(row)) {
    chain.push(`${table.name(row)} ${table.callPath(row)}:${table.callLine(row)}`);
  }
  return chain;
}

/** Returns the bytes with the checksum that they should have. */
function checked(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const words = new Uint32Array(bytes.buffer);
  let hash = 0x811c9dc5;
  for (let i = 3; i < words.length; i++) hash = Math.imul(hash ^ words[i], 0x01000193);
  words[2] = hash;
  return bytes;
}

Deno.test("FunctionTable tells the functions at an offset, that nothing is there, and what it does not know", () => {
  const table = FunctionTable.read(functions().bytes("stamp"), "stamp")!;
  assertEquals(chainAt(table, 0x10f), ["main :0"]);
  assertEquals(chainAt(table, 0x110), ["outer /s/a.c:12", "main :0"]);
  assertEquals(chainAt(table, 0x12f), ["größer /s/b.h:3", "outer /s/a.c:12", "main :0"]);
  assertEquals([0x130, 0x1ff].map((at) => table.at(at)), [NOTHING, NOTHING]);
  assertEquals([0, 0xff, 0x200, 2 ** 33, NaN].map((at) => table.at(at)), Array(5).fill(UNKNOWN));
});

Deno.test("FunctionTableBuilder adds to what a table knows, and keeps its rows", () => {
  const known = FunctionTable.read(functions().bytes("stamp"), undefined)!;
  const builder = new FunctionTableBuilder(known);
  const row = builder.addFunction({ parent: -1, name: "more", callPath: "", callLine: 0 });
  builder.addRange(0x200, 0x280, row);
  builder.addRange(2 ** 32, 2 ** 32 + 8, row);
  const table = FunctionTable.read(builder.bytes(""), "")!;
  for (let at = 0; at < 0x200; at += 4) assertEquals(chainAt(table, at), chainAt(known, at));
  assertEquals(chainAt(table, 0x27f), ["more :0"]);
  assertEquals(table.at(0x280), UNKNOWN);
  assertEquals(table.at(2 ** 32), UNKNOWN);
});

Deno.test("a kept table is read only whole, unchanged, with its stamp and as what it is", () => {
  const bytes = functions().bytes("stamp");
  assertEquals(FunctionTable.read(bytes, "another"), undefined);
  assertEquals(LineTable.read(bytes, "stamp"), undefined);
  for (let size = 0; size < bytes.length; size++) {
    assertEquals(FunctionTable.read(bytes.slice(0, size), undefined), undefined, `cut to ${size}`);
  }
  for (let at = 0; at < bytes.length; at++) {
    const changed = bytes.slice();
    changed[at] ^= 1 << (at % 8);
    assertEquals(FunctionTable.read(changed, undefined), undefined, `changed at ${at}`);
  }
});

Deno.test("no number of a kept table leads out of it, though its checksum is right", () => {
  const bytes = functions().bytes("stamp"), words = new Uint32Array(bytes.buffer);
  // the columns: 8 words of head, 6 lengths, then 6 starts, 6 owners, 3 parents, 3 names, 3 paths, 3 lines
  assertEquals([...words.subarray(8, 14)], [6, 6, 3, 3, 3, 3]);
  const starts = 14, owners = 20, parents = 26, names = 29, paths = 32, lines = 35;
  const changed = (at: number, value: number) => {
    const copy = bytes.slice();
    new Uint32Array(copy.buffer)[at] = value;
    return FunctionTable.read(checked(copy), undefined);
  };
  assertEquals(changed(starts + 2, 0), undefined, "ranges that do not ascend");
  assertEquals(changed(owners + 3, 5)!.at(0x120), UNKNOWN);
  assertEquals(changed(parents + 1, 3)!.parent(1), -1, "inlined into a later one");
  assertEquals(changed(parents + 2, 2 ** 32 - 1)!.parent(2), -1);
  assertEquals(changed(names + 2, 99)!.name(2), "");
  assertEquals(changed(paths + 2, 99)!.callPath(2), "");
  assertEquals(changed(lines + 2, 2 ** 31)!.callLine(2), 0);
  assertEquals(chainAt(changed(lines + 2, 77)!, 0x120), ["größer /s/b.h:77", "outer /s/a.c:12", "main :0"]);
});

Deno.test("a kept table gives all of many strings, of one byte a character or more", () => {
  for (const letter of ["a", "ö", "🙂"]) {
    const builder = new FunctionTableBuilder();
    const names = Array.from({ length: 200 }, (_, i) => letter.repeat(i % 7) + i);
    for (const name of names) builder.addFunction({ parent: -1, name, callPath: letter, callLine: 1 });
    const table = FunctionTable.read(builder.bytes(""), "")!;
    assertEquals(names.map((_, row) => table.name(row)), names);
    assertEquals(table.callPath(199), letter);
  }
});

Deno.test("LineTable tells lines, that code has none, and what it does not know, also after more was added", () => {
  const builder = new LineTableBuilder(), path = builder.path("/s/a.c");
  builder.addRange(8, 16, builder.row(path, 7));
  builder.addRange(16, 24, builder.row(path, 7 + 2 ** 24));
  builder.addRange(24, 32, builder.row(path, 7));
  builder.addRange(32, 40, NOTHING);
  const first = LineTable.read(builder.bytes("s"), "s")!;
  const more = new LineTableBuilder(first);
  more.addRange(40, 48, more.row(more.path("b.c"), 0));
  const table = LineTable.read(more.bytes("s"), "s")!;
  const lineAt = (at: number) => {
    const row = table.at(at);
    return row < 0 ? row : `${table.path(table.pathOf(row))}:${table.line(row)}`;
  };
  assertEquals([0, 8, 16, 24, 32, 40, 48].map(lineAt), [
    UNKNOWN,
    "/s/a.c:7",
    `/s/a.c:${7 + 2 ** 24}`,
    "/s/a.c:7",
    NOTHING,
    "b.c:0",
    UNKNOWN,
  ]);
});
