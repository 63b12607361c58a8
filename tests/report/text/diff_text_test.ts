import { assertEquals, assertMatch } from "@std/assert";
import { diffProfiles } from "../../../lib/profile/compare/diff.ts";
import { renderDiffJson } from "../../../lib/report/json/diff_json.ts";
import { type DiffTextOptions, renderDiffText } from "../../../lib/report/text/diff_text.ts";
import { assertGolden } from "../../golden.ts";
import { profileOf } from "../../profile/build.ts";
import { whole } from "../whole.ts";

const MS = 1_000_000;
const a = profileOf([
  `app app!main;app!work;app!hot 1000 ${1000 * MS}`,
  `app app!main;app!work 300 ${300 * MS}`,
  `app app!main;app!dropped 40 ${40 * MS}`,
  `app app!main;[kernel.kallsyms]!clear_page 100 ${100 * MS}`,
  `sh sh!once 1 ${MS}`,
]);
const b = profileOf([
  `app app!main;app!work;app!hot 1900 ${1900 * MS}`,
  `app app!main;app!work 310 ${310 * MS}`,
  `app app!main;app!added 90 ${90 * MS}`,
  `app app!main;[kernel.kallsyms]!clear_page 20 ${20 * MS}`,
  `app app! 12 ${12 * MS}`,
]);
const plain: DiffTextOptions = {
  names: { a: "old.data", b: "new.data" },
  order: "delta",
  percentLimit: 0.1,
  width: Infinity,
  color: false,
};

Deno.test("renderDiffText() has changes, shares and what chance may have made", () => {
  assertGolden("diff.txt", whole(renderDiffText(diffProfiles(a, b), plain)));
});

Deno.test("renderDiffText() by total and by command", () => {
  const diff = diffProfiles(a, b, { keys: ["comm", "sym"], normalize: "samples" });
  assertGolden("diff-total.txt", whole(renderDiffText(diff, { ...plain, order: "total" })));
});

Deno.test("renderDiffText() explains the ~ where there is one, and only there", () => {
  const text = whole(renderDiffText(diffProfiles(a, b), plain));
  assertMatch(text, /^ +~[+-]/m);
  assertMatch(text, /\n~ sampling alone may explain this change\n$/);
  const [few, many] = [profileOf(["app app!f 10"]), profileOf(["app app!f 9000"])];
  assertEquals(whole(renderDiffText(diffProfiles(few, many), plain)).includes("~"), false);
});

Deno.test("renderDiffText() without callers has no column of totals", () => {
  const flat = profileOf(["app app!f 10"]);
  assertEquals(whole(renderDiffText(diffProfiles(flat, flat), plain)).includes("Total"), false);
});

Deno.test("renderDiffText() fits its table into the width", () => {
  const lines = whole(renderDiffText(diffProfiles(a, b), { ...plain, width: 60 })).split("\n");
  const table = lines.slice(lines.findIndex((line) => line.includes("Self A")));
  assertEquals(table.filter((line) => line.length > 60 && !line.includes("--percent-limit")), []);
});

Deno.test("renderDiffText() says so when neither has samples", () => {
  assertMatch(
    whole(renderDiffText(diffProfiles(profileOf([]), profileOf([])), plain)),
    /No samples in either\./,
  );
});

Deno.test("renderDiffJson() has the same rows with whole numbers", () => {
  const json = JSON.parse(whole(renderDiffJson(diffProfiles(a, b), plain)));
  assertEquals([json.a.file, json.b.samples], ["old.data", 2332]);
  const [event] = json.events;
  assertEquals([event.name, event.unit, event.normalize, event.factor], ["cpu-clock", "ns", "none", 1]);
  const [hot] = event.rows;
  assertEquals([hot.object, hot.symbol, hot.presence, hot.kernel], ["app", "hot", "both", false]);
  assertEquals(hot.a.self, { count: 1000, period: 1000 * MS });
  assertEquals(hot.self.weight, 900 * MS);
  assertEquals(event.rows.find((row: { symbol: string | null }) => row.symbol === null).presence, "new");
});
