import { groupDigits } from "../../../lib/base/text/plural.ts";
import { assertEquals } from "@std/assert";
import { amountText, relativeChangeText } from "../../../lib/report/shared/amount.ts";

Deno.test("amountText() takes the unit that fits", () => {
  const cases: [number, string][] = [
    [0, "0"],
    [999, "999 ns"],
    [1000, "1.000 us"],
    [999_999, "1.000 ms"],
    [12_345_678, "12.35 ms"],
    [-123_456_789, "-123.5 ms"],
    [98_765_432_100, "98.77 s"],
    [3_600e9, "3600.0 s"],
  ];
  for (const [ns, text] of cases) assertEquals(amountText(ns, "ns"), text);
  assertEquals(amountText(1_234_567, "events"), "1.235 M");
  assertEquals(amountText(42, "events"), "42");
});

Deno.test("changeText() has a sign", () => {
  assertEquals([relativeChangeText(1e9, "ns"), relativeChangeText(-1e9, "ns"), relativeChangeText(0, "ns")], [
    "+1.000 s",
    "-1.000 s",
    "0",
  ]);
});

Deno.test("grouped() sets thousands apart", () => {
  assertEquals([groupDigits(7), groupDigits(1234), groupDigits(1234567)], ["7", "1,234", "1,234,567"]);
});
