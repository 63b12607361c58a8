import { assertEquals } from "@std/assert";
import { formatQuantity, formatScaled, scaleFor } from "../../../lib/check/metrics/format_quantity.ts";

Deno.test("formatQuantity() has four digits and the unit that makes them readable", () => {
  assertEquals(
    [999, 1234, 51_320_000, 12_345_678_900].map((ns) => formatQuantity(ns, "ns")),
    ["999 ns", "1.234 µs", "51.32 ms", "12.35 s"],
  );
  assertEquals(formatQuantity(3 * 2 ** 20, "bytes"), "3.000 MiB");
  assertEquals([0, 412, 999_999, 1_234_567_890].map((n) => formatQuantity(n, "count")), [
    "0",
    "412",
    "999999",
    "1.235 G",
  ]);
  assertEquals(formatQuantity(12.5, "Joules"), "12.50 Joules");
  // units that every object inherits
  assertEquals(formatQuantity(12.5, "valueOf"), "12.50 valueOf");
});

Deno.test("scaleFor() keeps a row in one unit", () => {
  const scale = scaleFor("ns", 51_320_000);
  assertEquals([formatScaled(51_320_000, scale), formatScaled(500_000, scale), formatScaled(2e9, scale)], [
    "51.32",
    "0.50",
    "2000.00",
  ]);
});

Deno.test("a unit that another program wrote does not act on a terminal", () => {
  assertEquals(formatQuantity(5, "\u001b[31m"), "5 \\x1b[31m");
});
