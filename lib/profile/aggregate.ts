/** From a profile to the tables people read: weight by command, object, symbol and more. */

import type { Grouping, Groups } from "./groups.ts";
import { PathTotals } from "./path_totals.ts";
import type { Profile } from "./profile.ts";

/** How much: samples, and the sum of their periods. */
export interface Weight {
  count: number;
  period: number;
}

/** One row of the overhead table. */
export interface OverheadRow {
  /** Row of the groups: the command, say. */
  group: number;
  place: number;
  /** Samples that were in the place itself. */
  self: Weight;
  /** Samples with the place anywhere in their stack, each once however often it recurs. */
  total: Weight;
}

/** What else to find out besides self. */
export interface OverheadOptions {
  /** Leave `total` at nothing: it takes a walk through every stack. */
  selfOnly?: boolean;
}

/**
 * Weight by group and place for one event (-1: for all), heaviest self first, then total, then in the order of
 * appearance.
 */
export function overhead(
  profile: Profile,
  { groups, places }: Grouping,
  event: number,
  { selfOnly = false }: OverheadOptions = {},
): OverheadRow[] {
  const { samples, stacks } = profile;
  const { ofFrame } = places;
  const rows: OverheadRow[] = [];
  // one group after the other, so that a row is found by its place alone: its row, and the group that is of
  const rowOf = new Int32Array(places.symbol.length);
  const rowIsOf = new Int32Array(places.symbol.length).fill(-1);
  const rowFor = (group: number, place: number) => {
    if (rowIsOf[place] === group) return rows[rowOf[place]];
    const row: OverheadRow = { group, place, self: { count: 0, period: 0 }, total: { count: 0, period: 0 } };
    rowIsOf[place] = group;
    rowOf[place] = rows.push(row) - 1;
    return row;
  };
  const totals = selfOnly ? undefined : new PathTotals(profile, places);
  const { order, ends } = samplesByGroup(groups);
  for (let group = 0, i = 0; group < ends.length; group++) {
    for (; i < ends[group]; i++) {
      const s = order[i];
      if (event >= 0 && samples.event[s] !== event) continue;
      const count = samples.count[s], period = samples.period[s];
      const { self } = rowFor(group, ofFrame[stacks.frame[samples.stack[s]]]);
      self.count += count;
      self.period += period;
      totals?.add(samples.stack[s], count, period);
    }
    totals?.take((place, count, period) => {
      const { total } = rowFor(group, place);
      total.count += count;
      total.period += period;
    });
  }
  return rows.sort(bySelf);
}

/** Heaviest self first. */
export function bySelf(a: OverheadRow, b: OverheadRow): number {
  return b.self.period - a.self.period || b.total.period - a.total.period || b.total.count - a.total.count;
}

/** Heaviest total first. */
export function byTotal(a: OverheadRow, b: OverheadRow): number {
  return b.total.period - a.total.period || b.self.period - a.self.period || b.total.count - a.total.count;
}

/** Rows of `profile.samples` by group, within a group in their order, and where each group ends (a counting sort). */
function samplesByGroup({ ofSample, example }: Groups): { order: Int32Array; ends: Int32Array } {
  const next = new Int32Array(example.length + 1);
  for (let s = 0; s < ofSample.length; s++) next[ofSample[s] + 1]++;
  for (let group = 1; group < next.length; group++) next[group] += next[group - 1];
  const order = new Int32Array(ofSample.length);
  for (let s = 0; s < ofSample.length; s++) order[next[ofSample[s]]++] = s;
  return { order, ends: next.subarray(0, example.length) };
}
