import { assertEquals } from "@std/assert";
import { RbTree } from "../../../lib/symbols/table/rb_tree.ts";

/** Numbers that look random and are the same at every run (a linear congruential generator). */
function sequence(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor(state / 4294967296 * below);
  };
}

Deno.test("RbTree keeps elements by key, and those of one key in the order they came, through insertions and removals", () => {
  const random = sequence(1);
  for (let round = 0; round < 200; round++) {
    const count = 1 + random(60);
    const keys = Float64Array.from({ length: count }, () => random(20));
    const tree = new RbTree(keys);
    const inside: number[] = [];
    for (let i = 0; i < count; i++) {
      tree.insert(i);
      const behind = inside.findIndex((other) => keys[other] > keys[i]);
      inside.splice(behind < 0 ? inside.length : behind, 0, i);
      if (random(3) === 0) tree.remove(inside.splice(random(inside.length), 1)[0]);
      assertEquals([...tree.inOrder()], inside);
    }
    assertEquals(tree.size, inside.length);
    while (inside.length > 0) {
      tree.remove(inside.splice(random(inside.length), 1)[0]);
      assertEquals([...tree.inOrder()], inside);
    }
  }
});

Deno.test("RbTree.find() finds the one range that holds an address, and none in gaps", () => {
  const keys = Float64Array.from({ length: 1000 }, (_, i) => (i * 7919 % 1000) * 10);
  const ends = keys.map((key) => key + 6);
  const tree = new RbTree(keys);
  for (let i = 0; i < keys.length; i++) tree.insert(i);
  for (let address = -5; address < 10010; address++) {
    const found = tree.find(address, ends);
    if (address < 0 || address >= 10000 || address % 10 >= 6) assertEquals(found, -1);
    else assertEquals(keys[found], address - address % 10);
  }
});

Deno.test("RbTree.find() takes the overlapping range nearest to the root, and can miss one behind it", () => {
  // inserted in this order the middle one is the root
  const keys = Float64Array.of(50, 0, 90);
  const ends = Float64Array.of(60, 100, 95);
  const tree = new RbTree(keys);
  for (let i = 0; i < 3; i++) tree.insert(i);
  assertEquals(tree.find(55, ends), 0);
  assertEquals(tree.find(20, ends), 1);
  assertEquals(tree.find(70, ends), -1);
});

Deno.test("RbTree.find() finds an empty range at its own address only", () => {
  const tree = new RbTree(Float64Array.of(10));
  tree.insert(0);
  const ends = Float64Array.of(10);
  assertEquals([9, 10, 11].map((address) => tree.find(address, ends)), [-1, 0, -1]);
});
