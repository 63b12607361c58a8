/**
 * What the project relies on in `@std`, as fixed expectations. They hold for the originals, so that running this
 * file with either import map compares the stand-ins of scripts/no-jsr/ with them.
 */
import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertGreater,
  assertGreaterOrEqual,
  assertLess,
  assertMatch,
  assertNotEquals,
  assertRejects,
  assertStrictEquals,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { parseArgs } from "@std/cli/parse-args";
import { format } from "@std/fmt/bytes";
import { bold, dim, getColorEnabled, green, red, setColorEnabled } from "@std/fmt/colors";
import { TextLineStream } from "@std/streams";

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
    [true, () => assertStrictEquals(NaN, NaN)],
    [false, () => assertStrictEquals(0, -0)],
    [false, () => assertStrictEquals({}, {})],
    [true, () => assertStringIncludes("abc", "bc")],
    [false, () => assertStringIncludes("abc", "d")],
    [true, () => assertMatch("abc", /^a/)],
    [false, () => assertMatch("abc", /^b/)],
    [false, () => assertGreater(1, 1)],
    [true, () => assertGreaterOrEqual(1n, 1n)],
    [false, () => assertGreaterOrEqual(NaN, 1)],
    [true, () => assertLess("a", "b")],
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
    ["Expect 1 > 2", () => assertGreater(1, 2)],
    [
      'Expected actual: "1" to be close to "2": delta "1" is greater than "2e-7".',
      () => assertAlmostEquals(1, 2),
    ],
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
  [["-m", "-3"], {}, { _: [], m: true, "3": true }],
  [["--hex=0x10", "--n=1e3", "--s=1.50"], { string: ["s"] }, { _: [], hex: 16, n: 1000, s: "1.50" }],
  [["--v", "x"], { boolean: ["v", "w"] }, { _: ["x"], v: true, w: false }],
  [["--v=false", "--w", "false"], { boolean: ["v", "w"] }, { _: [], v: false, w: false }],
  [["--s", "true", "--a=b=c\nd"], { string: ["s", "a"] }, { _: [], s: "true", a: "b=c\nd" }],
  [["-s"], { string: ["s", "t"] }, { _: [], s: "" }],
  [["-e", "a", "-e", "b"], { collect: ["e", "f"], string: ["e", "f"] }, { _: [], e: ["a", "b"], f: [] }],
  [["-e", "a", "-e", "b"], {}, { _: [], e: "b" }],
  [["--no-color"], { boolean: ["no-color"] }, { _: [], "no-color": true }],
  [[], { default: { n: 7, b: true }, boolean: ["b"] }, { _: [], n: 7, b: true }],
  [["-a", "--", "cmd", "5"], {}, { _: ["cmd", "5"], a: true }],
  [["x", "--p", "--q=1", "-r"], { unknown: (word) => word === "-r" }, { _: [], r: true }],
  [["-", "", "7"], {}, { _: ["-", "", 7] }],
];

Deno.test("parseArgs() reads these command lines", () => {
  for (const [words, options, expected] of COMMAND_LINES) {
    assertEquals({ ...parseArgs(words, options) }, expected, words.join(" "));
  }
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
    [1e30, {}, "1000000 YB"],
    [1936, { maximumFractionDigits: 1 }, "1.9 kB"],
    [1e6, { minimumFractionDigits: 2 }, "1.00 MB"],
  ];
  for (const [bytes, options, expected] of cases) {
    assertEquals(format(bytes, options).replace(",", "."), expected); // as the locale has it
  }
  assertThrows(() => format(NaN), TypeError, "Expected a finite number");
});

Deno.test("colours wrap text, open again behind an inner one, and can be off", () => {
  const before = getColorEnabled();
  try {
    setColorEnabled(true);
    if (getColorEnabled()) { // NO_COLOR wins
      assertEquals(red("x"), "\x1b[31mx\x1b[39m");
      assertEquals(bold(`a${dim("b")}c`), "\x1b[1ma\x1b[2mb\x1b[1mc\x1b[22m");
    }
    setColorEnabled(false);
    assertEquals(green("x"), "x");
  } finally {
    setColorEnabled(before);
  }
});

const chunks = (text: string, size: number) =>
  ReadableStream.from(
    Array.from({ length: Math.ceil(text.length / size) }, (_, i) => text.slice(i * size, (i + 1) * size)),
  );

Deno.test("TextLineStream does not depend on the chunks", async () => {
  const lines: [string, string[]][] = [
    ["a\nb\r\nc", ["a", "b", "c"]],
    ["a\rb\n\nc\n", ["a\rb", "", "c"]],
    ["a\r\r\nb\r", ["a\r", "b\r"]],
    ["", []],
  ];
  for (const size of [1, 2, 3, 100]) {
    for (const [text, expected] of lines) {
      const stream = chunks(text, size).pipeThrough(new TextLineStream());
      assertEquals(await Array.fromAsync(stream), expected, `${JSON.stringify(text)} by ${size}`);
    }
  }
});
