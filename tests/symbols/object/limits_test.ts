/** What one object, and all of a report, may cost: counted in bytes that are asked for and in charges, not by the clock. */

import { assertEquals, assertGreater, assertLess, assertStringIncludes, assertThrows } from "@std/assert";
import { type ByteSource, MemoryBytes } from "../../../lib/base/bytes/byte_source.ts";
import { ByteWriter, concat } from "../../../lib/base/bytes/bytes.ts";
import { UsageError } from "../../../lib/base/system/errors.ts";
import { findLines } from "../../../lib/symbols/dwarf/dwarf_line.ts";
import { compilationDirectories } from "../../../lib/symbols/dwarf/info/units.ts";
import { Budget, Cost, LimitError, LIMITS } from "../../../lib/symbols/object/limits.ts";
import { type ObjectInfo, ObjectTable } from "../../../lib/symbols/object/objects.ts";
import { sourceLines } from "../../../lib/symbols/source_lines.ts";
import type { SymbolFiles } from "../../../lib/symbols/files/symbol_files.ts";
import { Symbolizer } from "../../../lib/symbols/symbolizer.ts";
import {
  missingSymbolCause,
  missingSymbolRemedy,
  REASON,
} from "../../../lib/symbols/object/missing_symbol_reasons.ts";
import { HeldBytes } from "../../../lib/symbols/object/windows.ts";
import { xzZeros, zlibZeros } from "../../fuzz/made/packed.ts";
import { buildElf, TEXT_SHIFT } from "../build_elf.ts";
import { SparseBytes } from "../sparse_bytes.ts";

const MIB = 1 << 20;
const SECTION = { TEXT: 1, SYMTAB: 2, STRTAB: 3, NOTE: 4, SHSTRTAB: 5 } as const;
/** Where sections are that a test puts there. */
const MOVED = 1 << 20;

const symbol = (name: string, i: number) => ({ name, value: TEXT_SHIFT + 0x1000 + 16 * i, size: 16 });
const PROGRAM = buildElf({ symbols: [symbol("one", 0), symbol("two", 1)] });
const program = () => new MemoryBytes(PROGRAM);
const HEADERS = Number(new DataView(PROGRAM.buffer, PROGRAM.byteOffset).getBigUint64(40, true));

/** A program in which a section was moved to MOVED, where it has `size` bytes: zeros but for those given. */
function grown(section: number, size: number, inside: (readonly [number, Uint8Array])[] = []): SparseBytes {
  const front = PROGRAM.slice();
  const view = new DataView(front.buffer);
  view.setBigUint64(HEADERS + 64 * section + 24, BigInt(MOVED), true);
  view.setBigUint64(HEADERS + 64 * section + 32, BigInt(size), true);
  return new SparseBytes(MOVED + size, [[0, front], ...inside.map(([at, b]) => [MOVED + at, b] as const)]);
}

function object(filename = "/bin/evil", more: { prot?: number; pid?: number } = {}): ObjectInfo {
  return new ObjectTable().of({ pid: 9, pgoff: 0, filename, ...more });
}

/** What a report says of an address of an object: its symbol, or why there is none. */
async function answer(
  hooks: Partial<SymbolFiles>,
  { of = object(), address = 0x1000, budget = new Budget() }: {
    of?: ObjectInfo;
    address?: number;
    budget?: Budget;
  } = {},
): Promise<string> {
  const symbolizer = new Symbolizer({ open: () => undefined, kallsyms: () => undefined, ...hooks }, {
    budget,
  });
  await symbolizer.prepare([of]);
  const id = symbolizer.symbolize(of, address);
  if (id >= 0) return symbolizer.symbol(id).name;
  symbolizer.addUnresolved(of, id as never, 1);
  const [{ reason, detail }] = symbolizer.unresolved();
  return missingSymbolCause(reason, detail);
}

Deno.test("a file that claims a thousand million sections is refused after its headers", async () => {
  const front = PROGRAM.slice();
  new DataView(front.buffer).setBigUint64(40, BigInt(MOVED), true);
  new DataView(front.buffer).setUint16(60, 0, true);
  const count = new ByteWriter(64).zeros(32).u64(1e9).zeros(24).bytes();
  const file = new SparseBytes(70e9, [[0, front], [MOVED, count]]);
  assertEquals(await answer({ open: () => file }), "over the limit of 131,072 sections");
  assertLess(file.readBytes, 1000);
});

Deno.test("a file that claims a hundred million symbols is refused before they are read", async () => {
  const file = grown(SECTION.SYMTAB, 24e8);
  assertEquals(await answer({ open: () => file }), "over the limit of 6,000,000 symbols");
  assertLess(file.readBytes, 5000);
});

Deno.test("six million empty symbols are read piece by piece", async () => {
  const file = grown(SECTION.SYMTAB, 24 * 6e6);
  assertEquals(await answer({ open: () => file }), "no symbols");
  assertLess(file.longest, 2 * MIB);
});

Deno.test("of three gigabytes of names those are read that are shown", async () => {
  const names = new TextEncoder().encode("\0one\0two\0");
  const file = grown(SECTION.STRTAB, 3e9, [[0, names]]);
  assertEquals(await answer({ open: () => file }), "one");
  assertLess(file.readBytes, MIB);
});

Deno.test("a name without an end is cut off", async () => {
  const file = grown(SECTION.STRTAB, 200_000, [[0, new Uint8Array(200_000).fill(0x61)]]);
  const name = await answer({ open: () => file });
  assertEquals(name, "a".repeat(65536) + "...");
});

Deno.test("a debug file of 40 GB, sparse, is not read for its checksum", async () => {
  const link = concat([new TextEncoder().encode("debug\0\0\0"), new ByteWriter(4).u32(0x12345678).bytes()]);
  const names = new TextEncoder().encode("\0.text\0.symtab\0.strtab\0.note\0.gnu_debuglink\0.shstrtab\0");
  const front = PROGRAM.slice();
  const view = new DataView(front.buffer);
  const place = (section: number, name: number, at: number, size: number) => {
    view.setUint32(HEADERS + 64 * section, name, true);
    view.setBigUint64(HEADERS + 64 * section + 24, BigInt(at), true);
    view.setBigUint64(HEADERS + 64 * section + 32, BigInt(size), true);
  };
  place(SECTION.SYMTAB, 0, 0, 0); // stripped
  place(SECTION.NOTE, 29, MOVED, link.length);
  place(SECTION.SHSTRTAB, 44, MOVED + 64, names.length);
  view.setUint32(HEADERS + 64 * SECTION.NOTE + 4, 1, true);
  const file = new SparseBytes(2 * MOVED, [[0, front], [MOVED, link], [MOVED + 64, names]]);
  const debug = new SparseBytes(40e9, [[0, PROGRAM]]);
  const asked: unknown[] = [];
  const hooks = {
    open: () => file,
    debugFiles: (_: ObjectInfo, by: { debugLink?: string }) => {
      asked.push(by.debugLink);
      return [debug];
    },
  };
  assertEquals(await answer(hooks), "over the limit of time for one object in its debug file");
  assertEquals(asked, ["debug"]);
  assertLess(debug.readBytes, 5000);
});

/** Bytes that are a pattern over and over, behind a head. */
class Repeated implements ByteSource {
  readonly name = "repeated";
  readonly size: number;
  readBytes = 0;
  readonly #head: Uint8Array;
  readonly #pattern: Uint8Array;

  constructor(size: number, pattern: Uint8Array, head = new Uint8Array(0)) {
    this.size = size;
    this.#head = head;
    this.#pattern = pattern;
  }

  read(offset: number, length: number): Uint8Array {
    const bytes = new Uint8Array(Math.max(0, Math.min(length, this.size - offset)));
    this.readBytes += bytes.length;
    for (let i = 0; i < bytes.length; i++) {
      const at = offset + i - this.#head.length;
      bytes[i] = at < 0 ? this.#head[offset + i] : this.#pattern[at % this.#pattern.length];
    }
    return bytes;
  }
}

Deno.test("a perf map of a terabyte is refused unread, and one of too many lines after some of them", async () => {
  const of = object("//anon", { prot: 7 });
  const sparse = new SparseBytes(1e12, []);
  assertEquals(await answer({ open: () => sparse }, { of }), "over the limit of 512 MiB of text");
  assertEquals(sparse.readBytes, 0);
  const lines = new Repeated(500e6, new TextEncoder().encode("1 1 x\n"));
  assertEquals(await answer({ open: () => lines }, { of }), "over the limit of 448 MiB of memory");
  assertLess(lines.readBytes, 40 * MIB);
});

Deno.test("a jitdump of too many records is refused after some of them", async () => {
  const head = new ByteWriter(40).u32(0x4a695444).u32(1).u32(40).u32(62).u32(0).u32(9).u64(0).u64(0).bytes();
  const load = new ByteWriter(64).u32(0).u32(64).u64(1).u32(9).u32(9).u64(0x5000).u64(0x5000).u64(16).u64(1)
    .u64(0x6161).bytes();
  const of = new ObjectTable().ofJitDump(9, "/tmp/jit-9.dump");
  const dump = new Repeated(1e12, load, head);
  assertEquals(await answer({ open: () => dump }, { of }), "over the limit of 448 MiB of memory");
  assertLess(dump.readBytes, 300 * MIB);
});

/** A stripped program with its symbols inside, packed; or another section in their place. */
function withSection(name: string, contents: Uint8Array, flags = 0): MemoryBytes {
  const names = new TextEncoder().encode(`\0.text\0.strtab\0${name}\0.shstrtab\0`);
  const front = new Uint8Array(MOVED);
  front.set(PROGRAM);
  const view = new DataView(front.buffer);
  const place = (section: number, nameAt: number, type: number, at: number, size: number) => {
    view.setUint32(HEADERS + 64 * section, nameAt, true);
    view.setUint32(HEADERS + 64 * section + 4, type, true);
    view.setBigUint64(HEADERS + 64 * section + 8, BigInt(section === SECTION.SYMTAB ? flags : 0), true);
    view.setBigUint64(HEADERS + 64 * section + 24, BigInt(at), true);
    view.setBigUint64(HEADERS + 64 * section + 32, BigInt(size), true);
  };
  place(SECTION.SYMTAB, 15, 1, MOVED, contents.length);
  place(SECTION.SHSTRTAB, 16 + name.length, 3, MOVED + contents.length, names.length);
  view.setUint32(HEADERS + 64 * SECTION.TEXT, 1, true);
  return new MemoryBytes(concat([front, contents, names]));
}

Deno.test("symbols inside a program that unpack to a gigabyte are given up in time, one program after the other", async () => {
  const zeros = Deno.readFileSync(new URL("../../testdata/fuzz/zeros.xz", import.meta.url));
  const table = new ObjectTable();
  const objects = ["/a", "/b", "/c"].map((filename) => table.of({ pid: 1, pgoff: 0, filename }));
  const file = withSection(".gnu_debugdata", xzZeros(zeros, 2000));
  const budget = new Budget();
  const symbolizer = new Symbolizer({ open: () => file, kallsyms: () => undefined }, { budget });
  await symbolizer.prepare(objects);
  for (const each of objects) symbolizer.addUnresolved(each, symbolizer.symbolize(each, 0x1000) as never, 1);
  const causes = symbolizer.unresolved().map(({ reason, detail }) => missingSymbolCause(reason, detail));
  assertEquals(causes[0], "over the limit of 448 MiB of memory in its .gnu_debugdata");
  for (const cause of causes) assertStringIncludes(cause, "over the limit of ");
  assertLess(budget.worked, LIMITS.work);
  assertEquals(budget.kept < 1000, true);
});

Deno.test("a line table that unpacks to three gigabytes is refused before it is unpacked", () => {
  const head = new ByteWriter(24).u32(1).u32(0).u64(180 * 2 ** 24).u64(1).bytes();
  const file = withSection(".debug_line", concat([head, zlibZeros(180)]), 0x800);
  const hooks = { open: () => file, kallsyms: () => undefined };
  assertEquals(sourceLines(hooks, object(), Float64Array.of(0x1000)), {
    reason: REASON.OVER_LIMIT,
    detail: "time for one object",
  });
});

const uleb = (value: number): number[] =>
  value < 0x80 ? [value] : [value % 0x80 | 0x80, ...uleb(Math.floor(value / 0x80))];

/** Debug information of these sections, and what it has cost. */
function info(sections: Record<string, Uint8Array>) {
  const budget = new Budget();
  const held = new Map(Object.entries(sections).map(([name, bytes]) => [name, new HeldBytes(bytes)]));
  return { budget, littleEndian: true, cost: new Cost(budget), get: (name: string) => held.get(name) };
}

/** A unit of line tables of version 5 with these tables and this program. */
function lineUnit(tables: Uint8Array, code: Uint8Array): Uint8Array {
  const head = Uint8Array.of(1, 1, 1, 0xfb, 14, 13, 0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1);
  const sizes = new ByteWriter(16).u16(5).u8(8).u8(0).u32(head.length + tables.length).bytes();
  const unit = concat([sizes, head, tables, code]);
  return concat([new ByteWriter(4).u32(unit.length).bytes(), unit]);
}

/** A sequence that covers [0x1000, 0x1000 + 0x10000). */
const COVER = Uint8Array.of(0, 9, 2, 0, 0x10, 0, 0, 0, 0, 0, 0, 1, 2, 0x80, 0x80, 4, 0, 1, 1);

Deno.test("a table of a million files of which one is asked for makes one path", () => {
  const n = 1e6;
  const entries = new ByteWriter(4 * n);
  for (let i = 0; i < n; i++) entries.u32(i % 100);
  const one = [1, 1, 0x1f];
  const tables = concat([
    Uint8Array.from([...one, ...uleb(n)]),
    entries.bytes(),
    Uint8Array.from([...one, 2, 0, 0, 0, 0, 0, 0, 0, 0]),
  ]);
  const debug = info({
    ".debug_line": lineUnit(tables, COVER),
    ".debug_line_str": concat([new TextEncoder().encode("/a.c\0"), new Uint8Array(4e6).fill(0x61)]),
  });
  const found = findLines(debug, Float64Array.of(0x1000, 0x2000));
  assertEquals(found.paths, ["/a.c"]);
  assertEquals([...found.line], [1, 1]);
});

Deno.test("a path longer than any that a system opens is none", () => {
  const tables = Uint8Array.from([1, 1, 0x1f, 1, 0, 0, 0, 0, 1, 1, 0x1f, 2, ...Array(8).fill(0)]);
  const found = (length: number) =>
    findLines(
      info({ ".debug_line": lineUnit(tables, COVER), ".debug_line_str": new Uint8Array(length).fill(0x2f) }),
      Float64Array.of(0x1000),
    ).paths;
  assertEquals(found(4096), ["/".repeat(4096)]);
  assertEquals(found(4097), []);
});

Deno.test("a million sequences over the same thousand addresses are gone through once each", () => {
  const wanted = new Float64Array(1000).map((_, i) => 0x1000 + 16 * i);
  const debug = info({
    ".debug_line": lineUnit(Uint8Array.of(0, 0, 0, 0), concat(Array(300_000).fill(COVER))),
  });
  const started = performance.now();
  const found = findLines(debug, wanted);
  assertLess(performance.now() - started, 5000); // a thousand million steps took a minute
  assertEquals(found.line.every((line) => line === 1), true);
});

Deno.test("units that each name the last of many abbreviations have it looked for once", () => {
  const n = 20_000;
  const abbreviations = Uint8Array.from(
    Array.from(
      { length: n },
      (_, i) => [...uleb(i + 1), 0x11, 0, ...(i === n - 1 ? [0x10, 0x17, 0x1b, 0x08] : []), 0, 0],
    )
      .flat(),
  );
  const name = new TextEncoder().encode("/src\0");
  const units = Array.from({ length: n }, (_, i) => {
    const body = concat([Uint8Array.from(uleb(n)), new ByteWriter(4).u32(i).bytes(), name]);
    return concat([new ByteWriter(11).u32(7 + body.length).u16(4).u32(0).u8(8).bytes(), body]);
  });
  const debug = info({ ".debug_info": concat(units), ".debug_abbrev": abbreviations });
  assertEquals(compilationDirectories(debug, new Set([7, n - 1])), new Map([[7, "/src"], [n - 1, "/src"]]));
  assertLess(debug.budget.worked, 10e6);
});

Deno.test("units that each name an abbreviation of another table are given up in time", () => {
  const n = 50_000;
  const units = Array.from(
    { length: n },
    (_, i) => new ByteWriter(12).u32(8).u16(4).u32(i).u8(8).u8(0x7f).bytes(),
  );
  const debug = info({
    ".debug_info": concat(units),
    ".debug_abbrev": new Uint8Array(2 * MIB).fill(1),
  });
  assertThrows(() => compilationDirectories(debug, new Set([-5])), LimitError, "of memory");
});

Deno.test("what goes wrong with one object in a way that nobody has thought of is its own, not the report's", async () => {
  const broken: ByteSource = {
    name: "broken",
    size: 1000,
    read() {
      throw new RangeError("Array buffer allocation failed");
    },
  };
  const table = new ObjectTable();
  const [evil, good] = ["/evil", "/good"].map((filename) => table.of({ pid: 1, pgoff: 0, filename }));
  const hooks = {
    open: ({ path }: ObjectInfo) => path === "/evil" ? broken : program(),
    kallsyms: () => undefined,
  };
  const symbolizer = new Symbolizer(hooks);
  assertEquals(symbolizer.isReady(evil), true);
  await symbolizer.prepare([evil, good]);
  assertEquals(symbolizer.symbolize(evil, 0x1000), REASON.FAILED);
  assertEquals(symbolizer.symbol(symbolizer.symbolize(good, 0x1000)).name, "one");
  symbolizer.addUnresolved(evil, REASON.FAILED, 1);
  const [{ reason, detail }] = symbolizer.unresolved();
  assertEquals(
    missingSymbolCause(reason, detail),
    "not readable (RangeError: Array buffer allocation failed)",
  );
  assertEquals(sourceLines(hooks, evil, Float64Array.of(1)), { reason, detail });
});

Deno.test("one object gets at most half of what is left, so others do after twenty that take all they can", () => {
  const budget = new Budget();
  for (let i = 0; i < 20; i++) {
    const cost = budget.cost(`evil ${i}`);
    const step = { work: 1e4, keep: 1e3 };
    assertThrows(() => {
      for (;;) cost.work(step.work);
    }, LimitError);
    assertThrows(() => {
      for (;;) cost.keep(step.keep);
    }, LimitError);
    cost.done();
  }
  assertLess(budget.worked, LIMITS.work);
  assertLess(budget.kept, LIMITS.keptMemory);
  const afterFive = new Budget();
  for (let i = 0; i < 5; i++) afterFive.cost("evil").work(2 ** -i * LIMITS.objectWork);
  afterFive.cost("honest").work(18e6); // 500,000 symbols
});

Deno.test("what an object held is free for the next one, and so is what was kept of one that failed", () => {
  const budget = new Budget();
  for (let i = 0; i < 10; i++) {
    const cost = budget.cost(`object ${i}`);
    cost.hold(400 * MIB);
    cost.keep(MIB);
    if (i % 2 === 0) cost.abandon();
    else cost.done();
  }
  assertEquals(budget.kept, 5 * MIB);
  const cost = budget.cost("last");
  assertThrows(() => cost.hold(449 * MIB), LimitError, "448 MiB of memory");
});

Deno.test("PMUCTL_LIMIT_FACTOR multiplies all limits", () => {
  const withFactor = (text: string, go: () => void) => {
    Deno.env.set("PMUCTL_LIMIT_FACTOR", text);
    try {
      go();
    } finally {
      Deno.env.delete("PMUCTL_LIMIT_FACTOR");
    }
  };
  withFactor("4", () => {
    const cost = new Budget().cost("large");
    cost.count(24_000_000, "symbols");
    cost.hold(1024 * MIB);
    assertThrows(() => cost.count(24_000_001, "symbols"), LimitError, "24,000,000 symbols");
  });
  for (const text of ["0", "x", "1e9"]) {
    withFactor(text, () => assertThrows(() => new Budget(), UsageError, text));
  }
  assertStringIncludes(missingSymbolRemedy(REASON.OVER_LIMIT, object()), "PMUCTL_LIMIT_FACTOR=4");
});

Deno.test("names that stay in their file are the same as in memory, across pages and for aliases", async () => {
  const count = 3000, gap = 41_000; // names lie 41 kB apart: 120 MB in all, in no order with the addresses
  const table = new ByteWriter(24 * (count + 1)).zeros(24);
  const parts: (readonly [number, Uint8Array])[] = [];
  const place = (i: number) => 1 + (i * 1237 % count) * gap;
  for (let i = 0; i < count; i++) {
    const name = i % 3 === 2 ? `__alias_of_${i - 1}` : `name_${i}_${"x".repeat(i % 200)}`;
    parts.push([place(i), new TextEncoder().encode(name)]);
    const at = TEXT_SHIFT + 0x1000 + 16 * (i % 3 === 2 ? i - 1 : i) % 0x1000;
    table.u32(place(i)).u8(0x12).u8(0).u16(1).u64(at).u64(16);
  }
  const view = new DataView(PROGRAM.buffer);
  const symtab = { at: 1 << 19, bytes: table.bytes() };
  const make = (size: number) => {
    const front = new Uint8Array(MOVED);
    front.set(PROGRAM);
    const headers = new DataView(front.buffer);
    const set = (section: number, at: number, bytes: number) => {
      headers.setBigUint64(HEADERS + 64 * section + 24, BigInt(at), true);
      headers.setBigUint64(HEADERS + 64 * section + 32, BigInt(bytes), true);
    };
    set(SECTION.SYMTAB, symtab.at, symtab.bytes.length);
    set(SECTION.STRTAB, MOVED, size);
    front.set(symtab.bytes, symtab.at);
    return front;
  };
  assertEquals(view.getUint32(0, false), 0x7f454c46);
  const size = count * gap + 300;
  const paged = new SparseBytes(MOVED + size, [
    [0, make(size)],
    ...parts.map(([at, b]) => [MOVED + at, b] as const),
  ]);
  const whole = new MemoryBytes(paged.read(0, paged.size));
  const names = async (file: ByteSource) => {
    const of = object();
    const symbolizer = new Symbolizer({ open: () => file, kallsyms: () => undefined });
    await symbolizer.prepare([of]);
    return Array.from({ length: 256 }, (_, i) => {
      const id = symbolizer.symbolize(of, 0x1000 + 16 * i);
      return id < 0 ? "" : symbolizer.symbol(id).name;
    });
  };
  const expected = await names(whole);
  assertGreater(expected.filter((name) => name !== "").length, 200);
  assertEquals(await names(paged), expected);
});

Deno.test("objects that are open at once share the memory of a report, and give it back", () => {
  const budget = new Budget(1), size = 300 * MIB;
  const [first, second, third] = ["one", "two", "three"].map((name) => budget.cost(name));
  first.hold(size);
  second.hold(size);
  assertThrows(() => third.hold(size), LimitError, "memory for all objects together");
  first.done();
  first.release(size); // gives nothing back twice
  assertEquals(budget.held, size);
  third.hold(size);
  third.abandon();
  second.release(size);
  assertEquals(budget.held, 0);
});
