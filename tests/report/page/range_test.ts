import { assertEquals } from "@std/assert";
import { rangeOfText, rangeText } from "../../../lib/report/page/range.ts";

Deno.test("rangeOfText() reads what rangeText() wrote, whatever the length of a bucket", () => {
  for (const bucketNs of [1, 333, 7919, 1_000_000, 123_456_789]) {
    for (const [from, to] of [[1, 2], [1, 2001], [999, 1000], [1999, 2001], [37, 1234]]) {
      const text = rangeText({ from, to }, bucketNs);
      assertEquals(rangeOfText(text, { bucketNs, buckets: 2000 }), { from, to }, `${text} of ${bucketNs} ns`);
    }
  }
});

Deno.test("rangeText() has seconds, with no more digits than there are", () => {
  assertEquals(rangeText({ from: 1, to: 3 }, 1_250_000), "0-0.0025");
  assertEquals(rangeText({ from: 11, to: 21 }, 1_000_000_000), "10-20");
});

Deno.test("rangeOfText() takes the part that the recording has, and nothing else", () => {
  const scale = { bucketNs: 1_000_000, buckets: 100 };
  assertEquals(rangeOfText("0.0905-999", scale), { from: 91, to: 101 });
  assertEquals(rangeOfText("0.05-0.0501", scale), { from: 51, to: 52 });
  for (
    const text of [
      "0.1-0.2",
      "0.05-0.05",
      "0.05-0.04",
      "-1-2",
      "1e1-2",
      "NaN-1",
      "0-1e9",
      "",
      "-",
      "0-1-2",
      null,
    ]
  ) {
    assertEquals(rangeOfText(text, scale), undefined, `${text}`);
  }
  assertEquals(rangeOfText("0-1", { bucketNs: 0, buckets: 0 }), undefined);
});
