/** From a profile to the tables people read: weight by command, object, symbol and more. */

import type { Grouping, Groups } from "./groups.ts";
import { PathTotals } from "./path_totals.ts";
import type { AggregationKeys } from "./aggregation_keys.ts";
import { countingSort, type Profile, samplesOf } from "../model/profile.ts";

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
  grouping: Grouping,
  event: number,
  { selfOnly = false }: OverheadOptions = {},
): OverheadRow[] {
  const { samples, stacks } = profile;
  const { groups, places: { ofFrame } } = grouping;
  const rows: OverheadRow[] = [];
  // one group after the other, so that a row is found by its place alone: its row, and the first row of its group
  const { rowOf, totalsOf } = scratchOf(profile, grouping);
  const totals = selfOnly ? undefined : totalsOf();
  const order = byGroup(groups, event < 0 ? undefined : samplesOf(profile, event));
  let first = 0, group = 0;
  const rowFor = (place: number) => {
    const known = rowOf[place];
    if (known >= first && known < rows.length && rows[known].place === place) return rows[known];
    const row: OverheadRow = { group, place, self: { count: 0, period: 0 }, total: { count: 0, period: 0 } };
    rowOf[place] = rows.push(row) - 1;
    return row;
  };
  for (let i = 0; i < order.length;) {
    group = groups.ofSample[order[i]];
    first = rows.length;
    for (; i < order.length && groups.ofSample[order[i]] === group; i++) {
      const s = order[i], count = samples.count[s], period = samples.period[s];
      const { self } = rowFor(ofFrame[stacks.frame[samples.stack[s]]]);
      self.count += count;
      self.period += period;
      totals?.add(samples.stack[s], count, period);
    }
    totals?.take((place, count, period) => {
      const { total } = rowFor(place);
      total.count += count;
      total.period += period;
    });
  }
  return rows.sort(bySelf);
}

/** What is as long as the tables of a profile and is used again, since there may be very many events. */
interface Scratch {
  profile: Profile;
  rowOf: Int32Array;
  totalsOf(): PathTotals;
}

const scratches = new WeakMap<AggregationKeys, Scratch>();

function scratchOf(profile: Profile, { places }: Grouping): Scratch {
  let scratch = scratches.get(places);
  if (scratch?.profile.stacks !== profile.stacks) {
    let totals: PathTotals | undefined;
    const totalsOf = () => totals ??= new PathTotals(profile, places);
    scratches.set(places, scratch = { profile, rowOf: new Int32Array(places.symbol.length), totalsOf });
  }
  return scratch;
}

/** Heaviest self first. */
export function bySelf(a: OverheadRow, b: OverheadRow): number {
  return b.self.period - a.self.period || b.total.period - a.total.period || b.total.count - a.total.count;
}

/** Heaviest total first. */
export function byTotal(a: OverheadRow, b: OverheadRow): number {
  return b.total.period - a.total.period || b.self.period - a.self.period || b.total.count - a.total.count;
}

/** Rows of samples (all unless given, ascending) by group, within a group in their order. */
function byGroup({ ofSample, example }: Groups, rows?: Int32Array): Int32Array {
  if (rows === undefined || rows.length === ofSample.length) {
    return countingSort(ofSample, example.length).order;
  }
  // to go through all groups for each of very many events would take longer than to compare a few rows
  if (rows.length * 16 < example.length) return rows.toSorted((a, b) => ofSample[a] - ofSample[b] || a - b);
  const { order } = countingSort(Int32Array.from(rows, (row) => ofSample[row]), example.length);
  return order.map((at) => rows[at]);
}
