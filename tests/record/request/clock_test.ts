import { assertEquals, assertThrows } from "@std/assert";
import { UsageError } from "../../../lib/base/system/errors.ts";
import { parseClock } from "../../../lib/record/request/clock.ts";

Deno.test("parseClock() knows perf's names of clocks", () => {
  const names = ["monotonic", "mono", "CLOCK_MONOTONIC_RAW", "raw", "realtime", "boot", "tai"];
  assertEquals(names.map(parseClock), [1, 1, 4, 4, 0, 7, 11]);
});

Deno.test("parseClock() refuses any other, and names those there are", () => {
  assertThrows(() => parseClock("sundial"), UsageError, "monotonic_raw");
});
