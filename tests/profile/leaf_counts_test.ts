import { assert, assertEquals } from "@std/assert";
import { LeafCounts } from "../../lib/profile/leaf_counts.ts";

/** What `samples` (object, address, thread, event) of period 3 come to. */
function counted(
  samples: Iterable<readonly [number, number, number, number]>,
): Map<string, [number, number]> {
  const leaves = new LeafCounts();
  for (const sample of samples) assert(leaves.add(...sample, 3));
  const got = new Map<string, [number, number]>();
  leaves.forEach(({ object, address, thread, event, count, period }) => {
    const key = `${object} ${address} ${thread} ${event}`;
    assert(!got.has(key), `${key} comes twice`);
    got.set(key, [count, period]);
  });
  return got;
}

Deno.test("LeafCounts tells samples apart by each of object, address, thread and event, the first of each too", () => {
  const keys = [
    [0, 0, 0, 0],
    [-1, 0, 0, 0],
    [0, -4096, 0, 0],
    [0, 2 ** 46 + 1, 0, 0],
    [0, 2 ** 46 + 2 ** 32 + 1, 0, 0],
    [0, 0, 1, 0],
    [0, 0, 0, 1],
    [0, 0, 2 ** 25 - 1, 63],
  ] as const;
  const got = counted([...keys, ...keys, ...keys]);
  assertEquals(got, new Map(keys.map((key) => [key.join(" "), [3, 9]])));
});

Deno.test("LeafCounts loses nothing when it grows", () => {
  const distinct = 300_000;
  const got = counted(function* () {
    for (let i = 0; i < 2 * distinct; i++) yield [i % 3, i % distinct, 5, 0] as const;
  }());
  assertEquals(got.size, distinct);
  for (const [n, period] of got.values()) {
    if (n !== 2 || period !== 6) throw new Error(`${n} samples of ${period}`);
  }
});

Deno.test("LeafCounts says so when it cannot tell an event or a thread from others", () => {
  const leaves = new LeafCounts();
  assertEquals([leaves.add(0, 0, 0, 64, 1), leaves.add(0, 0, 2 ** 25, 0, 1)], [false, false]);
  leaves.forEach(() => assert(false, "nothing was counted"));
});
