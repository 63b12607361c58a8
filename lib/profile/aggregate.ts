/** From a profile to the tables people read: weight by command, object, symbol and more; who called what. */

import { float64Column } from "../base/column.ts";
import type { Grouping, Groups } from "./groups.ts";
import type { Places } from "./places.ts";
import type { Profile } from "./profile.ts";
import { StackTable } from "./tables.ts";

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
  /** Rows of `profile.samples` behind `self`. */
  samples: number[];
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
  // one group after the other, so that a row is found by its place alone: row + 1, of the group it is for
  const rowOf = new Int32Array(places.symbol.length);
  const rowIsOf = new Int32Array(places.symbol.length).fill(-1);
  const rowFor = (group: number, place: number) => {
    if (rowIsOf[place] === group) return rows[rowOf[place]];
    const row: OverheadRow = {
      group,
      place,
      self: { count: 0, period: 0 },
      total: { count: 0, period: 0 },
      samples: [],
    };
    rowIsOf[place] = group;
    rowOf[place] = rows.push(row) - 1;
    return row;
  };
  // the last sample row in which each place was seen, so that recursion counts once
  const seenIn = new Int32Array(places.symbol.length).fill(-1);
  for (const s of samplesByGroup(groups)) {
    if (event >= 0 && samples.event[s] !== event) continue;
    const group = groups.ofSample[s];
    const count = samples.count[s], period = samples.period[s];
    const leaf = rowFor(group, ofFrame[stacks.frame[samples.stack[s]]]);
    leaf.self.count += count;
    leaf.self.period += period;
    leaf.samples.push(s);
    if (selfOnly) continue;
    for (let node = samples.stack[s]; node >= 0; node = stacks.parent[node]) {
      const place = ofFrame[stacks.frame[node]];
      if (seenIn[place] === s) continue;
      seenIn[place] = s;
      const { total } = rowFor(group, place);
      total.count += count;
      total.period += period;
    }
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

/** Rows of `profile.samples` by group, within a group in their order (a counting sort). */
function samplesByGroup({ ofSample, example }: Groups): Int32Array {
  const next = new Int32Array(example.length + 1);
  for (let s = 0; s < ofSample.length; s++) next[ofSample[s] + 1]++;
  for (let group = 1; group < next.length; group++) next[group] += next[group - 1];
  const order = new Int32Array(ofSample.length);
  for (let s = 0; s < ofSample.length; s++) order[next[ofSample[s]]++] = s;
  return order;
}

/** A node of a caller tree: a place, the weight that passed through it here, and who called it. */
export interface CallerNode extends Weight {
  place: number;
  callers: CallerNode[];
}

/**
 * Who called the leaf of each row's samples: the trees of callers, from the immediate ones up to the roots,
 * heaviest first at each level. Callers that less than `leastPeriod` came through are left out.
 */
export function callerTrees(
  profile: Profile,
  places: Places,
  rows: readonly { samples: readonly number[] }[],
  leastPeriod = 0,
): CallerNode[][] {
  const { samples, stacks } = profile;
  // all trees in one table of (parent, place), where a negative parent stands for a row; only what is
  // heavy enough becomes an object in the end
  const table = new StackTable();
  const count = float64Column();
  const period = float64Column();
  rows.forEach((row, index) => {
    for (const s of row.samples) {
      let parent = -1 - index;
      for (let stack = stacks.parent[samples.stack[s]]; stack >= 0; stack = stacks.parent[stack]) {
        parent = table.intern(parent, places.ofFrame[stacks.frame[stack]]);
        if (parent === count.length) {
          count.push(0);
          period.push(0);
        }
        count.data[parent] += samples.count[s];
        period.data[parent] += samples.period[s];
      }
    }
  });
  const trees: CallerNode[][] = rows.map(() => []);
  const nodes = new Map<number, CallerNode>();
  for (let n = 0; n < count.length; n++) {
    if (period.data[n] < leastPeriod) continue; // and so are all the callers behind it
    const node = { place: table.frame.data[n], count: count.data[n], period: period.data[n], callers: [] };
    const parent = table.parent.data[n];
    (parent < 0 ? trees[-1 - parent] : nodes.get(parent)!.callers).push(node);
    nodes.set(n, node);
  }
  for (const level of [...trees, ...Array.from(nodes.values(), (node) => node.callers)]) {
    level.sort((a, b) => b.period - a.period);
  }
  return trees;
}
