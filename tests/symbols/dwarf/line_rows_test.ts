import { assert, assertEquals } from "@std/assert";
import { LineRows } from "../../../lib/symbols/dwarf/line_rows.ts";
import { Budget } from "../../../lib/symbols/object/limits.ts";

/** All that is known, as `from-to path:line`. */
function known(rows: LineRows): string[] {
  const all: string[] = [];
  assert(rows.each((low, high, path, line) => all.push(`${low}-${high} ${path}:${line}`)));
  return all;
}

Deno.test("LineRows knows the lines of the units that are kept, and where no unit has code", () => {
  const rows = new LineRows(new Budget().cost("a program"));
  rows.add(100, 1, 10, true);
  rows.add(110, 2, 11, false);
  rows.add(120, 2, 11, false);
  assertEquals([...rows.files()], [1, 2]);
  rows.endUnit(new Map([[1, 0]]));
  rows.add(130, 1, 5, true);
  rows.add(140, 1, 5, false);
  rows.endUnit(undefined);
  assertEquals(known(rows), [
    "-Infinity-100 -1:0",
    "100-110 0:10",
    "110-120 -1:11",
    "120-130 -1:0",
    "140-Infinity -1:0",
  ]);
});

Deno.test("LineRows gives what the first of overlapping sequences has, and the second one around it", () => {
  const rows = new LineRows(new Budget().cost("a program"));
  for (const [from, line] of [[120, 1], [100, 2]]) {
    for (let at = from; at <= from + 40; at += 10) rows.add(at, 1, line, at === from);
    rows.endUnit(new Map([[1, 7]]));
  }
  assertEquals(known(rows).map((each) => each.replace(/ 7:/, " ")), [
    "-Infinity-100 -1:0",
    "100-110 2",
    "110-120 2",
    "120-130 1",
    "130-140 1",
    "140-150 1",
    "150-160 1",
    "160-Infinity -1:0",
  ]);
});

Deno.test("LineRows charges no more for rows that it forgets, and nothing once there is no room", () => {
  const cost = new Budget().cost("a program"), rows = new LineRows(cost);
  for (let unit = 0; unit < 100; unit++) {
    for (let at = 0; at < 3000; at++) rows.add(at, 1, at, at === 0);
    rows.endUnit(undefined);
  }
  assert(cost.held > 0 && cost.held < 400_000, `${cost.held} bytes`);
  const small = new Budget(0.001).cost("a program"), many = new LineRows(small);
  for (let at = 0; at < 1e6; at++) many.add(at, at, at, at === 0);
  assertEquals([...many.files()], []);
  many.endUnit(new Map());
  assertEquals(many.each(() => {}), false);
  assertEquals(small.held, 0);
});
