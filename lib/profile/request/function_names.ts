/**
 * Names of functions as users write them. One rule for all commands: a name means the functions that are called so with
 * their parameters, or without:
 *
 *     ns::work<int>(long) const     void ns::work<int>(long) const      also without what it returns,
 *     ns::work<int>                 void ns::work<int>                  and with any blanks at brackets and commas
 */

import { outsideBrackets } from "../../base/text/brackets.ts";

/** Text that may follow the parameters: `const`, `&&`, `[clone .cold]`, `[abi:cxx11]`. */
const QUALIFIERS = /(?: ?(?:const|volatile|noexcept|&&?)| ?\[[^\]]*\]| ?\(?\.[\w.]+\)?)+$/;
/** Most characters of qualifiers, which bounds the time that looking for them takes. */
const MAX_QUALIFIERS = 200;
/** Text before the name of another function, rather than what the function returns: `non-virtual thunk to`. */
const ABOUT_ANOTHER = /\b(?:to|for)$/;

/**
 * Splits a list of names at its commas: not at those within brackets, `f(int, long)`, nor at `\,`, which stands for a comma
 * in a name, nor within a name that is `known` as it stands. Where brackets do not match, every comma counts.
 */
export function splitFunctionNames(text: string, known: Iterable<string> = []): string[] {
  return splitAt(text, outsideBrackets(text, ",") ?? commasIn(text), known);
}

/**
 * Splits a list of names at its commas, but not at `\,`, which stands for a comma in a name, nor within a name that is
 * `known` as it stands.
 */
export function splitNames(text: string, known: Iterable<string> = []): string[] {
  return splitAt(text, commasIn(text), known);
}

/** Returns a name in which each comma that was written `\,` is one. */
export function withCommas(name: string): string {
  return name.replaceAll("\\,", ",");
}

function commasIn(text: string): number[] {
  return Array.from(text.matchAll(/,/g), ({ index }) => index);
}

function splitAt(text: string, commas: readonly number[], known: Iterable<string>): string[] {
  const ends = commas.filter((at) => text[at - 1] !== "\\");
  const whole = ends.length > 0 ? longestFirst(known, text) : [];
  const names: string[] = [];
  for (let start = 0; start <= text.length;) {
    while (text[start] === " ") start++;
    const name = whole.find((name) => text.startsWith(name, start) && endsAt(text, start + name.length));
    const end = name === undefined
      ? ends.find((at) => at >= start) ?? text.length
      : commaFrom(text, start + name.length);
    names.push(name ?? withCommas(text.slice(start, end)).trim());
    start = end + 1;
  }
  return names;
}

/** Returns the names with commas that a text has in it, the longest first. */
function longestFirst(known: Iterable<string>, text: string): string[] {
  const found = Array.from(known).filter((name) => name.includes(",") && text.includes(name));
  return [...new Set(found)].sort((a, b) => b.length - a.length);
}

/** Returns whether nothing but blanks is from there to the next comma, or the end. */
function endsAt(text: string, at: number): boolean {
  return text.slice(at, commaFrom(text, at)).trim() === "";
}

function commaFrom(text: string, at: number): number {
  const comma = text.indexOf(",", at);
  return comma < 0 ? text.length : comma;
}

/** Returns a test of whether a function's name is one of those that a user wrote. */
export function functionNamed(wanted: Iterable<string>): (name: string) => boolean {
  const exact = new Set(wanted), spelled = new Set(Array.from(exact, withoutBlanks));
  const words = Array.from(exact, longestWord);
  return (name) => {
    if (exact.has(name)) return true;
    // of the 100,000 names of a recording, few have to be taken apart
    if (!words.some((word) => name.includes(word))) return false;
    return spellings(name).some((spelling) => spelled.has(withoutBlanks(spelling)));
  };
}

/** Returns the names that a function goes by, from the longest to the shortest. */
function spellings(name: string): string[] {
  const bare = withoutParameters(name);
  if (bare === undefined) return [name];
  const start = nameStart(bare);
  return start === 0 ? [name, bare] : [name, bare, name.slice(start), bare.slice(start)];
}

/** Returns a name without its parameters and what follows them; undefined if it has none. */
function withoutParameters(name: string): string | undefined {
  const tail = name.slice(-MAX_QUALIFIERS);
  let at = name.length - tail.length + tail.replace(QUALIFIERS, "").length - 1;
  if (name[at] !== ")") return undefined;
  // function types, `void (*)(int)`, have pairs of their own
  for (let depth = 0; at >= 0; at--) {
    if (name[at] === ")") depth++;
    else if (name[at] === "(" && --depth === 0) break;
  }
  // at 0 is `(anonymous namespace)`, and the brackets of `operator()` are its name
  return at <= 0 || /\boperator$/.test(name.slice(0, at)) ? undefined : name.slice(0, at);
}

/** Returns where a name begins behind what the function returns, which templates and Java's methods have before it. */
function nameStart(bare: string): number {
  const operator = /\boperator\b/.exec(bare)?.index ?? bare.length;
  const blank = outsideBrackets(bare.slice(0, operator), " ")?.at(-1);
  return blank === undefined || ABOUT_ANOTHER.test(bare.slice(0, blank)) ? 0 : blank + 1;
}

/** Returns a name without the blanks that do not part two words. */
function withoutBlanks(name: string): string {
  return name.replace(/(?<!\w) +| +(?!\w)/g, "");
}

function longestWord(name: string): string {
  return (name.match(/[\w$]+/g) ?? [name]).reduce((longest, word) =>
    word.length > longest.length ? word : longest
  );
}
