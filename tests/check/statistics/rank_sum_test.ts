import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { fewestOfEach, rankSumRatio } from "../../../lib/check/statistics/rank_sum.ts";
import { seededRandom } from "../../../lib/run/random.ts";
import { noise } from "../simulated_checks.ts";

Deno.test("rankSumRatio() has the interval of Hollander, Wolfe and Chicken's tables", () => {
  // of 10 choose 5 orders two have all of one sample first: at 99.2% no shift is cut
  const a = [1, 2, 3, 4, 5].map(Math.exp), b = [3, 4, 5, 6, 7].map(Math.exp);
  const { ratio, interval } = rankSumRatio(a, b, 0.99);
  assertAlmostEquals(Math.log(ratio), 2, 1e-9);
  assertAlmostEquals(interval.confidence, 1 - 2 / 252, 1e-12);
  assertAlmostEquals(Math.log(interval.low), -2, 1e-9);
  assertAlmostEquals(Math.log(interval.high), 6, 1e-9);
  // P(U <= 2) is 4 of 252
  assertAlmostEquals(rankSumRatio(a, b, 0.95).interval.confidence, 1 - 8 / 252, 1e-12);
});

Deno.test("rankSumRatio() misses the truth as often as it says, exact and by the normal distribution", () => {
  const random = seededRandom(7);
  for (const [n, m, tries] of [[8, 12, 2000], [60, 70, 500]]) {
    let missed = 0;
    const sample = (size: number, factor: number) =>
      Array.from({ length: size }, () => factor * noise(random, 0.1));
    for (let i = 0; i < tries; i++) {
      const { low, high } = rankSumRatio(sample(n, 100), sample(m, 107), 0.9).interval;
      if (low > 1.07 || high < 1.07) missed++;
    }
    assert(missed > 0.05 * tries && missed < 0.13 * tries, `${missed} of ${tries}`);
  }
});

Deno.test("rankSumRatio() says how sure it can be of few values, and refuses what has no ratio", () => {
  assertEquals(rankSumRatio([2], [4], 0.99).interval, { low: 2, high: 2, confidence: 0 });
  assertThrows(() => rankSumRatio([], [1], 0.9), RangeError);
  assertThrows(() => rankSumRatio([1], [0], 0.9), RangeError);
});

Deno.test("fewestOfEach() is the size from which the confidence can be reached", () => {
  for (const confidence of [0.5, 0.95, 0.99, 0.999, 0.99999]) {
    const size = fewestOfEach(confidence);
    const values = (n: number) => Array.from({ length: n }, (_, i) => i + 1);
    assert(rankSumRatio(values(size), values(size), confidence).interval.confidence >= confidence);
    if (size > 1) {
      assert(rankSumRatio(values(size - 1), values(size - 1), confidence).interval.confidence < confidence);
    }
  }
});
