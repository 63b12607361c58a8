import { assert, assertEquals } from "@std/assert";
import { FrameTable, SampleTable, StackTable } from "../../../lib/profile/model/tables.ts";
import { WordCache } from "../../../lib/profile/load/word_cache.ts";

Deno.test("FrameTable.frameOf() gives one row a key, through growth", () => {
  const table = new FrameTable();
  const keys = Array.from({ length: 5000 }, (_, i) => [i % 7 - 1, (i % 3 ? 1 : -1) * (0x7fff_0000_0000 - i)]);
  const rows = keys.map(([object, address]) => table.frameOf(object, address));
  assertEquals(rows, keys.map((_, i) => i));
  assertEquals(keys.map(([object, address]) => table.frameOf(object, address)), rows);
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
  const { event, thread, cpu, stack, count, period } = table.columns();
  assertEquals(table.length, 2 * 3 * 5 * 11);
  assertEquals(
    new Set(stack.map((_, i) => event[i] + 2 * (thread[i] + 3 * (cpu[i] + 5 * stack[i])))).size,
    330,
  );
  assertEquals(count.reduce((a, b) => a + b), 3000);
  assertEquals(period.reduce((a, b) => a + b), 30000);
});

Deno.test("WordCache tells apart keys that differ in any of their words", () => {
  const cache = new WordCache();
  const keys = Array.from({ length: 1000 }, (_, i) => [i % 10, -1 - (i / 10 | 0) % 10, (i / 100) | 0]);
  keys.forEach(([a, b, c], row) => {
    assertEquals(cache.find(a, b, c), -1);
    cache.put(a, b, c, row);
    assertEquals(cache.find(a, b, c), row);
  });
  const found = keys.map(([a, b, c]) => cache.find(a, b, c));
  assert(found.every((row, i) => row === i || row === -1), "a key has another one's row");
  assert(found.filter((row) => row >= 0).length > 900, "what was put in lately is still there");
});

Deno.test("WordCache forgets the oldest, and never more memory is needed", () => {
  const cache = new WordCache();
  const n = 3_000_000;
  for (let i = 0; i < n; i++) cache.put(i, i, 0, i);
  let known = 0;
  for (let i = 0; i < n; i++) {
    const row = cache.find(i, i, 0);
    if (row !== -1 && row !== i) throw new Error(`${i} has the row ${row}`);
    if (row === i) known++;
    else if (i > n - 1000) throw new Error(`${i} is gone, though it is one of the last`);
  }
  assert(known <= 1 << 19);
});
