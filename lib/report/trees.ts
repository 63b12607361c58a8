/** Trees of calls drawn as text: who called a row, and what was called from the roots down. */

import { dim } from "@std/fmt/colors";
import type { CallerNode } from "../profile/caller_trees.ts";
import type { CallNode, GroupTree } from "../profile/call_tree.ts";
import { placeLabel, placeObject, type Places } from "../profile/places.ts";
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

/**
 * The callers of a row: a chain of only callers goes straight down, a fork is drawn as a branch with
 * its share of the whole. `above` is the weight that came into this level.
 */
export function callerLines(
  drawing: Drawing,
  level: CallerNode[],
  above: number,
  indent: string,
  depth = 0,
): string[] {
  const { profile, places, whole, width } = drawing;
  const lines: string[] = [];
  // a single caller that everything came from needs no branch and no number of its own
  while (level.length === 1 && level[0].period === above) {
    lines.push(fit(`${indent}${placeLabel(profile, places, level[0].place)}`, width));
    level = level[0].callers;
  }
  if (level.length && depth >= MOST_DEPTH) return [...lines, `${indent}(deeper forks are not drawn)`];
  level.forEach((node, i) => {
    const last = i === level.length - 1;
    const label = `${percent(node.period, whole).trim()} ${placeLabel(profile, places, node.place)}`;
    lines.push(fit(`${indent}${last ? "└─ " : "├─ "}${label}`, width));
    for (
      const line of callerLines(
        drawing,
        node.callers,
        node.period,
        indent + (last ? "   " : "│  "),
        depth + 1,
      )
    ) {
      lines.push(line);
    }
  });
  return lines;
}

/** The title above what `callLines` gives. */
export const CALL_TITLE = "   Total     Self  Samples  Calls";

/**
 * The call trees of groups, each under its label (none when that is ""): total, self and samples of the place
 * itself at the left, the tree at the right. What alone was called (of what is heavy enough to be here) stands
 * straight below its caller; a fork is a branch each. The object is named where it changes.
 */
export function callLines(drawing: Drawing, trees: GroupTree[], label: (group: number) => string): string[] {
  return trees.flatMap(({ group, total, roots }) => {
    const name = label(group);
    if (name === "") return nodeLines(drawing, roots, "", "", 0);
    const top = numbered(drawing, total.period, { count: 0, period: 0 }, name, "");
    return [top, ...nodeLines(drawing, roots, "  ", "", 0)];
  });
}

function nodeLines(
  drawing: Drawing,
  level: CallNode[],
  indent: string,
  object: string,
  depth: number,
): string[] {
  const { profile, places } = drawing;
  const lines: string[] = [];
  const line = (node: CallNode, before: string, object: string) => {
    const own = placeObject(profile, places, node.place);
    const name = placeLabel(profile, places, node.place);
    lines.push(numbered(drawing, node.total.period, node.self, before + name, own === object ? "" : own));
    return own;
  };
  while (level.length === 1) {
    object = line(level[0], indent, object);
    level = level[0].callees;
  }
  if (level.length && depth >= MOST_DEPTH) {
    return [...lines, `${" ".repeat(28)}${indent}(deeper forks are not drawn)`];
  }
  level.forEach((node, i) => {
    const last = i === level.length - 1;
    const own = line(node, `${indent}${last ? "└─ " : "├─ "}`, object);
    const below = indent + (last ? "   " : "│  ");
    for (const each of nodeLines(drawing, node.callees, below, own, depth + 1)) {
      lines.push(each);
    }
  });
  return lines;
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
