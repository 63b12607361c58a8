/** Converts tallies of inherited events to the values of rows. */

import type { Tally } from "./thread_table.ts";
import type { CountValue } from "../rows/row.ts";
import type { CounterSet } from "../rows/row_sink.ts";

/**
 * Returns the values of set `set` in a tally, whose columns are, set by set, the events and the set's reference. An
 * event that ran for less time than the reference shared its counter: its count is an estimate with `multiplex`, else
 * unknown.
 */
export function countsOf(
  tally: Tally,
  sets: readonly CounterSet[],
  set: number,
  multiplex: boolean,
): CountValue[] {
  const first = firstColumn(sets, set);
  const events = eventCount(sets[set]);
  const referenceNs = tally.runningNs[first + events];
  return Array.from({ length: events }, (_, i): CountValue => {
    const value = tally.values[first + i];
    const share = referenceNs > 0 ? tally.runningNs[first + i] / referenceNs : 1;
    if (share >= 1) return { value };
    if (!multiplex || share <= 0) return {};
    return { value: BigInt(Math.round(Number(value) / share)), share };
  });
}

/** Returns the time in ns that set `set` counted: how long its reference ran. */
export function countedNs(tally: Tally, sets: readonly CounterSet[], set: number): number {
  return tally.runningNs[firstColumn(sets, set) + eventCount(sets[set])];
}

function eventCount(set: CounterSet): number {
  return set.groups.flat().length;
}

function firstColumn(sets: readonly CounterSet[], set: number): number {
  return sets.slice(0, set).reduce((sum, each) => sum + eventCount(each) + 1, 0);
}
