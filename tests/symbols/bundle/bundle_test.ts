import { assert, assertEquals, assertThrows } from "@std/assert";
import { BadInputError } from "../../../lib/base/system/errors.ts";
import { Bundle, encodeBundle } from "../../../lib/symbols/bundle/bundle.ts";
import type { FunctionOutcome } from "../../../lib/symbols/bundle/bundled_code.ts";
import { identityOf, type ObjectAnswers } from "../../../lib/symbols/bundle/bundled_object.ts";
import { writeSources } from "../../../lib/symbols/bundle/bundled_sources.ts";
import { EM } from "../../../lib/symbols/elf/elf.ts";
import { FunctionTableBuilder } from "../../../lib/symbols/kept/function_table.ts";
import { NOTHING } from "../../../lib/symbols/kept/kept_ranges.ts";
import { LineTableBuilder } from "../../../lib/symbols/kept/line_table.ts";
import { ascending, symbolAnswers } from "../../../lib/symbols/bundle/symbol_answers.ts";
import { Cost } from "../../../lib/symbols/object/limits.ts";
import { REASON } from "../../../lib/symbols/object/missing_symbol_reasons.ts";
import { ObjectTable } from "../../../lib/symbols/object/objects.ts";

const OBJECT = new ObjectTable().of({
  pid: 1,
  filename: "/bin/x",
  pgoff: 0,
  maj: 8,
  min: 1,
  ino: 5n,
  buildId: "ab",
});
/** Symbols: 0x1000 to 0x1fff, with another one in its middle. */
const SYMBOLS = [
  { id: 0, name: "outer", start: 0x1000, end: 0x2000 },
  { id: 1, name: "inner ü", start: 0x1400, end: 0x1500 },
];
const find = (address: number) =>
  address >= 0x1400 && address < 0x1500
    ? SYMBOLS[1]
    : address >= 0x1000 && address < 0x2000
    ? SYMBOLS[0]
    : undefined;

/** One line at 0x1010, and none at 0x1600. */
function lineTable(): Uint8Array {
  const table = new LineTableBuilder();
  table.addRange(0x1010, 0x1011, table.row(table.path("/src/x.c"), 7));
  table.addRange(0x1600, 0x1601, NOTHING);
  return table.bytes("");
}

/** A function inlined at 0x1010, and none at 0x1600. */
function functionTable(): Uint8Array {
  const table = new FunctionTableBuilder();
  const outer = table.addFunction({ parent: -1, name: "outer", callPath: "", callLine: 0 });
  const row = table.addFunction({ parent: outer, name: "inlined", callPath: "/src/x.c", callLine: 12 });
  table.addRange(0x1010, 0x1011, row);
  table.addRange(0x1600, 0x1601, NOTHING);
  return table.bytes("");
}

const ANSWERS: ObjectAnswers = {
  facts: {
    ...identityOf(OBJECT),
    failure: { reason: REASON.NOT_COVERED },
    tellsInlined: true,
    missing: ["x.dwo"],
  },
  symbols: symbolAnswers(ascending([0x1600, 0x1010, 0x1410, 0x9000, 0x1010]), find),
  functions: { starts: Float64Array.of(0x9000), ends: Float64Array.of(0x9100) },
  lines: lineTable(),
  inlined: functionTable(),
  code: new Map<number, FunctionOutcome>([
    [0x1400, { cause: "it is in no file" }],
    [0x1000, { bytes: Uint8Array.of(0x90, 0xc3), address: 0x401000, machine: EM.X86_64 }],
  ]),
};
const SOURCES = writeSources(
  new Map([
    ["/src/x.c", { texts: new Map([[7, "int ü;"], [9, ""]]), modified: 1.5, count: 9 }],
    ["/src/y.c", { texts: new Map(), modified: -Infinity, problem: "not shown: no such file" }],
    ["/src/z.c", { texts: new Map([[1, "z"]]), modified: 2 }],
  ]),
);
const encoded = (objects: ObjectAnswers[]) => encodeBundle(objects, [SOURCES])!;
const bundleOf = (bytes: Uint8Array) => new Bundle(bytes, new Cost());

Deno.test("a bundle gives the answers that were put into it, and none for other addresses", () => {
  const { symbols, functions, lines, inlined, facts } = bundleOf(encoded([ANSWERS])).of(OBJECT)!;
  const names = [0xfff, 0x1010, 0x1410, 0x1600, 0x1700, 0x9000].map((address) => {
    const row = symbols!.find(address);
    return row < 0 ? "" : `${symbols!.name(row)} ${symbols!.starts[row]}`;
  });
  assertEquals(names, ["", "outer 4096", "inner ü 5120", "outer 4096", "", ""]);
  assertEquals(symbols!.find(0x1010), symbols!.find(0x1600));
  assertEquals([functions!.startAt(0x9010), functions!.startAt(0x1010)], [0x9000, -1]);
  const found = lines!.of(Float64Array.of(0x1010, 0x1011, 0x1600));
  assertEquals([found.paths, [...found.file], [...found.line]], [["/src/x.c"], [0, -1, -1], [7, 0, 0]]);
  const row = inlined!.at(0x1010), { functions: inner } = inlined!;
  assertEquals([inner.name(row), inner.callPath(row), inner.callLine(row)], ["inlined", "/src/x.c", 12]);
  assertEquals([inner.parent(row), inner.parent(0), inlined!.at(0x1011), inlined!.at(0x1600)], [
    0,
    -1,
    -1,
    -1,
  ]);
  assertEquals([facts.tellsInlined, [...inlined!.missing]], [true, ["x.dwo"]]);
});

Deno.test("a bundle gives code of functions by their starts, or why there is none, and lines of source files", () => {
  const bundle = bundleOf(encoded([ANSWERS])), { code } = bundle.of(OBJECT)!;
  assertEquals([0x1000, 0x1400, 0x1001].map((start) => code!.of(start)), [
    { bytes: Uint8Array.of(0x90, 0xc3), address: 0x401000, machine: EM.X86_64 },
    { cause: "it is in no file" },
    undefined,
  ]);
  assertEquals([code!.has(0x1000), code!.has(0x1400), code!.has(0)], [true, false, false]);
  const { sources } = bundle;
  assertEquals(sources!.of("/src/x.c"), {
    texts: new Map([[7, "int ü;"], [9, ""]]),
    modified: 1.5,
    count: 9,
  });
  assertEquals(sources!.of("/src/y.c"), {
    texts: new Map(),
    modified: -Infinity,
    problem: "not shown: no such file",
  });
  assertEquals([...sources!.of("/src/z.c")!.texts], [[1, "z"]]);
  assertEquals(sources!.of("/src/none.c"), undefined);
});

Deno.test("code at an address that is no whole number is refused", () => {
  for (const address of [NaN, Infinity, 0.5, 1e300]) {
    const code = new Map([[0, { bytes: Uint8Array.of(0xc3), address, machine: EM.X86_64 }]]);
    assertThrows(() => bundleOf(encoded([{ facts: ANSWERS.facts, code }])), BadInputError, "damaged");
  }
});

Deno.test("a bundle has lines and inlined functions of the kernel, whose addresses are counted from a base", () => {
  const base = -2130706432, facts = { ...ANSWERS.facts, kind: "kernel" as const, base };
  const { lines, inlined } = bundleOf(encoded([{ ...ANSWERS, facts }])).of({
    ...OBJECT,
    kind: "kernel",
  })!;
  assertEquals([...lines!.of(Float64Array.of(base + 0x1010, 0x1010)).line], [7, 0]);
  assertEquals([inlined!.at(base + 0x1010), inlined!.at(0x1010)], [1, -1]);
});

Deno.test("a bundle is compressed where that is worth it, and tells objects apart by what they are", () => {
  const many = Array.from({ length: 200 }, (_, i): ObjectAnswers => ({
    ...ANSWERS,
    facts: { ...ANSWERS.facts, pid: i },
  }));
  const bytes = encoded(many);
  assert(bytes.length < 20_000, `${bytes.length} bytes`);
  assertEquals([...bundleOf(bytes).objects].length, 200);
  assertEquals(bundleOf(bytes).of({ ...OBJECT, pid: 7 })?.facts.pid, 7);
  for (const other of [{ pid: 500 }, { buildId: "cd" }, { path: "/bin/y" }, { kind: "vdso" as const }]) {
    assertEquals(bundleOf(bytes).of({ ...OBJECT, ...other }), undefined);
  }
});

Deno.test("a bundle that was cut off or changed anywhere is read or refused, and never gives a wrong row", () => {
  const bytes = encoded([ANSWERS]);
  for (let size = 0; size < bytes.length; size++) {
    assertThrows(() => bundleOf(bytes.slice(0, size)), BadInputError);
  }
  let read = 0;
  for (let at = 0; at < bytes.length; at++) {
    for (const value of [0xff, 0x80, bytes[at] + 1]) {
      const changed = bytes.slice();
      changed[at] = value;
      let object;
      try {
        const bundle = bundleOf(changed);
        object = bundle.of(OBJECT);
        for (const path of bundle.sources?.paths ?? []) {
          for (const [number, text] of bundle.sources!.of(path)!.texts) {
            assert(number > 0 && typeof text === "string");
          }
        }
      } catch (error) {
        assert(error instanceof BadInputError, `at ${at}: ${error}`);
        continue;
      }
      read++;
      for (
        let row = object?.inlined?.at(0x1010) ?? -1, deep = 0;
        row >= 0;
        row = object!.inlined!.functions.parent(row)
      ) {
        assert(typeof object!.inlined!.functions.name(row) === "string" && deep++ < 3);
      }
      const symbol = object?.symbols?.find(0x1010) ?? -1;
      const code = object?.code?.of(0x1000);
      if (code && "bytes" in code) assert(code.bytes.length <= changed.length);
      if (symbol >= 0) assert(typeof object!.symbols!.name(symbol) === "string");
    }
  }
  assert(read > 0);
});

Deno.test("a bundle of more blocks than a recording could carry is not made", () => {
  const jitDump = new Uint8Array(70 << 20), { facts } = ANSWERS;
  assertEquals(encodeBundle([{ facts, jitDump }, { facts, jitDump }]), undefined);
});

Deno.test("a bundle that claims more bytes than it can have is refused before any are made", () => {
  const large = encoded(Array.from({ length: 100 }, () => ANSWERS));
  new DataView(large.buffer, large.byteOffset).setUint32(8, 100 << 20, true);
  assertThrows(() => bundleOf(large), BadInputError, "damaged");
  const newer = encoded([ANSWERS]).slice();
  newer[0] = 9;
  assertThrows(() => bundleOf(newer), BadInputError, "has version 9: expected 1");
});
