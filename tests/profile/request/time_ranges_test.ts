import { assertEquals, assertThrows } from "@std/assert";
import { UsageError } from "../../../lib/base/system/errors.ts";
import { clockText, parseTimeRanges, timeTest } from "../../../lib/profile/request/time_ranges.ts";

const BASE = 5_000_000_000n; // the clock's 5.000000000
const EXTENT = { first: BASE + 100n, last: BASE + 1100n };

/** Which of some times (ns since BASE, the first is the first sample's) are within `text`. */
function within(text: string, times: number[]): number[] {
  return times.filter(timeTest(parseTimeRanges(text), () => BASE, EXTENT));
}

Deno.test("parseTimeRanges() takes seconds of the recording's clock, either end open, both included", () => {
  const times = [100, 200, 300, 400];
  assertEquals(within("5.0000002,5.0000003", times), [200, 300]);
  assertEquals(within("5.0000003,", times), [300, 400]);
  assertEquals(within("5.0000003", times), [300, 400]);
  assertEquals(within(",5.0000001", times), [100]);
  assertEquals(within(",5.0000001 5.0000004,6", times), [100, 400]);
});

Deno.test("parseTimeRanges() counts from the first sample behind a +", () => {
  assertEquals(within("+0.0000001,+0.0000002", [100, 200, 300, 400]), [200, 300]);
  assertEquals(within("+0.0000001,5.0000002", [100, 200, 300]), [200]);
});

Deno.test("parseTimeRanges() cuts the whole into slices that share no sample", () => {
  const times = [100, 199, 200, 300, 1099, 1100];
  assertEquals(within("0%-10%", times), [100, 199]);
  assertEquals(within("10%/2", times), [200]);
  assertEquals(within("10%", times), [100, 199]);
  assertEquals(within("90%-100%", times), [1099, 1100]);
  assertEquals(within("10%/1,10%/10", times), [100, 199, 1099, 1100]);
});

Deno.test("a sample without a time is within no range", () => {
  assertEquals(within("0%-100%", [NaN]), []);
  assertEquals(within("0,", [NaN, 100]), [100]);
});

Deno.test("parseTimeRanges() refuses what is no range, and says what is wanted", () => {
  for (
    const text of [
      "",
      ",",
      "1,2,3",
      "x",
      "2,1",
      "1e3,",
      "30%-10%",
      "5%-200%",
      "10%-20",
      "10%/0",
      "10%/11",
      "-1,",
    ]
  ) {
    const error = assertThrows(() => parseTimeRanges(text), UsageError, "--time", text);
    assertEquals(error.message.includes("expected FROM,TO"), true);
  }
});

Deno.test("clockText() gives ns as seconds", () => assertEquals(clockText(12_000_000_034n), "12.000000034"));
