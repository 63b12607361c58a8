/** Where the boxes of a flame graph are, and what they stand for; nothing of how they are drawn. */

import type { Weight } from "../../profile/query/aggregate.ts";
import {
  buildFlameTree,
  type FlameSource,
  type FlameTreeColumns,
  type NodeWeights,
} from "../../profile/query/flame_tree.ts";
import { groupValues } from "../../profile/query/groups.ts";
import {
  type AggregationKeys,
  joinsRun,
  placeLabel,
  placeObject,
  type RunFrame,
} from "../../profile/query/aggregation_keys.ts";
import { isKernel, type ProfileObject } from "../../profile/model/profile.ts";

/** What boxes are coloured by. `root`: no code, but all of it, or a command. */
export type BoxKind = "root" | "program" | "library" | "kernel" | "jit" | "unresolved";

export interface Box {
  name: string;
  /** "" for roots. */
  object: string;
  kind: BoxKind;
  /** 0 for all, 1 for the commands, 2 for their outermost functions. */
  depth: number;
  /** Parts of the whole width. */
  x: number;
  width: number;
  self: Weight;
  total: Weight;
  /** The same path in the other profile, as recorded. */
  other?: { self: Weight; total: Weight };
}

export interface FlameLayout {
  /** Callers before what they called, each followed by all that is above it. */
  boxes: Box[];
  /** Boxes upon each other at the highest point. */
  rows: number;
  whole: Weight;
  /** Of the other profile. */
  otherWhole: Weight;
  /** What is drawn is wider than this part of the whole. */
  narrowest: number;
  /** Frames that are too narrow to be drawn, and the weight that they have of their own. */
  narrow: { frames: number; weight: Weight };
  /** The same of frames that are too far from the root. */
  deep: { frames: number; weight: Weight };
  /** Weight that the other profile has of its own in paths that this one has not. */
  gone: Weight;
}

export interface LayoutOptions {
  /** With more frames than this, the lightest are left out until as many are left, or fewer. */
  mostFrames: number;
  /** And then all that do not take more of the whole than this, too. */
  leastWidth: number;
  /** And so are those with more frames between them and the root. */
  mostDepth: number;
}

/** Lays `drawn` out, siblings in the order of their names; with `other` each box has its weights there, too. */
export function layoutFlames(
  drawn: FlameSource,
  other: FlameSource | undefined,
  { mostFrames, leastWidth, mostDepth }: LayoutOptions,
): FlameLayout {
  const tree = buildFlameTree(other ? [drawn, other] : [drawn]);
  const own = tree.weights[0], theirs = tree.weights.at(1);
  const roots = rootWeights(tree, own, drawn), otherRoots = theirs && rootWeights(tree, theirs, drawn);
  const whole = sum(roots), otherWhole = sum(otherRoots ?? []);
  const left = { narrow: noFrames(), deep: noFrames() };
  const limit = periodLimit(own, mostFrames, leastWidth * whole.period);
  const callees = drawnCallees(tree, own, limit, mostDepth, left);
  const frames = joinRuns(tree, callees, drawn.grouping.places);

  const boxes: Box[] = [];
  const add = (box: Omit<Box, "width">) => {
    boxes.push({ ...box, width: box.depth === 0 ? 1 : part(box.total.period, whole) });
  };
  add({
    name: "all",
    object: "",
    kind: "root",
    depth: 0,
    x: 0,
    self: none(),
    total: whole,
    ...(otherRoots && { other: { self: none(), total: otherWhole } }),
  });
  const describe = describer(drawn, tree.place, frames);
  let rows = 1;
  let x = 0;
  for (const { group, name } of groupNames(drawn, roots, roots.length > mostFrames ? limit : -1)) {
    add({
      name,
      object: "",
      kind: "root",
      depth: 1,
      x: part(x, whole),
      self: none(),
      total: roots[group],
      ...(otherRoots && { other: { self: none(), total: otherRoots[group] ?? none() } }),
    });
    rows = Math.max(rows, 2);
    // the stack holds what is still to be placed, the next one last
    const todo = placed(callees.get(-1 - group), own, describe, 2, x);
    x += roots[group].period;
    for (let next = todo.pop(); next; next = todo.pop()) {
      const { node, depth, from, ...described } = next;
      add({
        ...described,
        depth,
        x: part(from, whole),
        self: weightAt(own.selfCount, own.selfPeriod, node),
        total: weightAt(own.count, own.period, node),
        ...(theirs && {
          other: {
            self: weightAt(theirs.selfCount, theirs.selfPeriod, node),
            total: weightAt(theirs.count, theirs.period, node),
          },
        }),
      });
      rows = Math.max(rows, depth + 1);
      for (const callee of placed(callees.get(node), own, describe, depth + 1, from)) todo.push(callee);
    }
  }
  const narrowest = part(Math.max(0, limit), whole);
  return {
    boxes,
    rows,
    whole,
    otherWhole,
    narrowest,
    ...left,
    gone: theirs ? goneWeight(own, theirs) : none(),
  };
}

/** A node with its place in the graph: `from` is the weight to its left. */
interface Placed extends Pick<Box, "name" | "object" | "kind"> {
  node: number;
  depth: number;
  from: number;
}

/** What a node stands for. */
type Describe = (node: number) => Pick<Box, "name" | "object" | "kind">;

/** Siblings side by side from `from` on, the leftmost one last. */
function placed(
  nodes: readonly number[] = [],
  { period }: NodeWeights,
  describe: Describe,
  depth: number,
  from: number,
): Placed[] {
  const siblings = nodes.map((node) => ({ node, depth, from: 0, ...describe(node) }));
  siblings.sort((a, b) => order(a.name, b.name) || order(a.object, b.object));
  for (const sibling of siblings) {
    sibling.from = from;
    from += period[sibling.node];
  }
  return siblings.reverse();
}

/** Not by the reader's locale: two graphs of one program are to look alike everywhere. */
const order = (a: string, b: string) => a < b ? -1 : a > b ? 1 : 0;

function describer(
  { profile, grouping: { places } }: FlameSource,
  placeOf: Int32Array,
  frames: ReadonlyMap<number, number>,
): Describe {
  return (node) => {
    const place = placeOf[node], object = placeObject(profile, places, place);
    const name = placeLabel(profile, places, place, frames.get(node));
    const kind = places.symbol[place] < 0 ? "unresolved" : kindOf(profile.objects[places.object[place]]);
    return { name, object, kind };
  };
}

/**
 * Makes one node of frames without a symbol that are drawn upon each other alone, at the outermost one's: it gets what is
 * above them in `callees`, and their own weights. Returns how many frames there are in each.
 */
function joinRuns(
  { place, weights }: FlameTreeColumns,
  callees: Map<number, number[]>,
  places: AggregationKeys,
): Map<number, number> {
  const frames = new Map<number, number>();
  const end = (node: number): RunFrame => ({
    place: place[node],
    hasSelf: weights.some(({ selfCount }) => selfCount[node] > 0),
  });
  const joined = new Set<number>();
  for (let node = 0; node < place.length; node++) {
    if (places.symbol[place[node]] >= 0 || joined.has(node)) continue;
    let last = node, count = 1;
    for (let above = callees.get(node); above?.length === 1; above = callees.get(last), count++) {
      if (!joinsRun(places, end(last), end(above[0]))) break;
      last = above[0];
      joined.add(last);
      for (const { selfCount, selfPeriod } of weights) {
        selfCount[node] += selfCount[last];
        selfPeriod[node] += selfPeriod[last];
      }
    }
    if (count === 1) continue;
    frames.set(node, count);
    callees.set(node, callees.get(last) ?? []);
  }
  return frames;
}

function kindOf({ kind, name }: ProfileObject): BoxKind {
  if (isKernel(kind)) return "kernel";
  if (kind === "jit") return "jit";
  return kind === "vdso" || /\.so($|\.)/.test(name) ? "library" : "program";
}

/** By group what went through its outermost frames. */
function rootWeights(
  tree: FlameTreeColumns,
  { count, period }: NodeWeights,
  { grouping }: FlameSource,
): Weight[] {
  const weights = Array.from(grouping.groups.example, none);
  tree.parent.forEach((parent, node) => {
    if (parent >= 0) return;
    weights[-1 - parent].count += count[node];
    weights[-1 - parent].period += period[node];
  });
  return weights;
}

/** The groups that have weight, and more than `limit`, in the order of their names. */
function groupNames(
  { profile, grouping: { groups } }: FlameSource,
  roots: readonly Weight[],
  limit: number,
) {
  const names: { group: number; name: string }[] = [];
  roots.forEach(({ count, period }, group) => {
    if (count > 0 && period > limit) names.push({ group, name: groupValues(profile, groups, group).comm });
  });
  return names.sort((a, b) => order(a.name, b.name));
}

/** The period that a frame must exceed to be drawn; -1 when all are. */
function periodLimit({ count, period }: NodeWeights, mostFrames: number, least: number): number {
  const weighty = period.filter((_, node) => count[node] > 0);
  if (weighty.length <= mostFrames) return -1;
  return Math.max(least, weighty.sort()[weighty.length - 1 - mostFrames]);
}

/** What is drawn, by parent; what is not is added up in `left`. */
function drawnCallees(
  { parent }: FlameTreeColumns,
  { count, period, selfCount, selfPeriod }: NodeWeights,
  limit: number,
  mostDepth: number,
  left: Pick<FlameLayout, "narrow" | "deep">,
): Map<number, number[]> {
  const callees = new Map<number, number[]>();
  const depth = new Int32Array(parent.length);
  for (let node = 0; node < parent.length; node++) {
    depth[node] = parent[node] < 0 ? 0 : depth[parent[node]] + 1;
    if (count[node] === 0) continue;
    const why = period[node] <= limit ? "narrow" : depth[node] >= mostDepth ? "deep" : undefined;
    if (why) {
      left[why].frames++;
      left[why].weight.count += selfCount[node];
      left[why].weight.period += selfPeriod[node];
    } else {
      const siblings = callees.get(parent[node]);
      if (siblings) siblings.push(node);
      else callees.set(parent[node], [node]);
    }
  }
  return callees;
}

function goneWeight(own: NodeWeights, theirs: NodeWeights): Weight {
  const gone = none();
  own.count.forEach((count, node) => {
    if (count > 0) return;
    gone.count += theirs.selfCount[node];
    gone.period += theirs.selfPeriod[node];
  });
  return gone;
}

const none = (): Weight => ({ count: 0, period: 0 });
const noFrames = () => ({ frames: 0, weight: none() });
const part = (period: number, whole: Weight) => whole.period > 0 ? period / whole.period : 0;
const weightAt = (count: Float64Array, period: Float64Array, node: number): Weight => ({
  count: count[node],
  period: period[node],
});

function sum(weights: readonly Weight[]): Weight {
  return weights.reduce((all, { count, period }) => ({
    count: all.count + count,
    period: all.period + period,
  }), none());
}
