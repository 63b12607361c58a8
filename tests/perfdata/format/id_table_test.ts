import { assertEquals } from "@std/assert";
import { LastCounts } from "../../../lib/perfdata/format/group_read.ts";
import { IdTable } from "../../../lib/perfdata/format/id_table.ts";

function find(table: IdTable, id: bigint): number {
  return table.find(Number(id & 0xffffffffn), Number(id >> 32n));
}

Deno.test("id table finds every id and no other", () => {
  const table = new IdTable();
  const ids = [0n, 1n, 2n, 0xffffffffn, 1n << 32n, (1n << 32n) + 1n, (1n << 64n) - 1n];
  for (let i = 0n; i < 5000n; i++) ids.push(1000n + i, (i + 1n) << 33n);
  ids.forEach((id, i) => table.set(id, i));
  ids.forEach((id, i) => assertEquals(find(table, id), i));
  assertEquals(table.size, ids.length);
  for (const id of [3n, 999n, 6000n, 1n << 63n, 0xfffffffeffffffffn]) assertEquals(find(table, id), -1);
});

Deno.test("id table lets the last of two meanings win", () => {
  const table = new IdTable();
  table.set(5n, 0);
  table.set(5n, 3);
  assertEquals(find(table, 5n), 3);
  assertEquals(table.size, 1);
});

Deno.test("id table finds ids that a multiplicative hash puts into one place, in no more time than others", () => {
  const table = new IdTable();
  const ids = collidingIds(300_000);
  ids.forEach((id, i) => table.set(id, i)); // a search through all of those before: for minutes
  assertEquals(ids.every((id, i) => find(table, id) === i), true);
  const counts = new LastCounts();
  const advance = (value: number) =>
    ids.every((id) => counts.advance(Number(id & 0xffffffffn), Number(id >> 32n), -1, value, 0) === 7);
  assertEquals([advance(7), advance(14)], [true, true]);
});

/** Returns ids whose halves cancel each other out in a hash that multiplies the high one by a known factor. */
function collidingIds(n: number): bigint[] {
  return Array.from({ length: n }, (_, i) => {
    const high = i + 1, low = Math.imul(high, 0x85ebca6b) >>> 0;
    return (BigInt(high) << 32n) | BigInt(low);
  });
}
