/**
 * Text that anyone may have chosen (names of benchmarks and symbols, commands, paths) in GitHub's Markdown: it shows as
 * it is, breaks no table, links nowhere and notifies nobody.
 */

import { printable, printableLines } from "./printable.ts";

/**
 * Returns `text` as a code span, in which GitHub sees no markup, link, issue or @mention. It fits into a cell of a
 * table: a `|`, which would end the cell even in a code span, stands between two spans. Text of more than `most`
 * characters has `…` in its middle.
 */
export function markdownCode(text: string, most = Infinity): string {
  const shown = withoutMiddle(printable(text), most);
  if (shown === "") return "(empty)";
  return shown.split("|").map((part) => part === "" ? "" : codeSpan(part)).join("&#124;");
}

/** Returns the span of a text without line ends: between more backticks than it has in a row (CommonMark 0.31, 6.1). */
function codeSpan(text: string): string {
  const fence = "`".repeat(longestRun(text) + 1);
  // a space at both ends is stripped, unless there is nothing else
  const isPadded = /^`|`$/.test(text) || (/^ .* $/.test(text) && text.trim() !== "");
  return isPadded ? `${fence} ${text} ${fence}` : `${fence}${text}${fence}`;
}

/**
 * Returns prose on one line, for a cell of a table or after other text on a line: markup is escaped, and a zero-width
 * space keeps `@name`, `#12`, addresses and links from being taken for such. Prose of more than `most` characters is cut.
 */
export function markdownText(text: string, most = Infinity): string {
  const shown = printable(text.replace(/[ \t\r\n]+/g, " "));
  return (shown.length > most ? `${whole(shown.slice(0, most))}…` : shown)
    .replace(/[\\`*_~<>|&[\]$]/g, "\\$&")
    .replace(/@|#(?=\d)|\bGH-(?=\d)|:(?=\/\/)|\bwww(?=\.)/gi, "$&&#8203;");
}

/** Returns lines as a code block, whose fence is longer than any in them. */
export function markdownBlock(text: string): string {
  const lines = printableLines(text).trimEnd();
  const fence = "`".repeat(Math.max(3, longestRun(lines) + 1));
  return `${fence}\n${lines}\n${fence}`;
}

/** Returns text of at most `most` characters, with `…` in the place of its middle. */
export function withoutMiddle(text: string, most: number): string {
  if (text.length <= most) return text;
  const head = Math.ceil(most / 2), tail = most - head - 1;
  return `${whole(text.slice(0, head))}…${whole(text.slice(text.length - tail))}`;
}

/** Returns text without halves of characters at its ends. */
function whole(text: string): string {
  return text.replace(/^[\udc00-\udfff]|[\ud800-\udbff]$/g, "");
}

function longestRun(text: string): number {
  let longest = 0;
  for (const [run] of text.matchAll(/`+/g)) longest = Math.max(longest, run.length);
  return longest;
}
