/** How often paired runs are called changed that are not, and how many they take, by the noise. */

import { assert, assertEquals, assertGreater, assertLess } from "@std/assert";
import { seededRandom } from "../../../lib/run/random.ts";
import { roundOrders } from "../../../lib/run/schedule.ts";
import { judgePairs } from "../../../lib/check/statistics/verdict.ts";
import { PAIR_TESTS } from "../../../lib/check/statistics/pairs.ts";
import { noise, WEATHER } from "../simulated_checks.ts";

/** Returns so many pairs of runs of two commands, in the order that a check has them. */
function pairs(
  machine: () => number,
  count: number,
  { change = 1, seed }: { change?: number; seed: number },
) {
  const orders = roundOrders(2, seed), samples: number[][] = [[], []];
  for (let round = 0; round < count; round++) {
    for (const command of orders.next().value) samples[command].push((command ? change : 1) * machine());
  }
  return samples;
}

for (const [name, weather] of Object.entries(WEATHER)) {
  Deno.test(`the two tests of pairs together find a change where there is none in 5% of cases at most: ${name}`, () => {
    const random = seededRandom(1), cases = 1500;
    let changed = 0;
    for (let i = 0; i < cases; i++) {
      const [a, b] = pairs(weather(random), 30, { seed: Math.floor(random() * 2 ** 31) });
      // either of them, at the confidence that each has for 95% together
      const found = Object.values(PAIR_TESTS).some((ratioOf) => {
        const { low, high } = ratioOf(a, b, 0.975).interval;
        return low > 1 || high < 1;
      });
      if (found) changed++;
    }
    assertLess(changed / cases, 0.06, `${changed} of ${cases}`);
  });
}

Deno.test("the median of the ratios decides where half of all runs are disturbed, by fewer pairs than ranks need", () => {
  const terms = { threshold: 0.02, confidence: 0.999, steady: false };
  const random = seededRandom(3);
  let together = 0;
  const alone = { "signed-rank": 0, sign: 0 };
  for (let seed = 1; seed <= 100; seed++) {
    const [a, b] = pairs(WEATHER.crowded(random), 120, { change: 1.05, seed });
    const { outcome } = judgePairs(a, b, terms);
    assert(outcome !== "pass");
    if (outcome === "regressed") together++;
    for (const test of ["signed-rank", "sign"] as const) {
      if (PAIR_TESTS[test](a, b, terms.confidence).interval.low > 1 + terms.threshold) alone[test]++;
    }
  }
  assertGreater(alone.sign, 1.5 * alone["signed-rank"]);
  assertGreater(together, 0.9 * alone.sign, JSON.stringify({ together, ...alone }));
  const even = pairs(() => noise(random, 0.01), 20, { seed: 1 });
  assertEquals(judgePairs(even[0], even[1], terms).method, "signed-rank");
});
