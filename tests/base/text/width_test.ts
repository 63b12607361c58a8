import { assertEquals } from "@std/assert";
import { displayWidth, fit, fitFromLeft, padEnd } from "../../../lib/base/text/width.ts";

Deno.test("displayWidth() counts wide letters twice, and marks, joiners and colours not at all", () => {
  assertEquals(displayWidth("main"), 4);
  assertEquals(displayWidth("漢字.so"), 7);
  assertEquals(displayWidth("e\u0301"), 1);
  assertEquals(displayWidth("한글 ｆ"), 7);
  assertEquals(displayWidth("🚀x"), 3);
  assertEquals(displayWidth("é…└─"), 4);
  assertEquals(displayWidth("\x1b[31mred\x1b[39m"), 3);
});

Deno.test("fit() cuts to columns, with a … at the end, and lets colours end", () => {
  assertEquals(fit("symbol", 6), "symbol");
  assertEquals(fit("symbols", 6), "symbo…");
  assertEquals(fit("漢字漢字", 6), "漢字…");
  assertEquals(fit("漢字漢字", 8), "漢字漢字");
  assertEquals(fit("\x1b[31msymbols\x1b[39m", 6), "\x1b[31msymbo…\x1b[39m");
  assertEquals(fit("\x1b[31msymbol\x1b[39m", 6), "\x1b[31msymbol\x1b[39m");
  assertEquals(fit("symbol", 0), "…");
});

Deno.test("fitFromLeft() keeps the end, and padEnd() pads by columns", () => {
  assertEquals(fitFromLeft("library.so", 6), "…ry.so");
  assertEquals(fitFromLeft("漢字漢字", 6), "…漢字");
  assertEquals(fitFromLeft("a.so", 4), "a.so");
  assertEquals(padEnd("漢字", 6) + "|", "漢字  |");
});
