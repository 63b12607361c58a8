/** Call trees from the roots down: the weight of each function and of what it called. */

import { float64Column } from "../../base/bytes/column.ts";
import type { Grouping } from "./groups.ts";
import { type Profile, samplesOf, type Weight } from "../model/profile.ts";
import { StackTable } from "../model/tables.ts";

/** Place, reached by the path of its parents. */
export interface CallNode {
  place: number;
  /** Weight of samples taken in the place itself, on this path. */
  self: Weight;
  /** Weight of samples taken in the place or in what it called, on this path. */
  total: Weight;
  /** Called places, heaviest first. */
  callees: CallNode[];
}

/** Call tree of one group. */
export interface GroupTree {
  group: number;
  total: Weight;
  /** Outermost frames, heaviest first. */
  roots: CallNode[];
}

/**
 * Builds the call trees of one event (-1: all), one for each group, heaviest first. Prunes branches below `minPeriod`.
 */
export function callTrees(
  profile: Profile,
  { groups, places }: Grouping,
  event: number,
  minPeriod = 0,
): GroupTree[] {
  const { samples, stacks } = profile;
  const { ofFrame } = places;
  // all trees are in one table of (parent, place), where a negative parent stands for a tree
  const table = new StackTable();
  const columns = [float64Column(), float64Column(), float64Column(), float64Column()];
  const [selfCount, selfPeriod, count, period] = columns;
  const trees: GroupTree[] = [];
  const treeOf = new Map<number, number>();
  const path: number[] = [];
  for (const s of event < 0 ? samples.count.keys() : samplesOf(profile, event)) {
    const group = groups.ofSample[s];
    let tree = treeOf.get(group);
    if (tree === undefined) {
      tree = trees.push({ group, total: { count: 0, period: 0 }, roots: [] }) - 1;
      treeOf.set(group, tree);
    }
    path.length = 0;
    for (let stack = samples.stack[s]; stack >= 0; stack = stacks.parent[stack]) {
      path.push(ofFrame[stacks.frame[stack]]);
    }
    let node = -1 - tree;
    for (let i = path.length - 1; i >= 0; i--) {
      node = table.intern(node, path[i]);
      if (node === count.length) { for (const column of columns) column.push(0); }
    }
    selfCount.data[node] += samples.count[s];
    selfPeriod.data[node] += samples.period[s];
    trees[tree].total.count += samples.count[s];
    trees[tree].total.period += samples.period[s];
  }
  // parents come first, so going backwards everything below a node has already been added to it
  for (let node = count.length - 1; node >= 0; node--) {
    count.data[node] += selfCount.data[node];
    period.data[node] += selfPeriod.data[node];
    const parent = table.parent.data[node];
    if (parent < 0) continue;
    count.data[parent] += count.data[node];
    period.data[parent] += period.data[node];
  }
  makeNodes(table, { selfCount, selfPeriod, count, period }, trees, minPeriod);
  return trees.filter(({ total }) => total.count > 0 && total.period >= minPeriod)
    .sort((a, b) => heaviest(a, b) || a.group - b.group);
}

/** Weights of the rows of a table of nodes. */
type NodeColumns = Record<
  "selfCount" | "selfPeriod" | "count" | "period",
  { data: Float64Array; length: number }
>;

/** Turns the rows of a table into nodes below their trees, without those below `minPeriod`. */
function makeNodes(
  table: StackTable,
  { selfCount, selfPeriod, count, period }: NodeColumns,
  trees: readonly GroupTree[],
  minPeriod: number,
): void {
  const nodes: (CallNode | undefined)[] = [];
  for (let n = 0; n < count.length; n++) {
    nodes.push(undefined);
    if (period.data[n] < minPeriod) continue; // and so is everything that it called
    const node: CallNode = {
      place: table.frame.data[n],
      self: { count: selfCount.data[n], period: selfPeriod.data[n] },
      total: { count: count.data[n], period: period.data[n] },
      callees: [],
    };
    const parent = table.parent.data[n];
    (parent < 0 ? trees[-1 - parent].roots : nodes[parent]!.callees).push(node);
    nodes[n] = node;
  }
  for (const { roots } of trees) roots.sort(heaviest);
  for (const node of nodes) node?.callees.sort(heaviest);
}

const heaviest = (a: { total: Weight }, b: { total: Weight }) => b.total.period - a.total.period;
