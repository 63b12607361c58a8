import { assertEquals } from "@std/assert";
import { sumOf } from "../../../lib/counters/rows/add_counts.ts";
import { countedNs, countsOf } from "../../../lib/counters/tasks/tally_to_counts.ts";
import type { CounterSet } from "../../../lib/counters/rows/row_sink.ts";
import { resolveEvents } from "../../../lib/events/resolve.ts";

function set(text: string): CounterSet {
  return { text, groups: resolveEvents(text).map((group) => group.events) };
}

const SETS = [set("page-faults,task-clock"), set("context-switches")];
/** Two events and their reference, then one and its reference. */
const TALLY = { values: [10n, 20n, 0n, 30n, 0n], runningNs: [100, 50, 100, 80, 80] };

Deno.test("countsOf() takes an event that ran for less than its reference for one that shared its counter", () => {
  assertEquals(countsOf(TALLY, SETS, 0, true), [{ value: 10n }, { value: 40n, share: 0.5 }]);
  assertEquals(countsOf(TALLY, SETS, 1, true), [{ value: 30n }]);
});

Deno.test("countsOf() gives no number for an event that lost a counter it was to have to itself", () => {
  assertEquals(countsOf(TALLY, SETS, 0, false), [{ value: 10n }, {}]);
});

Deno.test("countsOf() takes nothing for nothing where nobody ran", () => {
  const idle = { values: [0n, 0n, 0n, 0n, 0n], runningNs: [0, 0, 0, 0, 0] };
  assertEquals(countsOf(idle, SETS, 0, false), [{ value: 0n }, { value: 0n }]);
});

Deno.test("countedNs() is the time the set's reference ran", () => {
  assertEquals([countedNs(TALLY, SETS, 0), countedNs(TALLY, SETS, 1)], [100, 80]);
});

Deno.test("sumOf() adds up CPUs: unknown where one is, scaled by the least share", () => {
  const counts = [[{ value: 1n }, { value: 2n, share: 0.9 }, {}], [{ value: 3n }, { value: 4n, share: 0.5 }, {
    value: 5n,
  }]];
  assertEquals(sumOf(counts), [{ value: 4n }, { value: 6n, share: 0.5 }, {}]);
});
