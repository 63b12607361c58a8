import { assert, assertEquals } from "@std/assert";
import { mix } from "../../../lib/base/bytes/hash.ts";
import { ABSENT, IntMap } from "../../../lib/base/bytes/int_map.ts";

Deno.test("an IntMap has what a Map has, after any sequence of changes", () => {
  let state = 1;
  const random = (below: number) => ((state = (Math.imul(state, 1664525) + 1013904223) >>> 0) >>> 8) % below;
  const KEYS = [0, -1, -0x80000000, 0x7fffffff, ...Array.from({ length: 500 }, (_, i) => i * 65536)];
  const map = new IntMap(), truth = new Map<number, number>();
  for (let step = 0; step < 50_000; step++) {
    const key = KEYS[random(KEYS.length)];
    if (random(3) === 0) assertEquals(map.delete(key), truth.delete(key));
    else {
      map.set(key, step);
      truth.set(key, step);
    }
    const asked = KEYS[random(KEYS.length)];
    assertEquals(map.get(asked), truth.get(asked) ?? ABSENT);
    assertEquals(map.size, truth.size);
  }
});

/** Distinct values of the low `bits` of the hashes. */
function spread(keys: readonly [number, number][], bits: number): number {
  return new Set(keys.map(([a, b]) => mix(a, b) & (2 ** bits - 1))).size;
}

Deno.test("mix() spreads keys that differ in any of their bits, of either word, over the low bits of the hash", () => {
  const patterns: [string, (i: number) => [number, number]][] = [
    ["low bits of the first", (i) => [i, 7]],
    ["high bits of the first", (i) => [i << 16, 7]],
    ["low bits of the second", (i) => [7, i]],
    ["high bits of the second", (i) => [7, i << 16]],
    ["words that are alike", (i) => [i, i]],
    ["words that add up to one sum", (i) => [i, -i]],
    ["words that cancel by golden ratio", (i) => [Math.imul(i, 0x9e3779b1), i]],
  ];
  for (const [what, pattern] of patterns) {
    const distinct = spread(Array.from({ length: 4096 }, (_, i) => pattern(i)), 12);
    assert(distinct > 2200, `${what}: ${distinct} of 4096`); // 63% of them, were they random
  }
});
