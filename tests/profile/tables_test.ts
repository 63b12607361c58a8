import { assertEquals } from "@std/assert";
import { ChainCache } from "../../lib/profile/chain_cache.ts";
import { FrameTable, SampleTable, StackTable } from "../../lib/profile/tables.ts";

Deno.test("FrameTable.intern() gives one row a key, through growth", () => {
  const table = new FrameTable();
  const keys = Array.from({ length: 5000 }, (_, i) => [i % 7 - 1, (i % 3 ? 1 : -1) * (0x7fff_0000_0000 - i)]);
  const rows = keys.map(([object, address]) => table.intern(object, address));
  assertEquals(rows, keys.map((_, i) => i));
  assertEquals(keys.map(([object, address]) => table.intern(object, address)), rows);
});

Deno.test("StackTable.intern() shares prefixes and puts parents first", () => {
  const table = new StackTable();
  const a = table.intern(-1, 1);
  const b = table.intern(a, 2);
  assertEquals([a, b, table.intern(-1, 1), table.intern(a, 2), table.intern(b, 2)], [0, 1, 0, 1, 2]);
});

Deno.test("SampleTable.add() adds up what is alike and keeps apart what is not", () => {
  const table = new SampleTable();
  for (let i = 0; i < 3000; i++) table.add(i % 2, i % 3, i % 5, i % 11, 10);
  assertEquals(table.count.length, 2 * 3 * 5 * 11);
  assertEquals(table.count.values().reduce((a, b) => a + b), 3000);
  assertEquals(table.period.values().reduce((a, b) => a + b), 30000);
});

Deno.test("ChainCache finds a chain by all of its words, its space and its address", () => {
  const cache = new ChainCache();
  const words = new Uint32Array([1, 2, 3, 4, 1, 9, 3, 4]);
  assertEquals(cache.find(0, 5, words, 0, 4), -1);
  cache.put(0, 5, words, 0, 4, 42);
  assertEquals(cache.find(0, 5, words, 0, 4), 42);
  // the same low words, another high word
  assertEquals(cache.find(0, 5, words, 4, 4), -1);
  assertEquals(cache.find(1, 5, words, 0, 4), -1);
  assertEquals(cache.find(0, 6, words, 0, 4), -1);
  assertEquals(cache.find(0, 5, words, 0, 2), -1);
});

Deno.test("ChainCache still answers rightly after it started over", () => {
  const cache = new ChainCache();
  const words = new Uint32Array(1 << 16);
  for (let round = 0; round < 300; round++) {
    words[0] = round;
    if (cache.find(0, 1, words, 0, words.length) < 0) cache.put(0, 1, words, 0, words.length, round);
    assertEquals(cache.find(0, 1, words, 0, words.length), round);
  }
});
