/** Caller trees: for each row of a table, who called it. */

import type { Grouping } from "./groups.ts";
import type { AggregationKeys } from "./aggregation_keys.ts";
import { countingSort, type Profile, samplesOf, type Weight } from "../model/profile.ts";

/** Node of a caller tree: a place, the weight that passed through it here, and its callers. */
export interface CallerNode extends Weight {
  place: number;
  callers: CallerNode[];
}

/** Samples of several rows by the stack that their leaf was called from; those of a row are together. */
interface Paths {
  /** Stack that called the leaf; -1 if nothing did. */
  stack: Int32Array;
  count: Float64Array;
  period: Float64Array;
}

/** List of callers to fill from paths `from` to `to - 1`. */
interface Level {
  callers: CallerNode[];
  from: number;
  to: number;
}

/** Node of each place in the current level, -1 for none. All are -1 between levels. */
const nodesAt = new WeakMap<AggregationKeys, Int32Array>();

/**
 * Builds the trees of callers of each row's samples of one event (-1: all), from the immediate callers up to the roots,
 * heaviest first. Prunes callers below `minPeriod`. Their ancestors go with them, so each level does less work.
 */
export function callerTrees(
  profile: Profile,
  grouping: Grouping,
  event: number,
  rows: readonly { group: number; place: number }[],
  minPeriod = 0,
): CallerNode[][] {
  const { parent, frame } = profile.stacks;
  const { ofFrame, symbol } = grouping.places;
  const trees: CallerNode[][] = rows.map(() => []);
  let { paths, levels } = pathsOf(profile, grouping, event, rows, trees);
  let spare: Paths = copyOf(paths);
  let nodeAt = nodesAt.get(grouping.places);
  if (!nodeAt) nodesAt.set(grouping.places, nodeAt = new Int32Array(symbol.length).fill(-1));
  while (levels.length > 0) {
    const next: Level[] = [];
    let filled = 0;
    for (const { callers, from, to } of levels) {
      const ends = new Array<number>();
      for (let i = from; i < to; i++) {
        if (paths.stack[i] < 0) continue;
        const place = ofFrame[frame[paths.stack[i]]];
        if (nodeAt[place] < 0) {
          nodeAt[place] = callers.push({ place, count: 0, period: 0, callers: [] }) - 1;
          ends.push(0);
        }
        const node = callers[nodeAt[place]];
        node.count += paths.count[i];
        node.period += paths.period[i];
        ends[nodeAt[place]]++;
      }
      // the paths through each node follow those of the node before
      for (let n = 0; n < ends.length; n++) {
        const light = callers[n].period < minPeriod;
        const start = filled;
        if (!light) {
          filled += ends[n];
          next.push({ callers: callers[n].callers, from: start, to: filled });
        }
        ends[n] = light ? -1 : start;
      }
      for (let i = from; i < to; i++) {
        if (paths.stack[i] < 0) continue;
        const n = nodeAt[ofFrame[frame[paths.stack[i]]]];
        if (ends[n] < 0) continue;
        const into = ends[n]++;
        spare.stack[into] = parent[paths.stack[i]];
        spare.count[into] = paths.count[i];
        spare.period[into] = paths.period[i];
      }
      for (const { place } of callers) nodeAt[place] = -1;
      const heavy = callers.filter((node) => node.period >= minPeriod).sort((a, b) => b.period - a.period);
      callers.length = 0;
      for (const node of heavy) callers.push(node);
    }
    [paths, spare] = [spare, paths];
    levels = next;
  }
  return trees;
}

/** Last path from each stack (plus one), plus one. Reused because there may be very many events. */
const pathsFrom = new WeakMap<Profile["stacks"], Int32Array>();

/** Collects the samples of the rows, those called from one stack added up. */
function pathsOf(
  profile: Profile,
  { groups, places }: Grouping,
  event: number,
  rows: readonly { group: number; place: number }[],
  trees: CallerNode[][],
): { paths: Paths; levels: Level[] } {
  const { samples, stacks } = profile;
  const rowOf = new Map(rows.map(({ group, place }, row) => [group * places.symbol.length + place, row]));
  const own = event < 0 ? Int32Array.from(samples.count.keys()) : samplesOf(profile, event);
  // rows.length stands for none of them
  const row = own.map((s) => {
    const place = places.ofFrame[stacks.frame[samples.stack[s]]];
    return rowOf.get(groups.ofSample[s] * places.symbol.length + place) ?? rows.length;
  });
  const { order, ends } = countingSort(row, rows.length + 1);
  const many = rows.length === 0 ? 0 : ends[rows.length - 1];

  const paths: Paths = {
    stack: new Int32Array(many),
    count: new Float64Array(many),
    period: new Float64Array(many),
  };
  let pathOf = pathsFrom.get(stacks);
  if (!pathOf) pathsFrom.set(stacks, pathOf = new Int32Array(stacks.parent.length + 1));
  const levels: Level[] = [];
  let filled = 0;
  for (let row = 0, i = 0; row < rows.length; row++) {
    const from = filled;
    for (; i < ends[row]; i++) {
      const s = own[order[i]], caller = stacks.parent[samples.stack[s]];
      let path = pathOf[caller + 1] - 1;
      if (path < from || path >= filled || paths.stack[path] !== caller) {
        path = filled++;
        pathOf[caller + 1] = filled;
        paths.stack[path] = caller;
      }
      paths.count[path] += samples.count[s];
      paths.period[path] += samples.period[s];
    }
    levels.push({ callers: trees[row], from, to: filled });
  }
  return { paths, levels };
}

function copyOf({ stack, count, period }: Paths): Paths {
  return { stack: stack.slice(), count: count.slice(), period: period.slice() };
}
