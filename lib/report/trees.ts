/** Trees of calls drawn as text: who called a row, and what was called from the roots down. */

import { dim } from "@std/fmt/colors";
import type { Weight } from "../profile/aggregate.ts";
import type { CallerNode } from "../profile/caller_trees.ts";
import type { CallNode, GroupTree } from "../profile/call_tree.ts";
import { joinsRun, placeLabel, placeObject, type Places } from "../profile/places.ts";
import type { Profile } from "../profile/profile.ts";
import { fit, heat, percent } from "./columns.ts";

/** Forks nested deeper than this are not drawn, and a line says so: they would leave the page. */
const MOST_DEPTH = 128;

/** What a tree is drawn of, and how. */
export interface Drawing {
  profile: Profile;
  places: Places;
  /** The period that shares are shares of. */
  whole: number;
  width: number;
  color: boolean;
}

/** Siblings of a tree that is being drawn, of which those before `next` are there. */
interface Level<T> {
  nodes: readonly T[];
  next: number;
  indent: string;
  /** The object of what is above them. */
  object: string;
}

/**
 * The callers of a row: a chain of only callers goes straight down, a fork is drawn as a branch with
 * its share of the whole. `above` is the weight that came into this level.
 */
export function* callerLines(
  { profile, places, whole, width }: Drawing,
  callers: readonly CallerNode[],
  above: number,
  indent: string,
): Generator<string> {
  const open: Level<CallerNode>[] = [];
  for (let nodes = callers;;) {
    // a single caller that everything came from needs no branch and no number of its own
    while (nodes.length === 1 && nodes[0].period === above) {
      const { last, frames } = callerRun(places, nodes[0]);
      yield fit(`${indent}${placeLabel(profile, places, nodes[0].place, frames)}`, width);
      nodes = last.callers;
    }
    if (nodes.length > 0) {
      if (open.length < MOST_DEPTH) open.push({ nodes, next: 0, indent, object: "" });
      else yield `${indent}(deeper forks are not drawn)`;
    }
    const level = unfinished(open);
    if (level === undefined) return;
    const node = level.nodes[level.next++], last = level.next === level.nodes.length;
    const { last: outermost, frames } = callerRun(places, node);
    const label = `${percent(node.period, whole).trim()} ${placeLabel(profile, places, node.place, frames)}`;
    yield fit(`${level.indent}${last ? "└─ " : "├─ "}${label}`, width);
    indent = level.indent + (last ? "   " : "│  ");
    nodes = outermost.callers;
    above = node.period;
  }
}

/** The callers from `node` outwards that are shown as one: everything came through all of them. */
function callerRun(places: Places, node: CallerNode): { last: CallerNode; frames: number } {
  let last = node, frames = 1;
  for (; last.callers.length === 1 && last.callers[0].period === last.period; frames++) {
    const [next] = last.callers;
    if (!joinsRun(places, { place: next.place, hasSelf: false }, { place: last.place, hasSelf: false })) {
      break;
    }
    last = next;
  }
  return { last, frames };
}

/** The innermost level with siblings that are still to be drawn. */
function unfinished<T>(open: Level<T>[]): Level<T> | undefined {
  while (open.length > 0 && open[open.length - 1].next === open[open.length - 1].nodes.length) open.pop();
  return open.at(-1);
}

/** The title above what `callLines` gives. */
export const CALL_TITLE = "   Total     Self  Samples  Calls";

/**
 * The call trees of groups, each under its label (none when that is ""): total, self and samples of the place
 * itself at the left, the tree at the right. What alone was called (of what is heavy enough to be here) stands
 * straight below its caller; a fork is a branch each. The object is named where it changes.
 */
export function* callLines(
  drawing: Drawing,
  trees: readonly GroupTree[],
  label: (group: number) => string,
): Generator<string> {
  for (const { group, total, roots } of trees) {
    const name = label(group);
    if (name !== "") yield numbered(drawing, total.period, { count: 0, period: 0 }, name, "");
    yield* nodeLines(drawing, roots, name === "" ? "" : "  ");
  }
}

function* nodeLines(drawing: Drawing, roots: readonly CallNode[], indent: string): Generator<string> {
  const { profile, places } = drawing;
  const open: Level<CallNode>[] = [];
  let object = "";
  const line = (node: CallNode, { frames, self }: CallRun, before: string) => {
    const own = placeObject(profile, places, node.place), changed = own === object ? "" : own;
    object = own;
    const name = placeLabel(profile, places, node.place, frames);
    return numbered(drawing, node.total.period, self, before + name, changed);
  };
  for (let nodes = roots;;) {
    while (nodes.length === 1) {
      const run = callRun(places, nodes[0]);
      yield line(nodes[0], run, indent);
      nodes = run.last.callees;
    }
    if (nodes.length > 0) {
      if (open.length < MOST_DEPTH) open.push({ nodes, next: 0, indent, object });
      else yield `${" ".repeat(28)}${indent}(deeper forks are not drawn)`;
    }
    const level = unfinished(open);
    if (level === undefined) return;
    const node = level.nodes[level.next++], last = level.next === level.nodes.length;
    object = level.object;
    const run = callRun(places, node);
    yield line(node, run, `${level.indent}${last ? "└─ " : "├─ "}`);
    indent = level.indent + (last ? "   " : "│  ");
    nodes = run.last.callees;
  }
}

/** Frames that are shown as one, from the outermost to `last`, and the samples taken in them. */
interface CallRun {
  last: CallNode;
  frames: number;
  self: Weight;
}

/** The calls from `node` inwards that are shown as one. */
function callRun(places: Places, node: CallNode): CallRun {
  let last = node, frames = 1;
  const self = { ...node.self };
  const end = ({ place, self }: CallNode) => ({ place, hasSelf: self.count > 0 });
  for (; last.callees.length === 1; frames++) {
    const [next] = last.callees;
    if (!joinsRun(places, end(last), end(next))) break;
    self.count += next.self.count;
    self.period += next.self.period;
    last = next;
  }
  return { last, frames, self };
}

/** A line of a call tree; the object, where one is to be said, dimmed behind the name. */
function numbered(
  { whole, width, color }: Drawing,
  total: number,
  self: { count: number; period: number },
  text: string,
  object: string,
): string {
  const numbers = `${percent(total, whole)} ${percent(self.period, whole)} ${
    String(self.count).padStart(8)
  }  `;
  const named = fit(numbers + text, width);
  const line = color ? heat(named, whole > 0 ? 100 * total / whole : 0) : named;
  if (object === "" || named.length + 2 + object.length > width) return line;
  return `${line}  ${color ? dim(object) : object}`;
}
