import { assertEquals } from "@std/assert";
import { parseLcov, render, roomOf, withUnloaded } from "../../scripts/coverage.ts";

Deno.test("parseLcov() reads each file's lines and those that ran, in whichever order they come", () => {
  const text = "SF:/a/lib/x/y.ts\nDA:1,1\nLH:3\nLF:4\nend_of_record\nSF:/b.ts\nLF:10\nLH:0\nend_of_record\n";
  assertEquals(
    parseLcov(text),
    new Map([
      ["/a/lib/x/y.ts", { all: 4, ran: 3 }],
      ["/b.ts", { all: 10, ran: 0 }],
    ]),
  );
});

Deno.test("withUnloaded() counts the lines of code of files that no test loaded, but not those of types", () => {
  const sources = new Map([
    ["lib/a.ts", "export const A = 1;\n"],
    ["lib/b.ts", "/** Adds\n * one. */\n\n// How.\nexport function b(n: number) {\n  return n + 1;\n}\n"],
    ["lib/c.ts", "export interface C {\n  a: number;\n}\n"],
  ]);
  assertEquals(
    withUnloaded(new Map([["lib/a.ts", { all: 1, ran: 1 }]]), sources),
    new Map([["lib/a.ts", { all: 1, ran: 1 }], ["lib/b.ts", { all: 3, ran: 0 }]]),
  );
});

Deno.test("render() sums up by room, least first, and lists the files that few tests went through", () => {
  const text = render(
    new Map([
      ["lib/record/a.ts", { all: 10, ran: 9 }],
      ["lib/record/open/b.ts", { all: 10, ran: 1 }],
      ["lib/base/c.ts", { all: 4, ran: 4 }],
      ["tests/d.ts", { all: 100, ran: 0 }],
      ["lib/report/page/main.ts", { all: 100, ran: 0 }],
      ["lib/report/flame/chart.js", { all: 100, ran: 0 }],
    ]),
  );
  assertEquals(text.split("\n").map((line) => line.trim()), [
    "== coverage by room, but for what runs in a browser",
    "50.0%      20 lines  lib/record",
    "100.0%       4 lines  lib/base",
    "== files below 85%",
    "10.0%      10 lines  lib/record/open/b.ts",
  ]);
  assertEquals([roomOf("ffi/pmu.ts"), roomOf("lib/report/flame/layout.ts")], ["ffi", "lib/report"]);
});
