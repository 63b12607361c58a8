/**
 * Names of C++, Rust and Go made to fit into a column: what is in brackets gives way to a …, the innermost first, and
 * no more of it than has to.
 *
 *     std::map<int, std::vector<int, std::allocator<int>>>::at(int const&)     whole
 *     std::map<int, std::vector<…>>::at(int const&)                            35 columns
 *     std::map<…>::at(int const&)                                              27 columns
 *     …::at(…)                                                                 10 columns
 */

import { displayWidth } from "../../base/text/width.ts";

/** A pair of brackets in a name. */
interface Group {
  /** Where the brackets stand: what is between them is in (start, end). */
  start: number;
  end: number;
  parent: Group | undefined;
  /** How many pairs are around it. */
  depth: number;
  /** What is between the brackets may be left out: arguments of a template or a function, an expression. */
  foldable: boolean;
  folded: boolean;
  /** Units of text that are left out inside it, beyond the … in their place; and of them those by its own …. */
  saved: number;
  own: number;
}

/** Longer names are cut, not folded. */
const MAX_LETTERS = 1 << 16;
const CLOSING: Readonly<Record<string, string>> = { "<": ">", "(": ")", "[": "]", "{": "}" };
/** Names of operators, whose brackets are none; `operator->` before `operator-`, and so on. */
const OPERATOR =
  /\boperator ?(?:<=>|<<=|>>=|->\*|<<|>>|<=|>=|->|\(\)|\[\]|<|>)|\boperator (?:new|delete)\[\]/y;
/** What stands before the arguments of a function, and before an expression. */
const BEFORE_ARGUMENTS = /[\w$>}\])'~@\u0080-\uffff]$|\b(?:decltype|sizeof|alignof|noexcept|requires) $/;
/** What a compiler made for the function in the brackets: `{virtual override thunk(…)}`. */
const MADE_FOR = /\{(?!lambda)[a-z][a-z -]*$/;
/** What is in brackets that are part of a name. */
const PART_OF_NAME = /^(?:anonymous namespace|\*|&|\w+::\*)\)/;

/** Returns `name` in at most `width` columns where folding can do that, else as short as it goes. */
export function foldName(name: string, width: number): string {
  const wide = displayWidth(name);
  if (wide <= width || name.length > MAX_LETTERS) return name;
  const groups = groupsOf(name);
  // the type and the trait of `<T as Trait>::f` tell more than any arguments
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

/** Shows again what `room` units have room for: folding more around it may have made it fit after all. */
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

/** The groups by depth. */
function levelsOf(groups: readonly Group[]): Group[][] {
  const levels: Group[][] = [];
  for (const group of groups) (levels[group.depth] ??= []).push(group);
  return levels;
}

/** Units between the brackets of a group, as it is shown. */
function shownLength({ start, end, saved }: Group): number {
  return end - start - 1 - saved;
}

/** The brackets of a name that have both ends, in the order of their beginnings. */
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

/** Whether what the bracket at `at` opens may be left out; undefined where it is no bracket but a sign: less than. */
function isFoldable(name: string, at: number, afterOperator: number): boolean | undefined {
  const before = name.slice(Math.max(0, at - 40), at);
  const follows = at > 0 && at === afterOperator;
  switch (name[at]) {
    case "<":
      // `(a)<(b)`, `a < b`; but `operator< <int>`, `operator()<int>`
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

/** `<T as Trait>`, which begins after a blank too: `impl Fn for <T as Trait>::Out`. */
function isRustImpl(name: string, at: number): boolean {
  return name[at + 1] !== " " && name[at - 1] !== ")";
}

/** Gives each pair its parent and its depth. Brackets without an end are in none. */
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

/** A folded name without its return type, then without its outer scopes, as far as it has to lose them. */
function withoutScopes(name: string, width: number): string {
  if (displayWidth(name) <= width) return name;
  const ends = scopeEnds(name);
  if (ends.length === 0) return name;
  const short = (end: number) => `…${name.slice(ends[end])}`;
  // the first that fits, else the last: each is shorter than those before it
  let low = 0, high = ends.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (displayWidth(short(middle)) <= width) high = middle;
    else low = middle + 1;
  }
  return short(low);
}

/**
 * Where in a name its outer scopes end, and its return type: before each `::` outside of brackets, and each blank. The
 * names of a just-in-time compiler have blanks that end no type.
 */
function scopeEnds(name: string): number[] {
  const groups = groupsOf(name);
  const ends: number[] = [];
  const ofBrackets = new Map(groups.map((group) => [group.start, group]));
  let blanks = 0;
  for (let at = 0; at < name.length; at++) {
    const group = ofBrackets.get(at);
    if (group) {
      // what is behind the arguments qualifies them: ` const`, ` [clone .cold]`
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

/** Whether brackets hold the arguments of the function that is named, rather than of one that it is in. */
function isArguments(name: string, { start, end, foldable }: Group): boolean {
  return name[start] === "(" && foldable && !/^(?: const)?(?: &&?)?::/.test(name.slice(end + 1, end + 12)) &&
    !/\bdecltype $/.test(name.slice(Math.max(0, start - 10), start));
}
