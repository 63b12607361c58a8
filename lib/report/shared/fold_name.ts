/**
 * Shortens names of C++, Rust and Go to fit a column: replaces the content of brackets by …, innermost first, and no more
 * than necessary.
 *
 *     std::map<int, std::vector<int, std::allocator<int>>>::at(int const&)     whole
 *     std::map<int, std::vector<…>>::at(int const&)                            35 columns
 *     std::map<…>::at(int const&)                                              27 columns
 *     …::at(…)                                                                 10 columns
 */

import { CLOSING, OPERATOR } from "../../base/text/brackets.ts";
import { displayWidth } from "../../base/text/width.ts";

/** Pair of brackets in a name. */
interface Group {
  /** Positions of the brackets: their content is between start and end, exclusive. */
  start: number;
  end: number;
  parent: Group | undefined;
  /** Number of pairs around it. */
  depth: number;
  /** Whether its content may be left out: arguments of a template or a function, or an expression. */
  foldable: boolean;
  folded: boolean;
  /**
   * Characters saved by leaving out content inside it, minus those of the `…` in its place; and how many of them its
   * own `…` saves.
   */
  saved: number;
  own: number;
}

/** Longest name that is folded, in characters. Longer ones are cut. */
const MAX_LETTERS = 1 << 16;
/** Text before the arguments of a function, or before an expression. */
const BEFORE_ARGUMENTS = /[\w$>}\])'~@\u0080-\uffff]$|\b(?:decltype|sizeof|alignof|noexcept|requires) $/;
/** Text before a function that a compiler generated code for: `{virtual override thunk(…)}`. */
const MADE_FOR = /\{(?!lambda)[a-z][a-z -]*$/;
/** Content of brackets that are part of a name. */
const PART_OF_NAME = /^(?:anonymous namespace|\*|&|\w+::\*)\)/;

/** Returns `name` in at most `width` columns if folding can achieve that, else as short as possible. */
export function foldName(name: string, width: number): string {
  const wide = displayWidth(name);
  if (wide <= width || name.length > MAX_LETTERS) return name;
  const groups = groupsOf(name);
  // The type and trait of `<T as Trait>::f` say more than any arguments.
  const self = name[0] === "<" && groups[0]?.start === 0 ? groups[0] : undefined;
  if (self) self.foldable = false;
  let over = wide - width;
  for (const level of levelsOf(groups).reverse()) {
    for (const group of level.toSorted((a, b) => shownLength(b) - shownLength(a))) {
      const less = shownLength(group) - 1;
      if (over <= 0 || !group.foldable || less <= 0) continue;
      group.folded = true;
      group.own = less;
      group.saved += less;
      over -= less;
    }
    for (const group of level) if (group.parent) group.parent.saved += group.saved;
  }
  unfold(groups, -over);
  const folded = foldedText(name, groups);
  if (!self || over <= 0) return withoutScopes(folded, width);
  const end = groupsOf(folded)[0].end;
  const short = folded.slice(0, end).replace(/(?:[\w$]+::)+(?=[\w$])/g, "…::") + folded.slice(end);
  return displayWidth(short) <= width ? short : withoutScopes(`<…${folded.slice(end)}`, width);
}

/** Unfolds what fits into `room` characters: folding an outer pair may have made room for inner ones. */
function unfold(groups: readonly Group[], room: number): void {
  let end = -1;
  const seen = groups.filter((group) => {
    if (!group.folded || group.start < end) return false;
    end = group.end;
    return true;
  });
  for (const group of seen.sort((a, b) => a.own - b.own)) {
    if (group.own > room) return;
    group.folded = false;
    room -= group.own;
  }
}

/** Returns the groups by depth. */
function levelsOf(groups: readonly Group[]): Group[][] {
  const levels: Group[][] = [];
  for (const group of groups) (levels[group.depth] ??= []).push(group);
  return levels;
}

/** Returns the number of characters shown between the brackets of a group. */
function shownLength({ start, end, saved }: Group): number {
  return end - start - 1 - saved;
}

/** Returns the closed pairs of brackets in a name, in order of their starts. */
function groupsOf(name: string): Group[] {
  const open: { start: number; foldable: boolean }[] = [];
  const pairs: { start: number; end: number; foldable: boolean }[] = [];
  let afterOperator = 0;
  for (let at = 0; at < name.length;) {
    const letter = name[at];
    OPERATOR.lastIndex = at;
    if (letter === "o" && OPERATOR.test(name)) {
      at = afterOperator = OPERATOR.lastIndex;
      continue;
    }
    if (letter === "-" && name[at + 1] === ">") {
      at += 2;
      continue;
    }
    if (letter in CLOSING) {
      const foldable = isFoldable(name, at, afterOperator);
      if (foldable !== undefined) open.push({ start: at, foldable });
    } else if (open.length > 0 && letter === CLOSING[name[open[open.length - 1].start]]) {
      pairs.push({ ...open.pop()!, end: at });
    }
    at++;
  }
  return nested(pairs.sort((a, b) => a.start - b.start));
}

/** Tells whether the content of the bracket at `at` may be left out; undefined if it is a less-than sign. */
function isFoldable(name: string, at: number, afterOperator: number): boolean | undefined {
  const before = name.slice(Math.max(0, at - 40), at);
  const follows = at > 0 && at === afterOperator;
  switch (name[at]) {
    case "<":
      // `(a)<(b)` and `a < b` compare; `operator< <int>` and `operator()<int>` have arguments.
      if (
        !follows && !/\boperator[^\w]{1,4}$/.test(before) && /\)$| $/.test(before) && !isRustImpl(name, at)
      ) {
        return undefined;
      }
      return true;
    case "(":
      if (PART_OF_NAME.test(name.slice(at + 1, at + 40)) || MADE_FOR.test(before)) return false;
      return follows || BEFORE_ARGUMENTS.test(before);
    case "[":
      return /[\w]$/.test(before) && !name.startsWith("[abi:", at);
    default:
      return false;
  }
}

/** Tells whether `<T as Trait>` starts at `at`. It may follow a blank: `impl Fn for <T as Trait>::Out`. */
function isRustImpl(name: string, at: number): boolean {
  return name[at + 1] !== " " && name[at - 1] !== ")";
}

/** Sets the parent and depth of each pair. Unclosed brackets have none. */
function nested(pairs: readonly { start: number; end: number; foldable: boolean }[]): Group[] {
  const groups: Group[] = [];
  let parent: Group | undefined;
  for (const pair of pairs) {
    while (parent && parent.end < pair.start) parent = parent.parent;
    parent = { ...pair, parent, depth: parent ? parent.depth + 1 : 0, folded: false, saved: 0, own: 0 };
    groups.push(parent);
  }
  return groups;
}

function foldedText(name: string, groups: readonly Group[]): string {
  let text = "", at = 0;
  for (const { start, end, folded } of groups) {
    if (!folded || start < at) continue;
    text += name.slice(at, start + 1) + "…";
    at = end;
  }
  return text + name.slice(at);
}

/** Removes the return type from a folded name, then its outer scopes, until it fits. */
function withoutScopes(name: string, width: number): string {
  if (displayWidth(name) <= width) return name;
  const ends = scopeEnds(name);
  if (ends.length === 0) return name;
  const short = (end: number) => `…${name.slice(ends[end])}`;
  // Finds the first that fits, else the last: each is shorter than the one before.
  let low = 0, high = ends.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (displayWidth(short(middle)) <= width) high = middle;
    else low = middle + 1;
  }
  return short(low);
}

/**
 * Returns where the return type and the outer scopes of a name end: before each `::` outside of brackets, and at each
 * blank. Names made by JIT compilers have blanks that end no type.
 */
function scopeEnds(name: string): number[] {
  const groups = groupsOf(name);
  const ends: number[] = [];
  const ofBrackets = new Map(groups.map((group) => [group.start, group]));
  let blanks = 0;
  for (let at = 0; at < name.length; at++) {
    const group = ofBrackets.get(at);
    if (group) {
      // Qualifiers follow the arguments: ` const`, ` [clone .cold]`.
      if (isArguments(name, group)) return ends;
      at = group.end;
    } else if (name[at] === "o" && /^operator\b/.test(name.slice(at, at + 9))) {
      return ends;
    } else if (name[at] === " ") {
      blanks++;
      if (/[\w<({$~]/.test(name[at + 1] ?? "") && !/\bdecltype$/.test(name.slice(Math.max(0, at - 9), at))) {
        ends.push(at);
      }
    } else if (at > 0 && name.startsWith("::", at)) {
      if (name[at + 2] !== "<") ends.push(at);
      at++;
    }
  }
  return blanks === 0 ? ends : [];
}

/** Tells whether brackets hold the arguments of the named function itself, not of one that encloses it. */
function isArguments(name: string, { start, end, foldable }: Group): boolean {
  return name[start] === "(" && foldable && !/^(?: const)?(?: &&?)?::/.test(name.slice(end + 1, end + 12)) &&
    !/\bdecltype $/.test(name.slice(Math.max(0, start - 10), start));
}
