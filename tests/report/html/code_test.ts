/** Code of functions inside a page. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { codeRows } from "../../../lib/report/html/code_rows.ts";
import { type CodeTables, decodeCode, encodeCode } from "../../../lib/report/html/code_tables.ts";
import { findCode } from "../../../lib/report/html/find_code.ts";
import { packWithRows } from "../../../lib/report/html/pack.ts";
import { packCode } from "../../../lib/report/html/pack_code.ts";
import type { Annotation } from "../../../lib/report/shared/annotation.ts";
import { profileOf } from "../../profile/build.ts";
import { annotationOf, HOSTILE, instruction } from "./annotations.ts";

const PROFILE = profileOf(["app app!main;app!work 9 900", "app app!main;app!inner 1 100", "app lib!0x40 2"]);
const [MAIN, WORK, INNER] = [0, 1, 2];
const { tables, rows } = packWithRows(PROFILE);
const placeOf = (profilePlace: number) => rows.ofPlace[profilePlace];

function packed(annotations: [place: number, annotation: Annotation][]): CodeTables {
  const functions = annotations.map(([place, annotation]) => ({ place, event: 0, annotation }));
  return decodeCode(encodeCode(packCode({ asked: 50, functions, warnings: [] }, rows)));
}

Deno.test("the code of a function goes into a page and comes out of it as annotate prints it", () => {
  const code = packed([[WORK, annotationOf("work")]]);
  const found = findCode(tables, code, { place: placeOf(WORK), event: 0, samples: 9 });
  assert("row" in found);
  const texts = (view: "both" | "source" | "assembly") =>
    codeRows(code, found.row, view).map(({ kind, place, text, samples, share, arrow, target }) =>
      [kind[0], place, text, samples, share.toFixed(2), arrow, target].join("|")
    );
  assertEquals(texts("both"), [
    "h|work.c:5|    s += twice(i);|0|0.00||-1",
    "i|401150|mov %eax,%ebx|0|0.00||-1",
    "n||inlined: twice|0|0.00||-1",
    "h|work.c:1|int twice(int x) { return 2 * x; }|0|0.00||-1",
    "i|401152|add %eax,%eax|6|0.60||-1",
    "n||… 3 instructions|0|0.00||-1",
    "h|work.c:5|    s += twice(i);|0|0.00||-1",
    "i|401158|jne 401150 <+0x0>|3|0.40|↑|1",
  ]);
  assertEquals(texts("assembly").filter((text) => text.startsWith("i")).length, 3);
  assertEquals(texts("source"), [
    "n||/src/work.c|0|0.00||-1",
    "s|1|int twice(int x) { return 2 * x; }|6|0.60||-1",
    "n||…|0|0.00||-1",
    "s|5|    s += twice(i);|3|0.40||-1",
  ]);
});

Deno.test("a function without code in the page says why, in one line", () => {
  const none = { instructions: [], lines: [] };
  const causes = ["no instructions of work in /bin/app: there is no objdump", "no source lines in app"];
  const code = packed([[WORK, { ...annotationOf("work"), ...none, warnings: causes }]]);
  const why = (place: number, samples: number) => {
    const found = findCode(tables, code, { place, event: 0, samples });
    return "why" in found ? found.why : found;
  };
  assertEquals(why(placeOf(WORK), 9), causes.join("; "));
  assertEquals(why(placeOf(MAIN), 0), "it has no samples of its own: these are in what it called");
  assertMatch(
    String(why(placeOf(INNER), 1)),
    /^not in this page, which has the code of the 50 hottest functions/,
  );
  assertMatch(String(why(tables.stacks.place[0], 0)), /^a command has no code/);
});

Deno.test("the code of an inlined function is that of the function with most of its samples that has it", () => {
  const inlined = { ...tables, places: { ...tables.places, inlined: tables.places.inlined.slice() } };
  inlined.places.inlined[placeOf(INNER)] = 1;
  const holding = (name: string, samples: number) => ({
    ...annotationOf(name),
    instructions: [instruction(0x10, samples, ["outer", "inner"]), instruction(0x14, 50, [])],
  });
  const code = packed([[MAIN, holding("main", 2)], [WORK, holding("work", 3)]]);
  const asked = { place: placeOf(INNER), event: 0, samples: 5 };
  const hottest = findCode(inlined, code, asked), other = findCode(inlined, code, asked, placeOf(MAIN));
  assertEquals(hottest, { row: 1, place: placeOf(WORK), inlined: "inner", others: [placeOf(MAIN)] });
  assertEquals(other, { row: 0, place: placeOf(MAIN), inlined: "inner", others: [placeOf(WORK)] });
  assertEquals(codeRows(code, 1, "assembly", "inner").map(({ isInlined }) => isInlined), [true, false]);
});

Deno.test("code in a page has no control characters, and no more than a page can bear", () => {
  const hostile = annotationOf("work");
  hostile.lines[0].text = `\x1b[2J\u202e${HOSTILE}\0`;
  hostile.lines[0].file = `/src/\x1b\n${HOSTILE}`;
  hostile.instructions[0].text = `nop\x07 <\u2066${HOSTILE}>`;
  hostile.warnings.push("\x1b");
  const text = JSON.stringify(packed([[WORK, hostile]]));
  // deno-lint-ignore no-control-regex
  assertEquals(/\\u00|[\x00-\x1f\x7f\u2028-\u202e\u2066-\u2069]/.test(text), false, text);
  assert(text.includes("\\\\x1b[2J\\\\u202e"));
  const large = (n: number) => ({
    ...annotationOf("work"),
    instructions: Array.from(
      { length: 100_000 },
      (_, i) => ({ ...instruction(i, 1, []), text: `${n} ${i}`.repeat(9) }),
    ),
  });
  const code = packed(Array.from({ length: 9 }, (_, n) => [WORK, large(n)]));
  assert(code.instructions.offset.length < 500_000, `${code.instructions.offset.length}`);
  assertEquals(code.heads.at(-1)!.warnings, [
    "its code is left out: the page would have more than 16 MiB of it",
  ]);
});

Deno.test("addresses of the kernel and periods of any size survive", () => {
  const kernel = { ...annotationOf("work"), self: { samples: 1, period: 2 ** 50 } };
  kernel.instructions = [
    { ...instruction(-0x7eabcd00, 1, []), period: 2 ** 50 },
    instruction(-0x7eabccfc, 0, []),
  ];
  const code = packed([[WORK, kernel]]);
  assertEquals(codeRows(code, 0, "assembly").map(({ place, share }) => [place, share]), [
    ["ffffffff81543300", 1],
    ["ffffffff81543304", 0],
  ]);
});
