/** Inputs that are small and claim, or make, much: they take long, so they have a process of their own. */

import { assertEquals } from "@std/assert";
import { fuzz } from "./campaign.ts";
import { allTargets } from "./targets.ts";

Deno.test("each bomb costs seconds at most, and less than a gigabyte", async () => {
  const targets = (await allTargets()).filter(({ name }) => name === "bombs");
  const { figures, failures } = await fuzz({ targets, seed: 0, count: 1, jobs: 1 });
  assertEquals(failures.map(({ seed, why }) => `scripts/fuzz --target bombs --seed ${seed}: ${why}`), []);
  assertEquals(figures.get("bombs")?.inputs, targets[0].count);
});
