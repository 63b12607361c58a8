/**
 * Places the boxes of a flame graph: positions, weights and names, but nothing of how they are drawn. The SVG's generator
 * and the HTML page's program both use it.
 */

import type { Weight } from "../../profile/model/profile.ts";
import type { NodeWeights } from "../../profile/query/query.ts";

/** Kinds of boxes, by which they are colored. `root` is all the code, or a command. */
export type BoxKind = "root" | "program" | "library" | "kernel" | "jit" | "offcpu" | "unresolved";

/** Name, object and kind of a box. `object` is "" for roots. */
export interface BoxLabel {
  name: string;
  object: string;
  kind: BoxKind;
  /** Whether the function was inlined into the one below it. */
  inlined?: boolean;
}

/** A tree of calls to lay out: a row is a node, and callers come before what they called. */
export interface CallTree {
  /** Row of the caller; -1 for a command, under which its outermost functions are. */
  parent: Int32Array;
  /** Weights of the drawn profile, and behind them those of the one that it is compared with. */
  weights: readonly [NodeWeights, NodeWeights?];
  /** Describes a node, or several that are drawn as one of which it is the outermost. */
  label(node: number, frames: number): BoxLabel;
  /** Tells whether a node and its only callee are drawn as one. */
  joins(outer: number, inner: number): boolean;
}

/** A box of a flame graph. */
export interface Box extends BoxLabel {
  /** Row of the tree; -1 for the box of everything. */
  node: number;
  /** Row of the graph: 0 for everything, 1 for commands, 2 for their outermost functions. */
  depth: number;
  /** Left edge, as a part of the graph's width. */
  x: number;
  /** Width, as a part of the graph's. */
  width: number;
  self: Weight;
  total: Weight;
  /** Weights of the same path in the other profile, as recorded. */
  other?: { self: Weight; total: Weight };
}

/** Frames that are not drawn, and their self weight. */
export interface HiddenFrames {
  frames: number;
  weight: Weight;
}

/** A flame graph's boxes, and what was left out of it. */
export interface FlameLayout {
  /** Boxes in pre-order: callers before what they called, siblings by name. */
  boxes: Box[];
  /** Boxes on top of each other at the highest point. */
  rows: number;
  /** Weight of the drawn profile. */
  whole: Weight;
  /** Weight of the other profile. */
  otherWhole: Weight;
  /** Measure that widths are in: `count` where no sample has a period. */
  measure: "period" | "count";
  /** Share of the graph's width that a frame has to exceed to be drawn. */
  narrowest: number;
  /** Frames too narrow to be drawn. */
  narrow: HiddenFrames;
  /** Frames too far from the root to be drawn. */
  deep: HiddenFrames;
  /** Self weight that the other profile has in paths missing from the drawn one. */
  gone: Weight;
}

/** Limits to what is drawn. */
export interface FlameLimits {
  /** Number of frames; of more than that the lightest are left out. */
  maxFrames: number;
  /** Share of the graph's width that frames have to exceed when there are more than `maxFrames`. */
  minWidth: number;
  /** Number of frames on top of each other. */
  maxDepth: number;
}

/**
 * Lays a tree out. With `top`, a node, the graph is of that node's callees alone: it and its callers have the whole
 * width, so that what is too narrow in the graph of everything can be seen.
 */
export function layoutFlames(tree: CallTree, limits: FlameLimits, top = -1): FlameLayout {
  const [own, other] = tree.weights;
  const whole = rootWeight(tree, own), otherWhole = other ? rootWeight(tree, other) : none();
  const measure = whole.period > 0 ? "period" : "count";
  const scope = top < 0 ? whole[measure] : own[measure][top];
  const drawn = drawnNodes(tree, { measure, scope, limits, top });
  const boxes = placeBoxes(tree, {
    callees: drawn.callees,
    widths: own[measure],
    scope,
    top,
    whole,
    otherWhole,
  });
  return {
    boxes,
    rows: boxes.reduce((rows, { depth }) => Math.max(rows, depth + 1), 0),
    whole,
    otherWhole,
    measure,
    narrowest: scope > 0 ? Math.max(0, drawn.limit) / scope : 0,
    narrow: drawn.narrow,
    deep: drawn.deep,
    gone: other ? goneWeight(own, other) : none(),
  };
}

/** Nodes that are drawn. */
interface DrawnNodes {
  /** Drawn callees by caller; those of -1 are the commands. */
  callees: Map<number, number[]>;
  /** Weight that a frame has to exceed to be drawn; -1 when all are. */
  limit: number;
  narrow: HiddenFrames;
  deep: HiddenFrames;
}

/** Node that a graph is of, its weight, and what limits the graph. */
interface Scope {
  measure: "period" | "count";
  scope: number;
  limits: FlameLimits;
  top: number;
}

/** Chooses the nodes to draw, and adds up the rest. */
function drawnNodes(tree: CallTree, { measure, scope, limits, top }: Scope): DrawnNodes {
  const { parent, weights: [own] } = tree;
  const { count, selfCount, selfPeriod } = own, weight = own[measure];
  const depth = depthsBelow(parent, count, top);
  const { limit, commandLimit } = weightLimits(depth, weight, scope, limits);
  const callees = new Map<number, number[]>();
  const narrow = noFrames(), deep = noFrames();
  for (let node = 0; node < parent.length; node++) {
    if (depth[node] < 0) continue;
    const isNarrow = weight[node] <= (depth[node] === 0 ? commandLimit : limit);
    if (!isNarrow && depth[node] <= limits.maxDepth) addCallee(callees, parent[node], node);
    else if (depth[node] > 0) {
      const hidden = isNarrow ? narrow : deep;
      hidden.frames++;
      hidden.weight.count += selfCount[node];
      hidden.weight.period += selfPeriod[node];
    }
  }
  return { callees, limit, narrow, deep };
}

/** Returns the depth of each node: 0 for commands, or for `top`; -1 for nodes that are not above it or have no samples. */
function depthsBelow(parent: Int32Array, count: Float64Array, top: number): Int32Array {
  const depth = new Int32Array(parent.length);
  for (let node = 0; node < parent.length; node++) {
    const caller = parent[node];
    if (count[node] === 0) depth[node] = -1;
    else if (node === top || (caller < 0 && top < 0)) depth[node] = 0;
    else depth[node] = caller < 0 || depth[caller] < 0 ? -1 : depth[caller] + 1;
  }
  return depth;
}

/** Returns the weights that frames, and commands, have to exceed to be drawn; -1 where all are. */
function weightLimits(
  depth: Int32Array,
  weight: Float64Array,
  scope: number,
  { maxFrames, minWidth }: FlameLimits,
): { limit: number; commandLimit: number } {
  const least = minWidth * scope;
  let frames = 0, commands = 0, wide = 0;
  for (let node = 0; node < depth.length; node++) {
    if (depth[node] === 0) commands++;
    else if (depth[node] > 0) {
      frames++;
      if (weight[node] > least) wide++;
    }
  }
  if (frames <= maxFrames) return { limit: -1, commandLimit: -1 };
  let limit = least;
  if (wide > maxFrames) {
    const sorted = weight.filter((one, node) => depth[node] > 0 && one > least).sort();
    limit = sorted[wide - 1 - maxFrames];
  }
  return { limit, commandLimit: commands > maxFrames ? limit : -1 };
}

function addCallee(callees: Map<number, number[]>, caller: number, callee: number): void {
  const siblings = callees.get(caller);
  if (siblings) siblings.push(callee);
  else callees.set(caller, [callee]);
}

/** Nodes to draw, and the weights that their widths are shares of. */
interface Placement {
  callees: ReadonlyMap<number, readonly number[]>;
  widths: Float64Array;
  scope: number;
  top: number;
  whole: Weight;
  otherWhole: Weight;
}

/** Places what is drawn, callers first. */
function placeBoxes(tree: CallTree, placement: Placement): Box[] {
  const { callees, widths, scope, top, whole, otherWhole } = placement;
  const share = (weight: number) => scope > 0 ? weight / scope : 0;
  const compared = tree.weights[1] !== undefined;
  const boxes: Box[] = [{
    node: -1,
    name: "all",
    object: "",
    kind: "root",
    depth: 0,
    x: 0,
    width: 1,
    self: none(),
    total: whole,
    ...(compared && { other: { self: none(), total: otherWhole } }),
  }];
  const callers = callersOf(tree, top);
  for (const node of callers) {
    boxes.push(boxOf(tree, { ...runFrom(tree, callees, node, 1), depth: boxes.length, x: 0, width: 1 }));
  }
  // the stack holds what is still to be placed, the next one last
  const start = { callees: top < 0 ? callees.get(-1) : [top], depth: boxes.length, from: 0 };
  const todo = placeSiblings(tree, callees, widths, start);
  for (let next = todo.pop(); next; next = todo.pop()) {
    const { from, depth, node, last } = next;
    boxes.push(boxOf(tree, { ...next, x: share(from), width: share(widths[node]) }));
    const above = placeSiblings(tree, callees, widths, {
      callees: callees.get(last),
      depth: depth + 1,
      from,
    });
    for (const callee of above) todo.push(callee);
  }
  return boxes;
}

/** Lists the nodes between the box of everything and `top`, outermost first. */
function callersOf({ parent }: CallTree, top: number): number[] {
  const callers: number[] = [];
  for (let node = top < 0 ? -1 : parent[top]; node >= 0; node = parent[node]) callers.push(node);
  return callers.reverse();
}

/** Nodes without a symbol that are drawn as one box: from the outermost, `node`, to `last`. */
interface Run {
  node: number;
  last: number;
  label: BoxLabel;
}

/** Finds the run that starts at a node, of at most `max` frames; most are of one. */
function runFrom(
  tree: CallTree,
  callees: ReadonlyMap<number, readonly number[]>,
  node: number,
  max = Infinity,
): Run {
  let last = node, frames = 1;
  for (; frames < max; frames++) {
    const above = callees.get(last);
    if (above?.length !== 1 || !tree.joins(last, above[0])) break;
    last = above[0];
  }
  return { node, last, label: tree.label(node, frames) };
}

/** A run with its place in the graph: `from` is the weight to its left. */
interface PlacedRun extends Run {
  depth: number;
  from: number;
}

/** Places siblings side by side from `from` on, by name; returns them with the leftmost one last. */
function placeSiblings(
  tree: CallTree,
  callees: ReadonlyMap<number, readonly number[]>,
  widths: Float64Array,
  { callees: nodes = [], depth, from }: { callees?: readonly number[]; depth: number; from: number },
): PlacedRun[] {
  const siblings = nodes.map((node) => ({ ...runFrom(tree, callees, node), depth, from: 0 }));
  if (siblings.length > 1) {
    siblings.sort((a, b) => order(a.label.name, b.label.name) || order(a.label.object, b.label.object));
  }
  for (const sibling of siblings) {
    sibling.from = from;
    from += widths[sibling.node];
  }
  return siblings.reverse();
}

/** Compares by code units, not by the reader's locale: graphs of one program look alike everywhere. */
const order = (a: string, b: string) => a < b ? -1 : a > b ? 1 : 0;

/** Makes the box of a run. A command has no self weight: it is no code. */
function boxOf(
  tree: CallTree,
  { node, last, label, depth, x, width }: Run & Pick<Box, "depth" | "x" | "width">,
): Box {
  const [own, other] = tree.weights;
  const weights = (of: NodeWeights) => ({
    self: label.kind === "root" ? none() : selfWeight(tree.parent, of, node, last),
    total: { count: of.count[node], period: of.period[node] },
  });
  return { node, ...label, depth, x, width, ...weights(own), ...(other && { other: weights(other) }) };
}

/** Adds up the self weights of a run. */
function selfWeight(parent: Int32Array, of: NodeWeights, node: number, last: number): Weight {
  const sum = none();
  for (let each = last;; each = parent[each]) {
    sum.count += of.selfCount[each];
    sum.period += of.selfPeriod[each];
    if (each === node) return sum;
  }
}

/** Adds up the weights of the commands. */
function rootWeight({ parent }: CallTree, { count, period }: NodeWeights): Weight {
  const sum = none();
  for (let node = 0; node < parent.length; node++) {
    if (parent[node] >= 0) continue;
    sum.count += count[node];
    sum.period += period[node];
  }
  return sum;
}

function goneWeight(own: NodeWeights, other: NodeWeights): Weight {
  const gone = none();
  own.count.forEach((count, node) => {
    if (count > 0) return;
    gone.count += other.selfCount[node];
    gone.period += other.selfPeriod[node];
  });
  return gone;
}

const none = (): Weight => ({ count: 0, period: 0 });
const noFrames = (): HiddenFrames => ({ frames: 0, weight: none() });
