import { assert, assertEquals } from "@std/assert";
import { minimalConflict, type OpensTogether, splitPasses } from "../../../lib/counters/verify/trials.ts";

/** A PMU of `counters`, on which `rivals` never go together. */
const pmu = (counters: number, ...rivals: number[][]): OpensTogether => (subset) =>
  subset.length <= counters && !rivals.some((group) => group.every((member) => subset.includes(member)));

Deno.test("minimalConflict() finds the two that exclude each other among many", () => {
  assertEquals(minimalConflict(8, pmu(8, [2, 5])), [2, 5]);
  assertEquals(minimalConflict(8, pmu(6, [2, 5, 7])), [2, 5, 7]);
});

Deno.test("minimalConflict() finds the smallest, not just one that cannot be made smaller", () => {
  // leaving requests out from the back ends with the three, from the front with the other three
  assertEquals(minimalConflict(8, pmu(8, [0, 1, 2], [3, 4], [5, 6, 7])), [3, 4]);
});

Deno.test("minimalConflict() of too many is one more than there are counters", () => {
  assertEquals(minimalConflict(8, pmu(6)), [0, 1, 2, 3, 4, 5, 6]);
  assertEquals(minimalConflict(1, pmu(0)), [0]);
});

Deno.test("minimalConflict() is empty where everything opens", () => {
  assertEquals(minimalConflict(3, pmu(3)), []);
  assertEquals(minimalConflict(0, pmu(3)), []);
});

Deno.test("minimalConflict() comes to an end with very many requests", () => {
  let trials = 0;
  const conflict = minimalConflict(60, (subset) => {
    trials++;
    return subset.length <= 10;
  });
  assertEquals(conflict.length, 11);
  assert(trials < 5000, `${trials} trials`);
});

Deno.test("minimalConflict() only asks about ascending positions", () => {
  minimalConflict(6, (subset) => {
    assertEquals(subset, subset.toSorted((a, b) => a - b));
    return subset.length < 4;
  });
});

/** The fewest passes, by trying every way to put `count` requests into passes. */
function fewest(count: number, opens: OpensTogether): number {
  let best = Infinity;
  const put = (at: number, passes: number[][]) => {
    if (passes.length >= best) return;
    if (at === count) {
      best = passes.length;
      return;
    }
    for (let p = 0; p <= passes.length; p++) {
      const next = passes.map((pass) => [...pass]);
      (next[p] ??= []).push(at);
      if (opens(next[p])) put(at + 1, next);
    }
  };
  put(0, []);
  return best;
}

Deno.test("splitPasses() needs no more passes than trying every way", () => {
  // first-fit puts 0 with 1, and then needs three passes
  const pairs = [[0, 2], [1, 3], [0, 4], [2, 1], [4, 5], [0, 5], [1, 5]];
  for (const counters of [1, 2, 3, 4]) {
    for (let skip = 0; skip < pairs.length; skip++) {
      const opens = pmu(counters, ...pairs.filter((_, i) => i !== skip));
      const { passes, impossible } = splitPasses(6, opens);
      assertEquals(impossible, []);
      assertEquals(passes.flat().sort(), [0, 1, 2, 3, 4, 5]);
      assert(passes.every(opens));
      assertEquals(passes.length, fewest(6, opens), JSON.stringify({ counters, skip, passes }));
    }
  }
});

Deno.test("splitPasses() finds the two passes that first-fit misses", () => {
  // first-fit pairs 0 with 1, 2 with 3, and leaves 4 and 5 for passes of their own
  const trap = pmu(3, [0, 3], [0, 5], [2, 1], [2, 5], [4, 1], [4, 3]);
  assertEquals(splitPasses(6, trap).passes, [[0, 2, 4], [1, 3, 5]]);
});

Deno.test("splitPasses() takes one pass where all fit", () => {
  assertEquals(splitPasses(4, pmu(4)), { passes: [[0, 1, 2, 3]], impossible: [] });
  assertEquals(splitPasses(0, pmu(4)), { passes: [], impossible: [] });
});

Deno.test("splitPasses() leaves out and names what does not open alone", () => {
  const opens: OpensTogether = (subset) => subset.length <= 2 && !subset.includes(1);
  assertEquals(splitPasses(4, opens), { passes: [[0, 2], [3]], impossible: [1] });
});

Deno.test("splitPasses() asks no more than some thousand times, and each question once", () => {
  const asked = new Set<string>();
  const { passes } = splitPasses(40, (subset) => {
    assert(!asked.has(subset.join()));
    asked.add(subset.join());
    return subset.length <= 6;
  });
  assertEquals(passes.length, 7);
  assert(asked.size < 6000, `${asked.size} questions`);
});
