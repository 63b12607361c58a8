import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { ERROR_RATE, planLooks, roundsNeeded } from "../../../lib/check/statistics/sequential_looks.ts";
import { fewestPairs } from "../../../lib/check/statistics/signed_rank.ts";

Deno.test("planLooks() shares the chance of error out over all looks and metrics", () => {
  const { rounds, confidence } = planLooks(100, 2);
  assertEquals(rounds.at(-1), 100);
  assertAlmostEquals((1 - confidence) * rounds.length * 2, ERROR_RATE, 1e-12);
  assertEquals(rounds, [12, 21, 36, 62, 100]);
});

Deno.test("planLooks() can decide at its first look, however many metrics and runs there are", () => {
  for (const metrics of [1, 2, 5, 20]) {
    for (const maxRuns of [30, 100, 1000]) {
      const { rounds, confidence } = planLooks(maxRuns, metrics);
      assert(rounds[0] >= fewestPairs(confidence), `${metrics} metrics, ${maxRuns} runs`);
      assert(rounds.every((n, i) => i === 0 || n > rounds[i - 1]));
    }
  }
});

Deno.test("planLooks() looks once, at the end, where few runs are allowed", () => {
  assertEquals(planLooks(5, 1).rounds, [5]);
  assertEquals(planLooks(roundsNeeded(1), 1).rounds, [roundsNeeded(1)]);
});
