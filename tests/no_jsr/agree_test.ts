/**
 * What the project relies on in `@std`, as fixed expectations. They hold for the originals, so that running this
 * file with either import map compares the stand-ins of scripts/no-jsr/ with them.
 */
import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertExists,
  assertGreater,
  assertGreaterOrEqual,
  assertInstanceOf,
  assertLess,
  assertLessOrEqual,
  assertMatch,
  assertNotEquals,
  assertNotStrictEquals,
  assertRejects,
  assertStrictEquals,
  assertStringIncludes,
  assertThrows,
  fail,
} from "@std/assert";
import { parseArgs } from "@std/cli/parse-args";
import { unicodeWidth } from "@std/cli/unicode-width";
import { format } from "@std/fmt/bytes";
import * as colors from "@std/fmt/colors";
import {
  mergeReadableStreams,
  TextDelimiterStream,
  TextLineStream,
  toArrayBuffer,
  toBytes,
  toText,
} from "@std/streams";

/** The message a failing assertion ends with; undefined when it passes. Uses no assertion itself. */
function failure(run: () => unknown): string | undefined {
  try {
    run();
  } catch (error) {
    if ((error as Error).name !== "AssertionError") throw error;
    return (error as Error).message;
  }
}

/** Throws unless two plain values print the same: what the assertions themselves are tested with. */
function expect(what: string, actual: unknown, expected: unknown): void {
  const [a, b] = [actual, expected].map((value) => Deno.inspect(value, { depth: 9, sorted: true }));
  if (a !== b) throw new Error(`${what}: ${a}, not ${b}`);
}

class Point {
  #hidden: number;
  constructor(readonly x: number, hidden = 0) {
    this.#hidden = hidden;
  }
  get hidden() {
    return this.#hidden;
  }
}
const cycle = () => {
  const a: Record<string, unknown> = { n: 1 };
  a.self = a;
  return a;
};

const EQUAL: [string, unknown, unknown, boolean][] = [
  ["numbers", 1, 1, true],
  ["a number and a string", 1, "1", false],
  ["the zeros", 0, -0, true],
  ["not a number", NaN, NaN, true],
  ["bigints", 10n, 10n, true],
  ["null and undefined", null, undefined, false],
  ["lists", [1, [2, 3]], [1, [2, 3]], true],
  ["lists of different length", [1, 2], [1, 2, 3], false],
  ["a list with a hole and one with undefined", [1, , 3], [1, undefined, 3], false],
  ["objects in different order", { a: 1, b: 2 }, { b: 2, a: 1 }, true],
  ["an absent and an undefined property", { a: undefined }, {}, false],
  ["differently named undefined properties", { a: undefined }, { b: undefined }, false],
  ["an object without a prototype", Object.assign(Object.create(null), { a: 1 }), { a: 1 }, true],
  ["typed arrays", new Uint8Array([1, 2]), new Uint8Array([1, 2]), true],
  ["typed arrays of different kind", new Uint8Array([1]), new Int8Array([1]), false],
  ["typed arrays and lists", new Uint8Array([1]), [1], false],
  ["buffers", new Uint8Array([1, 2]).buffer, new Uint8Array([1, 3]).buffer, false],
  ["sets of objects", new Set([{ a: 1 }, { b: 2 }]), new Set([{ b: 2 }, { a: 1 }]), true],
  ["maps", new Map([["a", [1]]]), new Map([["a", [1]]]), true],
  ["maps with different values", new Map([["a", 1]]), new Map([["a", 2]]), false],
  ["dates", new Date(5), new Date(5), true],
  ["patterns with different flags", /a/g, /a/i, false],
  ["addresses", new URL("http://a/b"), new URL("http://a/b"), true],
  ["instances", new Point(1), new Point(1), true],
  ["instances whose getters differ", new Point(1, 2), new Point(1, 3), false],
  ["an instance and an object", new Point(1), { x: 1 }, false],
  ["cycles", cycle(), cycle(), true],
  ["one function", expect, expect, true],
  ["two functions", () => 1, () => 1, false],
];

Deno.test("assertEquals() and assertNotEquals() agree on what is equal", () => {
  for (const [what, a, b, equal] of EQUAL) {
    expect(`equal ${what}`, failure(() => assertEquals(a, b)) === undefined, equal);
    expect(`not equal ${what}`, failure(() => assertNotEquals(a, b)) === undefined, !equal);
  }
});

Deno.test("the assertions pass and fail where they should", () => {
  const cases: [boolean, () => unknown][] = [
    [true, () => assert(1)],
    [false, () => assert("")],
    [false, () => fail("always")],
    [true, () => assertStrictEquals(NaN, NaN)],
    [false, () => assertStrictEquals(0, -0)],
    [false, () => assertStrictEquals({}, {})],
    [true, () => assertNotStrictEquals({}, {})],
    [true, () => assertExists(0)],
    [false, () => assertExists(null)],
    [true, () => assertInstanceOf(new Point(1), Point)],
    [false, () => assertInstanceOf({}, Point)],
    [false, () => assertInstanceOf(null, Point)],
    [true, () => assertStringIncludes("abc", "bc")],
    [false, () => assertStringIncludes("abc", "d")],
    [true, () => assertMatch("abc", /^a/)],
    [false, () => assertMatch("abc", /^b/)],
    [false, () => assertGreater(1, 1)],
    [true, () => assertGreaterOrEqual(1n, 1n)],
    [false, () => assertGreaterOrEqual(NaN, 1)],
    [true, () => assertLess("a", "b")],
    [false, () => assertLessOrEqual(2, 1)],
    [true, () => assertAlmostEquals(0.1 + 0.2, 0.3)],
    [false, () => assertAlmostEquals(1, 1.1)],
    [true, () => assertAlmostEquals(1, 1.1, 0.2)],
    [false, () => assertAlmostEquals(NaN, 1)],
    [true, () => assertAlmostEquals(Infinity, Infinity)],
  ];
  for (const [passes, run] of cases) expect(run.toString(), failure(run) === undefined, passes);
});

Deno.test("the assertions' messages begin with what failed, then the caller's words", () => {
  const cases: [string, () => unknown][] = [
    ["Values are not equal: sizes", () => assertEquals(1, 2, "sizes")],
    ["Values are not strictly equal.", () => assertStrictEquals(1, 2)],
    ["Values have the same structure but are not reference-equal.", () => assertStrictEquals({}, {})],
    ['Expected actual: "x" not to be: "x".', () => assertNotEquals("x", "x")],
    ['Expected actual: "abc" to contain: "d".', () => assertStringIncludes("abc", "d")],
    ['Expected actual: "abc" to match: "/d/".', () => assertMatch("abc", /d/)],
    ['Expected actual: "null" to not be null or undefined.', () => assertExists(null)],
    ["Expect 1 > 2", () => assertGreater(1, 2)],
    ['Expected object to be an instance of "Point" but was "Object".', () => assertInstanceOf({}, Point)],
    [
      'Expected actual: "1" to be close to "2": delta "1" is greater than "2e-7".',
      () => assertAlmostEquals(1, 2),
    ],
    ["Failed assertion: here", () => fail("here")],
    ["Expected function to throw.", () => assertThrows(() => 1)],
    ["A non-Error object was thrown.", () =>
      assertThrows(() => {
        throw 1;
      }, Error)],
    ['Expected error to be instance of "RangeError", but was "Error".', () =>
      assertThrows(() => {
        throw new Error("no");
      }, RangeError)],
    ['Expected error message to include "yes", but got "no".', () =>
      assertThrows(
        () => {
          throw new Error("no");
        },
        Error,
        "yes",
      )],
  ];
  for (const [begins, run] of cases) {
    const message = failure(run);
    expect(`${message} begins`, message?.startsWith(begins), true);
  }
});

Deno.test("assertThrows() and assertRejects() return the error, and refuse what is not one", async () => {
  const boom = new RangeError("too far");
  expect(
    "thrown",
    assertThrows(
      () => {
        throw boom;
      },
      RangeError,
      "far",
    ) === boom,
    true,
  );
  expect("rejected", await assertRejects(() => Promise.reject(boom), Error, "far") === boom, true);
  const rejection = async (run: () => Promise<unknown>) => {
    try {
      await run();
    } catch (error) {
      return (error as Error).message.split("\n")[0];
    }
  };
  expect(
    "resolved",
    await rejection(() => assertRejects(() => Promise.resolve())),
    "Expected function to reject.",
  );
  expect(
    "thrown at once",
    await rejection(() =>
      assertRejects(() => {
        throw boom;
      })
    ),
    "Function throws when expected to reject.",
  );
});

const COMMAND_LINES: [string[], Parameters<typeof parseArgs>[1], Record<string, unknown>][] = [
  [["a", "-b", "c", "--d=e", "--f"], {}, { _: ["a"], b: "c", d: "e", f: true }],
  [["-abc", "-n5", "-m", "-3"], {}, { _: [], a: true, b: true, c: true, n: 5, m: true, "3": true }],
  [["--hex=0x10", "--n=1e3", "--s=1.50"], { string: ["s"] }, { _: [], hex: 16, n: 1000, s: "1.50" }],
  [["--v", "x"], { boolean: ["v", "w"] }, { _: ["x"], v: true, w: false }],
  [["--v", "x", "-w", "y"], { boolean: true }, { _: ["x"], v: true, w: "y" }],
  [["--v=false", "--w", "false"], { boolean: ["v", "w"] }, { _: [], v: false, w: false }],
  [["-s"], { string: ["s", "t"] }, { _: [], s: "" }],
  [["-e", "a", "-e", "b"], { collect: ["e", "f"], string: ["e", "f"] }, { _: [], e: ["a", "b"], f: [] }],
  [["-e", "a", "-e", "b"], {}, { _: [], e: "b" }],
  [["--no-color", "--no-x"], { negatable: ["color"], boolean: ["color"] }, {
    _: [],
    color: false,
    "no-x": true,
  }],
  [["-o", "f"], { alias: { output: "o" }, string: ["output"] }, { _: [], o: "f", output: "f" }],
  [["-o", "f"], { alias: { output: "o" }, boolean: ["output"] }, { _: ["f"], o: true, output: true }],
  [[], { default: { n: 7, b: true }, boolean: ["b"] }, { _: [], n: 7, b: true }],
  [["-a", "cmd", "-b"], { stopEarly: true, boolean: ["a"] }, { _: ["cmd", "-b"], a: true }],
  [["-a", "--", "cmd", "-b"], { "--": true }, { _: [], "--": ["cmd", "-b"], a: true }],
  [["-a", "--", "cmd", "5"], {}, { _: ["cmd", "5"], a: true }],
  [["x", "--p", "--q=1", "-r"], { unknown: (word) => word === "-r" }, { _: [], r: true }],
  [["--a.b=1", "--a.c", "x"], {}, { _: [], a: { b: 1, c: "x" } }],
  [["--__proto__.x=1", "--a="], {}, { _: [], a: "" }],
  [["-", "", "-x-", "-y/z"], {}, { _: ["-", ""], x: "-", y: "/z" }],
];

Deno.test("parseArgs() reads these command lines", () => {
  for (const [words, options, expected] of COMMAND_LINES) {
    assertEquals({ ...parseArgs(words, options) }, expected, words.join(" "));
  }
  assertEquals(({} as Record<string, unknown>).x, undefined);
});

Deno.test("parseArgs() gives its options types", () => {
  const parsed = parseArgs(["--name", "n", "-v", "--event=a"], {
    string: ["name", "event"],
    boolean: ["v"],
    collect: ["event"],
    default: { name: "none" },
  });
  const [name, v, events]: [string, boolean, string[]] = [parsed.name, parsed.v, parsed.event];
  assertEquals([name, v, events, parsed._], ["n", true, ["a"], []]);
});

Deno.test("unicodeWidth() counts columns", () => {
  const cases: [string, number][] = [
    ["", 0],
    ["main", 4],
    ["a\tb\n\x1b", 2],
    ["\x7f\x80\xa0\xad", 2],
    ["é", 1],
    ["e\u0301", 1],
    ["天地", 4],
    ["ｆｕｌｌ", 8],
    ["한글", 4],
    ["\u1112\u1161\u11ab", 2],
    ["カタ", 4],
    ["ｶﾀ", 2],
    ["🦕", 2],
    ["👩‍💻", 4],
    ["→ μs ±", 6],
    ["\u200b\u200d\ufeff", 0],
    ["\ud800", 1],
    ["𠀀", 2],
  ];
  for (const [text, columns] of cases) assertEquals(unicodeWidth(text), columns, JSON.stringify(text));
});

Deno.test("format() of bytes picks unit and digits", () => {
  const cases: [number, Parameters<typeof format>[1], string][] = [
    [0, {}, "0 B"],
    [0.4, {}, "0.4 B"],
    [999, {}, "999 B"],
    [999.9, {}, "1000 B"],
    [1000, {}, "1 kB"],
    [1337, {}, "1.34 kB"],
    [-1337, {}, "-1.34 kB"],
    [1024, { binary: true }, "1 kiB"],
    [123456789, { binary: true }, "118 MiB"],
    [1337, { bits: true }, "1.34 kbit"],
    [5, { bits: true }, "5 b"],
    [42, { signed: true }, "+42 B"],
    [0, { signed: true }, " 0 B"],
    [1e30, {}, "1000000 YB"],
    [1337, { locale: "de" }, "1,34 kB"],
    [1936, { maximumFractionDigits: 1, locale: "en" }, "1.9 kB"],
    [1e6, { minimumFractionDigits: 2, locale: "en" }, "1.00 MB"],
  ];
  for (const [bytes, options, expected] of cases) assertEquals(format(bytes, options), expected);
  assertThrows(() => format(NaN), TypeError, "Expected a finite number");
});

Deno.test("colours wrap text, open again behind an inner one, and can be off", () => {
  const before = colors.getColorEnabled();
  try {
    colors.setColorEnabled(true);
    if (colors.getColorEnabled()) { // NO_COLOR wins
      assertEquals(colors.red("x"), "\x1b[31mx\x1b[39m");
      assertEquals(colors.bold(`a${colors.dim("b")}c`), "\x1b[1ma\x1b[2mb\x1b[1mc\x1b[22m");
      assertEquals(colors.gray("x"), "\x1b[90mx\x1b[39m");
      assertEquals(colors.bgBlue("x"), "\x1b[44mx\x1b[49m");
      assertEquals(colors.rgb24("x", 0xff8000), "\x1b[38;2;255;128;0mx\x1b[39m");
      assertEquals(colors.rgb24("x", { r: 300, g: -1, b: 1.9 }), "\x1b[38;2;255;0;1mx\x1b[39m");
      assertEquals(colors.rgb8("x", 208), "\x1b[38;5;208mx\x1b[39m");
      assertEquals(colors.stripAnsiCode(colors.underline("x") + "\x1b]8;;http://a\x07y"), "xy");
    }
    colors.setColorEnabled(false);
    assertEquals(colors.green("x"), "x");
  } finally {
    colors.setColorEnabled(before);
  }
});

const chunks = (text: string, size: number) =>
  ReadableStream.from(
    Array.from({ length: Math.ceil(text.length / size) }, (_, i) => text.slice(i * size, (i + 1) * size)),
  );

Deno.test("TextLineStream and TextDelimiterStream do not depend on the chunks", async () => {
  const lines: [string, boolean, string[]][] = [
    ["a\nb\r\nc", false, ["a", "b", "c"]],
    ["a\rb\n\nc\n", false, ["a\rb", "", "c"]],
    ["a\r\r\nb\r", false, ["a\r", "b\r"]],
    ["a\rb\r\nc\r\r", true, ["a", "b", "c", ""]],
    ["", false, []],
  ];
  for (const size of [1, 2, 3, 100]) {
    for (const [text, allowCR, expected] of lines) {
      const stream = chunks(text, size).pipeThrough(new TextLineStream({ allowCR }));
      assertEquals(await Array.fromAsync(stream), expected, `${JSON.stringify(text)} by ${size}`);
    }
    const split = (disposition?: "prefix" | "suffix") =>
      Array.fromAsync(chunks("::a::b:c::", size).pipeThrough(new TextDelimiterStream("::", { disposition })));
    assertEquals(await split(), ["", "a", "b:c", ""]);
    assertEquals(await split("suffix"), ["::", "a::", "b:c::", ""]);
    assertEquals(await split("prefix"), ["", "::a", "::b:c", "::"]);
  }
});

Deno.test("streams are read whole, and merged", async () => {
  const bytes = () => ReadableStream.from([new Uint8Array([0xc3]), new Uint8Array([0xa9, 0x21])]);
  assertEquals(await toText(bytes()), "é!");
  assertEquals(await toText(ReadableStream.from(["a", "b"])), "ab");
  assertEquals(await toBytes(bytes()), new Uint8Array([0xc3, 0xa9, 0x21]));
  assertEquals(await toArrayBuffer(bytes()), new Uint8Array([0xc3, 0xa9, 0x21]).buffer);
  const merged = mergeReadableStreams(ReadableStream.from(["a", "b"]), ReadableStream.from(["c"]));
  assertEquals((await Array.fromAsync(merged)).sort(), ["a", "b", "c"]);
  const broken = mergeReadableStreams(
    ReadableStream.from(["a"]),
    new ReadableStream<string>({ start: (controller) => controller.error(new Error("broken")) }),
  );
  await assertRejects(() => Array.fromAsync(broken), Error, "broken");
});
