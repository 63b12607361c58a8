import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { seededRandom } from "../../../lib/run/random.ts";
import {
  medianInterval,
  outliersOf,
  pairedRatio,
  summarize,
  unpairedRatio,
} from "../../../lib/check/statistics/statistics.ts";

/** Returns lognormal noise: median 1, skewed to the right as times are. */
function noisy(random: () => number, sigma: number): number {
  const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  return Math.exp(sigma * normal);
}

Deno.test("summarize() gives what the definitions say", () => {
  const summary = summarize([2, 4, 4, 4, 5, 5, 7, 9]);
  assertEquals([summary.n, summary.median, summary.mean, summary.min, summary.max], [8, 4.5, 5, 2, 9]);
  assertAlmostEquals(summary.sd, Math.sqrt(32 / 7), 1e-12); // sum of squares 32 over n - 1
  assertEquals(summarize([3]).sd, 0);
  assertThrows(() => summarize([]), RangeError);
});

Deno.test("medianInterval() takes the order statistics of the binomial tables", () => {
  // n = 10: the 2nd and the 9th, 97.85 %; n = 20: the 6th and the 15th, 95.86 % (Conover, table of the sign test)
  const ten = medianInterval([...Array(10).keys()].map((i) => i + 1));
  assertEquals([ten.low, ten.high, ten.confidence.toFixed(4)], [2, 9, "0.9785"]);
  const twenty = medianInterval([...Array(20).keys()].map((i) => i + 1));
  assertEquals([twenty.low, twenty.high, twenty.confidence.toFixed(4)], [6, 15, "0.9586"]);
});

Deno.test("medianInterval() of many runs is about that of the exact distribution, and never narrower by much", () => {
  const values = Array.from({ length: 5001 }, (_, i) => i);
  // P(Binomial(200, 1/2) <= 80) = 0.0028, P(<= 79) = 0.0018
  const exact = medianInterval(values.slice(0, 200), 0.995);
  assertEquals([exact.low, exact.high], [79, 120]);
  assertAlmostEquals(exact.confidence, 1 - 2 * 0.0018175, 1e-6);
  const { low, high } = medianInterval(values, 0.999);
  assertEquals(low + high, 5000);
  assert(Math.abs(low - 2383) <= 3, `${low}`); // 2500 - 3.29 sqrt(5001) / 2
});

Deno.test("medianInterval() says how little a few runs tell", () => {
  assertEquals(medianInterval([1, 2, 3]), { low: 1, high: 3, confidence: 0.75 });
  assertEquals(medianInterval([1]), { low: 1, high: 1, confidence: 0 });
});

Deno.test("the median's interval holds the true median as often as it says, or more", () => {
  const random = seededRandom(7);
  let inside = 0;
  const rounds = 4000;
  for (let i = 0; i < rounds; i++) {
    const runs = Array.from({ length: 15 }, () => noisy(random, 0.3)).sort((a, b) => a - b);
    const { low, high } = medianInterval(runs);
    if (low <= 1 && 1 <= high) inside++;
  }
  assert(inside / rounds > 0.95, `${inside} of ${rounds}`);
  assert(inside / rounds < 0.985, `${inside} of ${rounds}`); // 96.5 % by the binomial distribution
});

Deno.test("outliersOf() names the runs that are far off, and none where most are alike", () => {
  assertEquals(outliersOf([10, 11, 10.5, 30, 10.2, 10.8]).map((o) => o.run), [3]);
  assertEquals(outliersOf([10, 11, 10.5, 10.2, 10.8]), []);
  assertEquals(outliersOf([5, 5, 5, 5, 6]), []);
});

Deno.test("pairedRatio() is not moved by what slows both of a pair", () => {
  const random = seededRandom(3);
  const a: number[] = [], b: number[] = [];
  for (let i = 0; i < 21; i++) {
    const load = i < 10 ? 1 : 3; // another program comes
    a.push(load * noisy(random, 0.01));
    b.push(load * 1.05 * noisy(random, 0.01));
  }
  const { ratio, interval } = pairedRatio(a, b);
  assertAlmostEquals(ratio, 1.05, 0.01);
  assert(interval.low > 1.03 && interval.high < 1.07);
  assertThrows(() => pairedRatio([1], [1, 2]), RangeError);
  assertThrows(() => pairedRatio([0], [1]), RangeError);
});

Deno.test("unpairedRatio() holds the true ratio about as often as it says, and is the same each time", () => {
  const random = seededRandom(11);
  let inside = 0;
  const rounds = 300;
  for (let i = 0; i < rounds; i++) {
    const a = Array.from({ length: 25 }, () => noisy(random, 0.05));
    const b = Array.from({ length: 25 }, () => 1.1 * noisy(random, 0.05));
    const { interval } = unpairedRatio(a, b, 0.95, { resamples: 500, seed: i });
    if (interval.low <= 1.1 && 1.1 <= interval.high) inside++;
  }
  assert(inside / rounds > 0.9, `${inside} of ${rounds}`);
  assertEquals(unpairedRatio([1, 2, 3], [2, 3, 4]), unpairedRatio([1, 2, 3], [2, 3, 4]));
  assertThrows(() => unpairedRatio([], [1]), RangeError);
});
