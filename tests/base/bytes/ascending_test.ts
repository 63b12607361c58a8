import { assertEquals } from "@std/assert";
import { firstAtOrAfter, lastAtOrBefore } from "../../../lib/base/bytes/ascending.ts";

Deno.test("of equal numbers the last is found from behind, and the first from before", () => {
  const numbers = Float64Array.of(2, 4, 4, 4, 7);
  const values = [1, 2, 3, 4, 5, 7, 8];
  assertEquals(values.map((value) => lastAtOrBefore(numbers, value)), [-1, 0, 0, 3, 3, 4, 4]);
  assertEquals(values.map((value) => firstAtOrAfter(numbers, value)), [0, 0, 1, 1, 4, 4, 5]);
  assertEquals([lastAtOrBefore(new Float64Array(0), 1), firstAtOrAfter(new Float64Array(0), 1)], [-1, 0]);
});
