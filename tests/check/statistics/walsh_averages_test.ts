import { assert, assertEquals } from "@std/assert";
import { seededRandom } from "../../../lib/run/random.ts";
import { WalshAverages } from "../../../lib/check/statistics/walsh_averages.ts";

/** Kinds of values: all different, many equal, all equal, and far apart. */
const KINDS: Record<string, (random: () => number) => number> = {
  different: (random) => random() - 0.5,
  "in groups": (random) => Math.round(4 * random()) / 8,
  equal: () => 0,
  "far apart": (random) => Math.exp(40 * (random() - 0.5)),
};

for (const [kind, draw] of Object.entries(KINDS)) {
  Deno.test(`averages by their rank are those of all pairs in order, of values that are ${kind}`, () => {
    const random = seededRandom(1);
    for (const n of [1, 2, 3, 8, 13, 60, 333]) {
      const values = Float64Array.from({ length: n }, () => draw(random));
      const all: number[] = [];
      for (let i = 0; i < n; i++) for (let j = i; j < n; j++) all.push((values[i] + values[j]) / 2);
      all.sort((a, b) => a - b);
      const averages = new WalshAverages(values);
      assertEquals(averages.length, all.length);
      for (let rank = 0; rank < all.length; rank += 1 + Math.floor(all.length / 300)) {
        assertEquals(averages.at(rank), all[rank], `${rank} of ${n} values`);
      }
    }
  });
}

Deno.test("averages of twenty thousand values take no memory for all pairs", () => {
  const random = seededRandom(2);
  const averages = new WalshAverages(Float64Array.from({ length: 20_000 }, () => random()));
  assert(Math.abs(averages.at(Math.floor(averages.length / 2)) - 0.5) < 0.02);
});
