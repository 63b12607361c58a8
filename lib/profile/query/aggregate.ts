/** Overhead table of a profile: weight by group and place. */

import type { Grouping, Groups } from "./groups.ts";
import { PathTotals } from "./path_totals.ts";
import type { AggregationKeys } from "./aggregation_keys.ts";
import { countingSort, type Profile, samplesOf, type Weight } from "../model/profile.ts";

/** Row of the overhead table. */
export interface OverheadRow {
  /** Row of the groups: a command, for example. */
  group: number;
  place: number;
  /** Weight of samples taken in the place itself. */
  self: Weight;
  /** Weight of samples with the place anywhere in their stack, each counted once however often the place recurs. */
  total: Weight;
}

/** Options of overhead(). */
export interface OverheadOptions {
  /** Leave `total` at zero, which saves a walk through every stack. */
  selfOnly?: boolean;
}

/**
 * Adds up weight by group and place for one event (-1: all). Rows are sorted by self, then total, both heaviest first,
 * then in the order of appearance.
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
  // one group after the other, so that a place alone identifies a row of the group, whose first row is `first`
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

/** Buffers as long as a profile's tables, reused because there may be very many events. */
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

/** Compares rows, heaviest self first. */
function bySelf(a: OverheadRow, b: OverheadRow): number {
  return b.self.period - a.self.period || b.total.period - a.total.period || b.total.count - a.total.count;
}

/** Compares rows, heaviest total first. */
export function byTotal(a: OverheadRow, b: OverheadRow): number {
  return b.total.period - a.total.period || b.self.period - a.self.period || b.total.count - a.total.count;
}

/** Sorts sample rows (ascending; default: all) by group, and within a group in their order. */
function byGroup({ ofSample, example }: Groups, rows?: Int32Array): Int32Array {
  if (rows === undefined || rows.length === ofSample.length) {
    return countingSort(ofSample, example.length).order;
  }
  // comparing a few rows is faster than visiting all groups for each of very many events
  if (rows.length * 16 < example.length) return rows.toSorted((a, b) => ofSample[a] - ofSample[b] || a - b);
  const { order } = countingSort(Int32Array.from(rows, (row) => ofSample[row]), example.length);
  return order.map((at) => rows[at]);
}
