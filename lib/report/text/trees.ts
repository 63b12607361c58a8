/** Draws trees of calls as text: a row's callers, or what the roots called. */

import { dim } from "@std/fmt/colors";
import type { Weight } from "../../profile/model/profile.ts";
import type { CallerNode, CallNode, GroupTree, SampleCounts } from "../../profile/query/query.ts";
import { displayWidth, fit } from "../../base/text/width.ts";
import { colorByHeat, inlinedMark, percentText } from "../shared/columns.ts";
import { foldName } from "../shared/fold_name.ts";
import { joinsRun, runLabel } from "../shared/frame_runs.ts";

/** Maximum depth of forks. Deeper ones are replaced by a note, since they would not fit on a page. */
const MAX_DEPTH = 128;

/** Subject and style of a tree. */
export interface TreeStyle {
  counts: SampleCounts;
  /** Period that shares refer to. */
  whole: number;
  /** Column that names are folded to end at, if there is some room; Infinity keeps them whole. */
  width: number;
  color: boolean;
}

/** Siblings being drawn. Those before `next` are done. */
interface Level<T> {
  nodes: readonly T[];
  next: number;
  indent: string;
  /** Object of the node above them. */
  object: string;
}

/**
 * Yields the callers of a row. A chain of only callers goes straight down; a fork has a branch for each, with its
 * share of the whole. `above` is the weight that came into this level.
 */
export function* callerLines(
  drawing: TreeStyle,
  callers: readonly CallerNode[],
  above: number,
  indent: string,
): Generator<string> {
  const { counts: { places }, whole } = drawing;
  const open: Level<CallerNode>[] = [];
  for (let nodes = callers;;) {
    // A single caller with all of the weight needs neither a branch nor a number.
    while (nodes.length === 1 && nodes[0].period === above) {
      const { last, frames } = callerRun(places, nodes[0]);
      yield named(drawing, indent, nodes[0].place, frames);
      nodes = last.callers;
    }
    if (nodes.length > 0) {
      if (open.length < MAX_DEPTH) open.push({ nodes, next: 0, indent, object: "" });
      else yield `${indent}(deeper forks are not drawn)`;
    }
    const level = unfinished(open);
    if (level === undefined) return;
    const node = level.nodes[level.next++], last = level.next === level.nodes.length;
    const { last: outermost, frames } = callerRun(places, node);
    const share = percentText(node.period, whole).trim();
    yield named(drawing, `${level.indent}${last ? "└─ " : "├─ "}${share} `, node.place, frames);
    indent = level.indent + (last ? "   " : "│  ");
    nodes = outermost.callers;
    above = node.period;
  }
}

/**
 * Returns the run of callers from `node` outwards that is drawn as one, since everything came through all of them.
 */
function callerRun(places: SampleCounts["places"], node: CallerNode): { last: CallerNode; frames: number } {
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

/** Minimum width that names are folded to, in columns: deep trees become wider than a terminal. */
const MIN_NAME_WIDTH = 24;

/** Returns a place's name behind `before`, folded to fit; with its line, if lines tell places apart. */
function named({ counts, width }: TreeStyle, before: string, place: number, frames: number): string {
  if (frames > 1) return before + runLabel(counts, place, frames);
  const line = counts.places.line ? ` ${counts.lineOf(place)}` : "";
  const after = inlinedMark(counts, place) + line;
  const room = Math.max(MIN_NAME_WIDTH, width - displayWidth(before) - displayWidth(after));
  const name = foldName(counts.nameOf(place), room);
  return `${before}${after === "" ? name : fit(name, room)}${after}`;
}

/** Returns the innermost level with siblings left to draw. */
function unfinished<T>(open: Level<T>[]): Level<T> | undefined {
  while (open.length > 0 && open[open.length - 1].next === open[open.length - 1].nodes.length) open.pop();
  return open.at(-1);
}

/** Title above the lines of `callLines`. */
export const CALL_TITLE = "   Total     Self  Samples  Calls";

/**
 * Yields the call trees of groups, each below its label (if not ""): total, self and samples of the place on the
 * left, the tree on the right. An only callee stands straight below its caller; a fork has a branch for each. An
 * object is named where it changes.
 */
export function* callLines(
  drawing: TreeStyle,
  trees: readonly GroupTree[],
  label: (group: number) => string,
): Generator<string> {
  for (const { group, total, roots } of trees) {
    const name = label(group);
    const nothing = { count: 0, period: 0 };
    if (name !== "") {
      yield numbered(drawing, total.period, numbers(drawing, total.period, nothing) + name, "");
    }
    yield* nodeLines(drawing, roots, name === "" ? "" : "  ");
  }
}

function* nodeLines(drawing: TreeStyle, roots: readonly CallNode[], indent: string): Generator<string> {
  const { counts } = drawing, { places } = counts;
  const open: Level<CallNode>[] = [];
  let object = "";
  const line = (node: CallNode, { frames, self }: CallRun, before: string) => {
    const own = counts.objectOf(node.place), changed = own === object ? "" : own;
    object = own;
    const figures = numbers(drawing, node.total.period, self);
    const text = named(drawing, figures + before, node.place, frames);
    return numbered(drawing, node.total.period, text, changed);
  };
  for (let nodes = roots;;) {
    while (nodes.length === 1) {
      const run = callRun(places, nodes[0]);
      yield line(nodes[0], run, indent);
      nodes = run.last.callees;
    }
    if (nodes.length > 0) {
      if (open.length < MAX_DEPTH) open.push({ nodes, next: 0, indent, object });
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

/** Frames drawn as one, from the outermost to `last`, and the samples taken in them. */
interface CallRun {
  last: CallNode;
  frames: number;
  self: Weight;
}

/** Returns the run of calls from `node` inwards that is drawn as one. */
function callRun(places: SampleCounts["places"], node: CallNode): CallRun {
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

/** Formats the numbers at the start of a line of a call tree. */
function numbers({ whole }: TreeStyle, total: number, self: Weight): string {
  return `${percentText(total, whole)} ${percentText(self.period, whole)} ${
    String(self.count).padStart(8)
  }  `;
}

/** Formats a line of a call tree. The object follows, dimmed, where it is to be named and fits. */
function numbered({ whole, width, color }: TreeStyle, total: number, named: string, object: string): string {
  const line = color ? colorByHeat(named, whole > 0 ? 100 * total / whole : 0) : named;
  if (object === "" || displayWidth(named) + 2 + displayWidth(object) > width) return line;
  return `${line}  ${color ? dim(object) : object}`;
}
