import { assert, assertEquals } from "@std/assert";
import { thinValues } from "../../../lib/check/statistics/thin_values.ts";

Deno.test("thinValues() takes values from all of a list, in their order, and the same each time", () => {
  const values = Array.from({ length: 2500 }, (_, i) => i), thin = thinValues(values, 1000);
  assertEquals(thin.length, 1000);
  thin.forEach((value, i) => assert(value >= Math.floor(2.5 * i) && value < 2.5 * (i + 1), `${i}: ${value}`));
  assertEquals(thin, thinValues(values, 1000));
  assertEquals(thinValues(values, 2500), values);
});

Deno.test("thinValues() takes both of two values that alternate", () => {
  for (const first of [0, 1]) {
    const values = Array.from({ length: 2000 }, (_, i) => (i + first) % 2);
    const ones = thinValues(values, 1000).filter((value) => value === 1).length;
    assert(ones > 400 && ones < 600, `${ones}`);
  }
});
