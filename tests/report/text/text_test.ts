import { assertEquals, assertStringIncludes } from "@std/assert";
import { renderJson } from "../../../lib/report/json/json.ts";
import { renderText } from "../../../lib/report/text/text.ts";
import { DEFAULT_REPORT as plain } from "../../../lib/report/shared/options.ts";
import { assertGolden } from "../../golden.ts";
import { profileOf } from "../../profile/build.ts";
import { whole } from "../whole.ts";

const profile = profileOf([
  "app app!main;app!work;app!hot 600 600000",
  "app app!main;app!other;app!hot 100 100000",
  "app app!main;app!work;app!warm 200 200000",
  "app app!main;app!work;app!hot;[kernel.kallsyms]!asm_exc_page_fault;[kernel.kallsyms]!clear_page 95 95000",
  "sh libc.so.6!start;libc.so.6! 4 4000",
  "sh sh!once 1 100",
]);
profile.unresolved = [{
  object: "libc.so.6",
  cause: "no symbols in the file",
  remedy: "install the package with its debug symbols",
  samples: 4,
}];

Deno.test("renderText() flat", () => assertGolden("report.txt", whole(renderText(profile, plain))));

Deno.test("renderText() with -g", () => {
  assertGolden("report-g.txt", whole(renderText(profile, { ...plain, tree: "callers" })));
});

Deno.test("renderText() fits a terminal: names are folded, prose is wrapped, and nothing is cut", () => {
  const vector = "std::vector<std::pair<int,long>,std::allocator<int>>::push_back(std::pair<int,long>&&)";
  const wide = profileOf([
    `app app!main;app!${vector};libstdc++.so.6.0.30!${vector} 600 600000`,
    `worker app!main;libc.so.6!a_function_whose_name_has_nothing_to_fold_and_is_longer_than_a_line 4 4000`,
  ]);
  wide.unresolved = profile.unresolved;
  for (const view of [{}, { children: true }, { tree: "callers" }, { tree: "calls" }] as const) {
    const text = whole(renderText(wide, { ...plain, ...view, width: 72 }));
    const long = text.split("\n").filter((line) => line.length > 72 && !line.includes("a_function_whose"));
    assertEquals(long, [], JSON.stringify(view));
    assertStringIncludes(text, "std::vector<…>::push_back(");
    assertStringIncludes(text, "_and_is_longer_than_a_line");
    assertStringIncludes(text.replace(/\n +/g, " "), "install the package with its debug symbols");
  }
});

Deno.test("renderText() says what it leaves out", () => {
  const text = whole(renderText(profile, { ...plain, percentLimit: 15 }));
  assertStringIncludes(text, "9.92% in 3 more rows below 15% each (--percent-limit 0 shows all)");
});

Deno.test("renderText() draws a recursion of 10,000 frames as a straight line", () => {
  const deep = profileOf([`app ${Array.from({ length: 10000 }, () => "app!f").join(";")} 3`]);
  const text = whole(renderText(deep, { ...plain, tree: "callers" }));
  assertEquals(text.split("\n").filter((line) => line.trim() === "f").length, 9999);
});

/** What stands behind the numbers of the lines of a report from `title` on. */
const drawn = (text: string, title: string) =>
  text.slice(text.indexOf(title)).split("\n\n")[0].split("\n").slice(1)
    .map((line) => line.replace(/^[ \d.%]+ {2}(?=\S)/, "").trim()).filter((line) => line !== "");

Deno.test("renderText() folds runs of frames without a symbol, but for functions with samples", () => {
  const runs = profileOf([
    "a app!main;lib.so!0x10;lib.so!0x20;lib.so!0x30;app!work 3",
    "a app!main;lib.so!0x10;lib.so!0x20;lib.so!0x40 1",
    "b bad.so!;bad.so!;bad.so! 2",
  ]);
  assertEquals(drawn(whole(renderText(runs, { ...plain, tree: "calls" })), "   Total"), [
    "a",
    "main  app",
    "lib.so (2 frames)  lib.so",
    "├─ lib.so+0x30",
    "│  work  app",
    "└─ lib.so+0x40",
    "b",
    "bad.so (3 frames)  bad.so",
  ]);
  const callers = whole(renderText(runs, { ...plain, tree: "callers", sort: ["sym"] }));
  assertEquals(drawn(callers, "    Self"), [
    "[.] work",
    "lib.so (3 frames)",
    "main",
    "[.] bad.so+0xff0",
    "bad.so (2 frames)",
    "[.] lib.so+0x40",
    "lib.so (2 frames)",
    "main",
  ]);
});

Deno.test("renderJson() says what code without a symbol is called", () => {
  const [event] = JSON.parse(whole(renderJson(profile, { ...plain, tree: "calls" }))).events;
  const { symbol, unnamed } = event.rows.find(({ object, self }: Row) =>
    object === "libc.so.6" && self.count > 0
  );
  assertEquals([symbol, unnamed], [null, "libc.so.6+0xff0"]);
  assertEquals(event.rows.filter((row: Row) => row.symbol !== null && row.unnamed !== undefined), []);
});

interface Row {
  object: string;
  symbol: string | null;
  unnamed?: string;
  self: { count: number };
}

Deno.test("renderJson() has the same rows with whole numbers", () => {
  const json = JSON.parse(whole(renderJson(profile, plain)));
  assertEquals(json.events[0].samples, 1000);
  assertEquals(json.events[0].rows[0].symbol, "hot");
  assertEquals(json.events[0].rows[0].self, { count: 700, period: 700000 });
  assertEquals(json.events[0].rows[0].total, { count: 795, period: 795000 });
  assertEquals(json.unresolved[0].samples, 4);
});

Deno.test("renderJson() nests callers and calls, and says where it cut them", () => {
  const deep = profileOf([`app ${Array.from({ length: 10000 }, () => "app!f").join(";")} 3`]);
  const [event] = JSON.parse(whole(renderJson(deep, { ...plain, tree: "calls" }))).events;
  let node = event.calls[0].roots[0], depth = 1;
  for (; node.callees.length; node = node.callees[0]) depth++;
  assertEquals([depth, node.cut, node.total.count], [512, true, 3]);
  const { rows } = JSON.parse(whole(renderJson(profile, { ...plain, tree: "callers" }))).events[0];
  assertEquals(rows[0].callers.map((c: { symbol: string; count: number }) => [c.symbol, c.count]), [
    ["work", 600],
    ["other", 100],
  ]);
});

Deno.test("renderJson() has the keys that rows are sorted by", () => {
  const [event] = JSON.parse(whole(renderJson(profile, { ...plain, sort: ["pid", "cpu", "dso"] }))).events;
  assertEquals(event.rows[0], {
    pid: 100,
    process: "app",
    cpu: 0,
    object: "app",
    kernel: false,
    self: { count: 900, period: 900000 },
    total: { count: 995, period: 995000 },
  });
});

Deno.test("renderText() with --children: by total, and what only called others has its row", () => {
  assertGolden("report-children.txt", whole(renderText(profile, { ...plain, children: true })));
});

Deno.test("renderText() with -G: from the roots down, by command", () => {
  assertGolden("report-G.txt", whole(renderText(profile, { ...plain, tree: "calls" })));
});

Deno.test("renderText() has a column for each sort key, in their order", () => {
  const sort = ["cpu", "sym", "pid", "event"] as const;
  const text = whole(renderText(profile, { ...plain, sort, showPeriod: true }));
  const lines = text.split("\n").slice(6, 8).map((line) => line.trim().split(/\s+/));
  assertEquals(lines, [
    ["Overhead", "Samples", "Period", "CPU", "Symbol", "Process", "Event"],
    ["70.06%", "700", "700000", "0", "[.]", "hot", "100:app", "cpu-clock"],
  ]);
});

Deno.test("renderText() puts several events side by side, shares of each its own", () => {
  const two = profileOf(["app app!hot 3 300", "app app!warm 1 100", "app app!warm;app!hot 2 2"]);
  two.events.push({ name: "page-faults", rate: "", tracksOnly: false });
  two.samples.event[2] = 1;
  const lines = whole(renderText(two, { ...plain, sideBySide: true })).split("\n").slice(7);
  assertEquals(lines.map((line) => line.trim().split(/\s+/)), [
    ["cpu-clock", "page-faults"],
    ["Overhead", "Samples", "Overhead", "Samples", "Command", "Object", "Symbol"],
    ["75.00%", "3", "100.00%", "2", "app", "app", "[.]", "hot"],
    ["25.00%", "1", "0.00%", "0", "app", "app", "[.]", "warm"],
    [""],
  ]);
});

Deno.test("renderText() takes shares of all samples when the profile was filtered", () => {
  const of = { count: [2000], period: [2_000_000] };
  const text = whole(renderText(profile, { ...plain, whole: of }));
  assertStringIncludes(text, "samples  1000 of 2000 over");
  assertStringIncludes(text, "  35.00%      700  app");
});
