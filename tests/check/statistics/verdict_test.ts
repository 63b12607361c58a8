import { assert, assertEquals } from "@std/assert";
import { seededRandom } from "../../../lib/run/random.ts";
import {
  judgeAgainstBaseline,
  type JudgementTerms,
  judgePairs,
  judgeSteady,
} from "../../../lib/check/statistics/verdict.ts";

const TERMS: JudgementTerms = { threshold: 0.02, confidence: 0.99, steady: false };

/** Returns runs around `middle`, with a spread of one percent. */
function runs(middle: number, count = 20, seed = 1): number[] {
  const random = seededRandom(seed);
  return Array.from({ length: count }, () => middle * (1 + 0.01 * (random() - 0.5)));
}

Deno.test("judgePairs() decides what lies on one side of the threshold", () => {
  assertEquals(judgePairs(runs(100), runs(100, 20, 2), TERMS).outcome, "pass");
  assertEquals(judgePairs(runs(100), runs(105, 20, 2), TERMS).outcome, "regressed");
  assertEquals(judgePairs(runs(100), runs(102, 20, 2), TERMS).outcome, "undecided");
  const better = judgePairs(runs(100), runs(95, 20, 2), TERMS);
  assertEquals([better.outcome, better.improved], ["pass", true]);
  assertEquals(judgePairs(runs(100), runs(99.5, 20, 2), TERMS).improved, false);
});

Deno.test("judgePairs() decides nothing by fewer runs than its confidence takes", () => {
  assertEquals(judgePairs(runs(100, 5), runs(150, 5), TERMS).outcome, "undecided");
});

Deno.test("a change that alike runs show as well is never called a regression", () => {
  // each command's own runs are 30 % apart in turns, and pairs of them always 5 %
  const a = Array.from({ length: 40 }, (_, i) => i % 2 ? 130 : 100);
  const { outcome, noise, ratio } = judgePairs(a, a.map((x) => 1.05 * x), TERMS);
  assert(ratio.interval.low > 1.02 && noise < 0.01, `${noise}`); // second beside first: always the same way
  const random = seededRandom(3);
  const b = Array.from({ length: 40 }, () => random() < 0.5 ? 130 : 100);
  const noisy = judgePairs(b, b.map((x) => 1.05 * x), TERMS);
  assert(noisy.ratio.interval.low > 1.02 && noisy.noise > 0.05, `${noisy.noise}`);
  assertEquals([outcome, noisy.outcome], ["regressed", "undecided"]);
});

Deno.test("judgeSteady() decides counts that hardly vary by few runs, and leaves others alone", () => {
  const steady = { ...TERMS, steady: true };
  const counts = [1000, 1000, 1001, 1000];
  assertEquals(judgeSteady(counts, counts.map((x) => x + 40), steady)?.outcome, "regressed");
  assertEquals(judgeSteady(counts, counts, steady)?.outcome, "pass");
  assertEquals(judgeSteady(counts, [1000, 1000, 1000, 1010], steady), undefined); // varies too much
  assertEquals(judgeSteady(counts.slice(1), counts, steady), undefined); // too few
  assertEquals(judgeSteady(counts, counts, TERMS), undefined); // a time
});

Deno.test("judgeAgainstBaseline() takes what the machine itself lost out of the verdict", () => {
  const slower = runs(106, 30, 2);
  assertEquals(judgeAgainstBaseline(runs(100, 30), slower, TERMS).outcome, "regressed");
  const drift = { before: runs(20, 30, 3), now: runs(21.2, 30, 4) };
  assertEquals(judgeAgainstBaseline(runs(100, 30), slower, TERMS, drift).outcome, "undecided");
  const steady = { before: runs(20, 30, 3), now: runs(20, 30, 4) };
  assertEquals(judgeAgainstBaseline(runs(100, 30), slower, TERMS, steady).outcome, "regressed");
  // a machine that is faster now would hide a regression: that is no pass
  const faster = { before: runs(20, 30, 3), now: runs(18, 30, 4) };
  assertEquals(judgeAgainstBaseline(runs(100, 30), runs(100, 30, 2), TERMS, faster).outcome, "undecided");
});
