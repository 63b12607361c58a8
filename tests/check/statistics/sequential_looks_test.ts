import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { ERROR_RATE, MAX_RUNS, planLooks } from "../../../lib/check/statistics/sequential_looks.ts";
import { testConfidence } from "../../../lib/check/statistics/pairs.ts";
import { fewestPairs } from "../../../lib/check/statistics/signed_rank.ts";

Deno.test("planLooks() shares the chance of error out over all looks and sources", () => {
  const { rounds, confidence } = planLooks(100, 2);
  assertEquals(rounds.at(-1), 100);
  assertAlmostEquals((1 - confidence) * rounds.length * 2, ERROR_RATE, 1e-12);
  assertEquals(rounds, [14, 24, 41, 70, 100]);
});

Deno.test("planLooks() can decide at its first look, however many metrics and runs there are", () => {
  for (const metrics of [1, 2, 5, 20]) {
    for (const maxRuns of [30, 100, 1000, MAX_RUNS]) {
      const { rounds, confidence } = planLooks(maxRuns, metrics);
      assert(rounds[0] >= fewestPairs(testConfidence(confidence)), `${metrics} sources, ${maxRuns} runs`);
      assert(rounds.every((n, i) => i === 0 || n > rounds[i - 1]));
    }
  }
});

Deno.test("planLooks() looks once, at the end, where few runs are allowed", () => {
  assertEquals(planLooks(5, 1).rounds, [5]);
  const { needed } = planLooks(1000, 1);
  assertEquals(planLooks(needed, 1).rounds, [needed]);
});
