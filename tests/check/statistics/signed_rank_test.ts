import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { seededRandom } from "../../../lib/run/random.ts";
import { roundOrders } from "../../../lib/run/schedule.ts";
import { fewestPairs, signedRankRatio } from "../../../lib/check/statistics/signed_rank.ts";

/** Returns pairs with these log ratios. */
function pairs(logs: readonly number[]) {
  return { a: logs.map(() => 1), b: logs.map(Math.exp) };
}

Deno.test("signedRankRatio() has the interval of the tables of Wilcoxon's test", () => {
  // n = 10: of 55 averages the 9th and the 47th, 95.1 % (Hollander, Wolfe and Chicken, table A.4: P(T+ <= 8) = 0.0244)
  const { a, b } = pairs([0.01, 0.02, 0.04, 0.08, 0.16, -0.32, 0.64, 1.28, -2.56, 5.12]);
  const { interval } = signedRankRatio(a, b, 0.95);
  assertAlmostEquals(interval.confidence, 1 - 2 * 25 / 1024, 1e-12);
  const logs = b.map(Math.log);
  const averages = logs.flatMap((x, i) => logs.slice(i).map((y) => (x + y) / 2)).sort((x, y) => x - y);
  assertAlmostEquals(Math.log(interval.low), averages[8], 1e-12);
  assertAlmostEquals(Math.log(interval.high), averages[46], 1e-12);
});

Deno.test("signedRankRatio() says how little a few pairs tell", () => {
  const { a, b } = pairs([0.1, 0.2, 0.3]);
  const { ratio, interval } = signedRankRatio(a, b, 0.99);
  assertAlmostEquals(ratio, Math.exp(0.2), 1e-12);
  assertEquals(interval.confidence, 0.75);
  assertAlmostEquals(interval.low, Math.exp(0.1), 1e-12);
  assertThrows(() => signedRankRatio([1], [], 0.9), RangeError);
  assertThrows(() => signedRankRatio([0], [1], 0.9), RangeError);
});

Deno.test("fewestPairs() are enough for the confidence, and one less is not", () => {
  for (const confidence of [0.95, 0.99, 0.998, 0.9995]) {
    const n = fewestPairs(confidence);
    const reached = (count: number) => {
      const { a, b } = pairs(Array.from({ length: count }, (_, i) => i));
      return signedRankRatio(a, b, confidence).interval.confidence;
    };
    assert(reached(n) >= confidence);
    assert(reached(n - 1) < confidence);
  }
});

Deno.test("the interval misses the truth as rarely as it says, with loads that come and go during the runs", () => {
  const random = seededRandom(5);
  for (const meanLength of [2, 4, 20]) {
    let misses = 0;
    const rounds = 2000;
    for (let i = 0; i < rounds; i++) {
      let loaded = random() < 0.5;
      const run = () => {
        if (random() < 1 / meanLength) loaded = !loaded;
        return (loaded ? 1.4 : 1) * (1 + 0.02 * random());
      };
      const orders = roundOrders(2, Math.floor(random() * 2 ** 31));
      const samples: number[][] = [[], []];
      for (let round = 0; round < 20; round++) {
        for (const command of orders.next().value) samples[command].push(run());
      }
      const { low, high } = signedRankRatio(samples[0], samples[1], 0.99).interval;
      if (low > 1 || high < 1) misses++;
    }
    assert(misses / rounds < 0.02, `${misses} of ${rounds} with loads of ${meanLength} runs`);
  }
});
