import { assertEquals } from "@std/assert";
import { figure, quantity, scaleFor } from "../../../lib/check/metrics/format_quantity.ts";

Deno.test("quantity() has four digits and the unit that makes them readable", () => {
  assertEquals(
    [999, 1234, 51_320_000, 12_345_678_900].map((ns) => quantity(ns, "ns")),
    ["999 ns", "1.234 µs", "51.32 ms", "12.35 s"],
  );
  assertEquals(quantity(3 * 2 ** 20, "bytes"), "3.000 MiB");
  assertEquals([0, 412, 999_999, 1_234_567_890].map((n) => quantity(n, "count")), [
    "0",
    "412",
    "999999",
    "1.235 G",
  ]);
  assertEquals(quantity(12.5, "Joules"), "12.50 Joules");
});

Deno.test("scaleFor() keeps a row in one unit", () => {
  const scale = scaleFor("ns", 51_320_000);
  assertEquals([figure(51_320_000, scale), figure(500_000, scale), figure(2e9, scale)], [
    "51.32",
    "0.50",
    "2000.00",
  ]);
});
