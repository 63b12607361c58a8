import { assertEquals, assertStringIncludes } from "@std/assert";
import { renderJson } from "../../lib/report/json.ts";
import { renderText } from "../../lib/report/text.ts";
import { DEFAULT_REPORT as plain } from "../../lib/report/options.ts";
import { assertGolden } from "../golden.ts";
import { profileOf } from "../profile/build.ts";

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

Deno.test("renderText() flat", () => assertGolden("report.txt", renderText(profile, plain)));

Deno.test("renderText() with -g", () => {
  assertGolden("report-g.txt", renderText(profile, { ...plain, tree: "callers" }));
});

Deno.test("renderText() cuts the table's lines to the width, and no warning", () => {
  const text = renderText(profile, { ...plain, tree: "callers", width: 60 });
  const table = text.slice(text.indexOf("    Self"), text.indexOf("Without a symbol")).split("\n");
  assertEquals(table.filter((line) => line.length > 60 && !line.includes("--percent-limit")), []);
  assertEquals(table.some((line) => line.endsWith("…")), true);
  assertStringIncludes(text, "install the package with its debug symbols");
});

Deno.test("renderText() says what it leaves out", () => {
  const text = renderText(profile, { ...plain, percentLimit: 15 });
  assertStringIncludes(text, "9.92% in 3 more rows below 15% each (--percent-limit 0 shows all)");
});

Deno.test("renderText() draws a recursion of 10,000 frames as a straight line", () => {
  const deep = profileOf([`app ${Array.from({ length: 10000 }, () => "app!f").join(";")} 3`]);
  const text = renderText(deep, { ...plain, tree: "callers" });
  assertEquals(text.split("\n").filter((line) => line.trim() === "f").length, 9999);
});

Deno.test("renderJson() has the same rows with whole numbers", () => {
  const json = JSON.parse(renderJson(profile, plain));
  assertEquals(json.events[0].samples, 1000);
  assertEquals(json.events[0].rows[0].symbol, "hot");
  assertEquals(json.events[0].rows[0].self, { count: 700, period: 700000 });
  assertEquals(json.events[0].rows[0].total, { count: 795, period: 795000 });
  assertEquals(json.unresolved[0].samples, 4);
});
