import { assertEquals } from "@std/assert";
import { LeafCounts } from "../../lib/profile/leaf_counts.ts";

/** Counts `samples` (object, address, thread, event) as a builder does, its rows being the keys. */
function counted(
  samples: Iterable<readonly [number, number, number, number]>,
): Map<string, [number, number]> {
  const rows: string[] = [];
  const rowOf = new Map<string, number>();
  const got = new Map<string, [number, number]>();
  const leaves = new LeafCounts((row, count, period) => {
    const [n, sum] = got.get(rows[row]) ?? [0, 0];
    got.set(rows[row], [n + count, sum + period]);
  });
  for (const [object, address, thread, event] of samples) {
    if (leaves.add(object, address, thread, event, 3)) continue;
    const key = `${object} ${address} ${thread} ${event}`;
    if (!rowOf.has(key)) rowOf.set(key, rows.push(key) - 1);
    leaves.put(object, address, thread, event, 3, rowOf.get(key)!);
  }
  leaves.flush();
  leaves.flush(); // there is nothing more
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
    [0, 0, 0, 64],
  ] as const;
  const got = counted([...keys, ...keys, ...keys]);
  assertEquals(got, new Map(keys.map((key) => [key.join(" "), [3, 9]])));
});

Deno.test("LeafCounts loses nothing when it grows, and when it may grow no more", () => {
  const distinct = 300_000;
  const got = counted(function* () {
    for (let i = 0; i < 2 * distinct; i++) yield [i % 3, i % distinct, 5, 0] as const;
  }());
  assertEquals(got.size, distinct);
  for (const [n, period] of got.values()) {
    if (n !== 2 || period !== 6) throw new Error(`${n} samples of ${period}`);
  }
});
