/** Tree of the calls of one profile, or of two that are grouped alike, as columns. */

import { float64Column, type TypedColumn } from "../../base/bytes/column.ts";
import type { Grouping } from "./groups.ts";
import { type Profile, samplesOf } from "../model/profile.ts";
import { StackTable } from "../model/tables.ts";

/** Weights of one profile at each node. */
export interface NodeWeights {
  selfCount: Float64Array;
  selfPeriod: Float64Array;
  /** Weight of the node and of everything that it called. */
  count: Float64Array;
  period: Float64Array;
}

/** Tree of calls. Each row is a node: a group, or a place, reached by the path of its parents from a group. */
export interface FlameTreeColumns {
  /** Caller's row, which comes first; -1 for a group. */
  parent: Int32Array;
  /** Row of the place; -1 - group for a group. */
  place: Int32Array;
  /** Weights, in the order of the profiles. */
  weights: NodeWeights[];
}

/** Profile with its grouping, and the event to count. */
export interface FlameSource {
  counts: Grouping & { profile: Profile };
  event: number;
}

/** Builds one tree of all sources. Their places and groups must be numbered alike; see matchFunctions(). */
export function buildFlameTree(sources: readonly FlameSource[]): FlameTreeColumns {
  const table = new StackTable();
  const columns = sources.map(() => ({ count: float64Column(), period: float64Column() }));
  const path: number[] = [];
  sources.forEach(({ counts: { profile, groups, places }, event }, source) => {
    const { samples, stacks } = profile, { count, period } = columns[source];
    for (const s of samplesOf(profile, event)) {
      path.length = 0;
      for (let stack = samples.stack[s]; stack >= 0; stack = stacks.parent[stack]) {
        path.push(places.ofFrame[stacks.frame[stack]]);
      }
      let node = table.intern(-1, -1 - groups.ofSample[s]);
      for (let i = path.length - 1; i >= 0; i--) node = table.intern(node, path[i]);
      extend(count, node + 1);
      extend(period, node + 1);
      count.data[node] += samples.count[s];
      period.data[node] += samples.period[s];
    }
  });
  const parent = table.parent.values();
  const weights = columns.map(({ count, period }): NodeWeights => {
    extend(count, parent.length);
    extend(period, parent.length);
    const [selfCount, selfPeriod] = [count.values(), period.values()];
    return { selfCount, selfPeriod, count: selfCount.slice(), period: selfPeriod.slice() };
  });
  // parents come first, so going backwards everything below a node has already been added to it
  for (let node = parent.length - 1; node >= 0; node--) {
    if (parent[node] < 0) continue;
    for (const { count, period } of weights) {
      count[parent[node]] += count[node];
      period[parent[node]] += period[node];
    }
  }
  return { parent, place: table.frame.values(), weights };
}

/** Appends zeros until there are `length` rows. */
function extend(column: TypedColumn<Float64Array<ArrayBuffer>>, length: number) {
  while (column.length < length) column.push(0);
}
