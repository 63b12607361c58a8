/** Change points, beside those that Apache Otava found in the same series. */

import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { differenceFrom, type OtavaCase } from "../../../scripts/compare-otava.ts";
import { changePoints } from "../../../lib/check/statistics/change_points.ts";
import { Splitter } from "../../../lib/check/statistics/e_divisive.ts";
import { splitProbability } from "../../../lib/check/statistics/permutation_test.ts";
import { meansProbability, momentsOf, studentTails } from "../../../lib/check/statistics/student_t.ts";
import { seededRandom } from "../../../lib/run/random.ts";

// made by: scripts/compare-otava --write tests/testdata/otava.json
const CASES: OtavaCase[] = JSON.parse(
  Deno.readTextFileSync(new URL("../../testdata/otava.json", import.meta.url)),
);

/** Returns values around a level with a seed of their own. */
function noisy(levels: readonly number[], noise: number, seed: number): Float64Array {
  const random = seededRandom(seed);
  const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  return Float64Array.from(levels, (level) => level * (1 + noise * normal()));
}

const flat = (length: number, level = 100) => new Array(length).fill(level);

Deno.test("change points and their probabilities are those of Apache Otava, in shifts, ramps, spikes, steps and noise", () => {
  assertEquals(CASES.length, 100);
  assert(CASES.filter(({ found }) => found.length > 0).length > 30);
  const differing = CASES.flatMap((each) => differenceFrom(each) === undefined ? [] : [each.name]);
  assertEquals(differing, []);
});

Deno.test("a split is where the definition of Q has its maximum", () => {
  const values = noisy([...flat(9), ...flat(4, 103), ...flat(7, 101)], 0.01, 7);
  const distances = (a: readonly number[], b: readonly number[]) =>
    a.flatMap((x) => b.map((y) => Math.abs(x - y))).reduce((sum, each) => sum + each, 0);
  let best = { at: 0, q: -Infinity };
  for (let at = 3; at < 18; at++) {
    for (let end = at + 1; end <= 18; end++) {
      const [x, y] = [[...values.slice(2, at)], [...values.slice(at, end)]];
      const [n, m] = [x.length, y.length];
      const q = 2 / (n + m) * distances(x, y) -
        (n > 1 ? m / (n + m) / (n - 1) * distances(x, x) : 0) -
        (m > 1 ? n / (n + m) / (m - 1) * distances(y, y) : 0);
      if (q > best.q) best = { at, q };
    }
  }
  const split = new Splitter(values).best(2, 18);
  assertEquals(split.at, best.at);
  assertAlmostEquals(split.q, best.q, 1e-9);
});

Deno.test("equal values have no change point, and a single step of counts has one", () => {
  assertEquals(changePoints(Float64Array.from(flat(80, 0.1))), []);
  assertEquals(changePoints(Float64Array.from([...flat(40), ...flat(40, 101)])).map(({ at }) => at), [40]);
  for (const length of [0, 1, 2]) assertEquals(changePoints(Float64Array.from(flat(length))), []);
});

Deno.test("a drift has change points although each run is within the noise of the one before", () => {
  const levels = Array.from({ length: 80 }, (_, i) => 100 * (1 + 0.0005 * i));
  const found = changePoints(noisy(levels, 0.005, 3));
  assert(found.length >= 2, JSON.stringify(found));
});

Deno.test("tails of Student's distribution are those in tables", () => {
  // scipy.stats.t.sf(t, df) * 2
  const TABLE = [
    ...[[0, 5, 1], [12.706204736432095, 1, 0.0499999999989913], [0.1, 3, 0.9266523488008058]],
    ...[[3.646, 30, 0.0009998888693383693], [40, 48, 1.6144804250662327e-38]],
    ...[[8, 200, 9.879200909330671e-14], [1.5, 1000, 0.13393003882208623]],
  ];
  for (const [t, df, tails] of TABLE) {
    assertAlmostEquals(studentTails(t, df) / tails, 1, 1e-9, `t ${t}, df ${df}`);
  }
  assertEquals(studentTails(Infinity, 3), 0);
});

Deno.test("a t-test of equal values has no probability, and of a value each it is 1", () => {
  const equal = momentsOf(Float64Array.from(flat(10, 0.3)), 0, 10);
  assertEquals([equal.mean, equal.sd], [0.3, 0]);
  assert(Number.isNaN(meansProbability(equal, equal)));
  assertEquals(meansProbability({ n: 1, mean: 1, sd: 0 }, { n: 1, mean: 2, sd: 0 }), 1);
});

Deno.test("the permutation test confirms a shift of a few runs, and neither noise nor one outlier", () => {
  assertEquals(splitProbability(noisy([...flat(30), ...flat(5, 106)], 0.01, 1), 0.01), 0.001);
  assert(splitProbability(noisy(flat(40), 0.01, 2), 0.01) > 0.01);
  assert(splitProbability(noisy([...flat(30), 150], 0.01, 1), 0.01) > 0.01);
});
