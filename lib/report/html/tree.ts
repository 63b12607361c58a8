/** The tree that the page's flame graph draws. */

import type { StackWeights } from "./select.ts";
import { COMMAND, type PageTables } from "./tables.ts";

/** A node as d3-flame-graph wants them: its `value` includes those of its children. */
export interface FlameNode {
  name: string;
  value: number;
  children: FlameNode[];
  /** Row of `places`; -1 for the root. */
  place: number;
  count: number;
  selfCount: number;
}

export interface PageTree {
  root: FlameNode;
  /** Stacks that are too light, or too deep, to be drawn. */
  left: number;
}

/** No more nodes than this, the lightest left out: the browser lays all of them out at each step. */
const MAX_NODES = 20_000;
/** What weighs less than this share is thinner than a line, zoomed in tenfold. */
const MIN_SHARE = 1 / 20_000;
/** d3-flame-graph walks trees by recursion. */
const MAX_DEPTH = 1500;

/** The name to show for a place. */
export function nameOf({ places, names }: PageTables, place: number): string {
  return names[places.name[place]];
}

/** The tree of `weights`, children by name, so that what is drawn stays in its place while weights change. */
export function pageTree(tables: PageTables, weights: StackWeights): PageTree {
  const { parent, place } = tables.stacks;
  // an event may weigh nothing; then samples are what there is to draw
  const byPeriod = weights.whole.period > 0;
  const weight = byPeriod ? weights.period : weights.count;
  const whole = byPeriod ? weights.whole.period : weights.whole.count;
  const depth = new Int32Array(parent.length);
  const candidates: number[] = [];
  let present = 0;
  for (let stack = 0; stack < parent.length; stack++) {
    depth[stack] = parent[stack] < 0 ? 1 : depth[parent[stack]] + 1;
    if (weights.count[stack] === 0) continue;
    present++;
    if (weight[stack] >= whole * MIN_SHARE && depth[stack] <= MAX_DEPTH) {
      candidates.push(stack);
    }
  }
  const limit = limitOf(candidates.map((stack) => weight[stack]));
  const root: FlameNode = {
    name: "all",
    value: whole,
    children: [],
    place: -1,
    count: weights.whole.count,
    selfCount: 0,
  };
  const nodes = new Map<number, FlameNode>();
  for (const stack of candidates) {
    if (weight[stack] <= limit) continue; // and so are all that it called
    const node: FlameNode = {
      name: nameOf(tables, place[stack]),
      value: weight[stack],
      children: [],
      place: place[stack],
      count: weights.count[stack],
      selfCount: weights.selfCount[stack],
    };
    const above = parent[stack] < 0 ? root : nodes.get(parent[stack])!;
    above.children.push(node);
    nodes.set(stack, node);
  }
  for (const { children } of [root, ...nodes.values()]) {
    children.sort((a, b) => a.name < b.name ? -1 : a.name > b.name ? 1 : 0);
  }
  for (const node of nodes.values()) joinRun(tables, node);
  return { root, left: present - nodes.size };
}

/**
 * Makes one node of frames without a symbol that are drawn upon each other alone; functions with samples of their own
 * stay. As joinsRun() has it, which knows more tables than the page has.
 */
function joinRun({ places, objects }: PageTables, node: FlameNode): void {
  const { name, named, object, kernel } = places;
  let last = node, frames = 1;
  for (; last.children.length === 1; frames++) {
    const [above] = last.children;
    const [p, q] = [last.place, above.place];
    if (named[p] || named[q] || object[p] !== object[q] || kernel[p] !== kernel[q]) break;
    if (name[p] !== name[q] && (last.selfCount > 0 || above.selfCount > 0)) break;
    last = above;
  }
  if (frames === 1) return;
  for (let each = node; each !== last;) {
    [each] = each.children;
    node.selfCount += each.selfCount;
  }
  node.name = `${object[node.place] < 0 ? "[unknown]" : objects[object[node.place]].name} (${frames} frames)`;
  node.children = last.children;
}

/** At most MAX_NODES weigh more than this. */
function limitOf(weights: number[]): number {
  if (weights.length <= MAX_NODES) return 0;
  const sorted = Float64Array.from(weights).sort();
  return sorted[sorted.length - MAX_NODES - 1];
}

/** What kind of code a place is, for its colour. */
export function colourKind(tables: PageTables, place: number): string {
  if (place < 0) return "root";
  const object = tables.places.object[place];
  if (object === COMMAND) return "command";
  if (tables.places.kernel[place]) return "kernel";
  if (!tables.places.named[place]) return "unresolved";
  const kind = object < 0 ? "unknown" : tables.objects[object].kind;
  if (kind === "jit" || kind === "anon") return "jit";
  if (kind === "unknown") return "unresolved";
  return /\.so(\.|$)/.test(tables.objects[object].name) || kind === "vdso" ? "library" : "program";
}
