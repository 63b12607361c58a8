import { assertEquals } from "@std/assert";
import { PairIndex } from "../../../lib/base/bytes/pair_index.ts";

Deno.test("PairIndex numbers pairs in the order in which they come, and finds them when it has grown", () => {
  const index = new PairIndex(),
    pairs: [number, number][] = [[-1, 0], [0, -1], [0, 0], [0x7fffffff, -0x80000000]];
  for (let i = 1; i < 5000; i++) pairs.push([i, -i]);
  assertEquals(index.find(0, 0), -1);
  pairs.forEach(([first, second], i) =>
    assertEquals([index.numberOf(first, second), index.length], [i, i + 1])
  );
  for (const [i, [first, second]] of pairs.entries()) {
    assertEquals([index.numberOf(first, second), index.find(first, second)], [i, i]);
  }
  assertEquals([index.length, index.find(1, 1)], [pairs.length, -1]);
});
