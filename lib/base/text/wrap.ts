/** Line wrapping. */

import { displayWidth } from "./width.ts";

/** Break points: single spaces between words. */
const WORDS = /(?<=\S) (?=\S)/;

/**
 * Breaks a text between words into lines of at most `width` columns; all but the first start with `indent`. A word
 * longer than a line gets its own line.
 */
export function wrap(text: string, width: number, indent: string, between = WORDS): string[] {
  if (displayWidth(text) <= width) return [text];
  const lines: string[] = [];
  let line = "", wide = 0;
  for (const word of text.split(between)) {
    const more = displayWidth(word);
    if (line === "") {
      [line, wide] = [word, more];
    } else if (wide + 1 + more <= width) {
      line += ` ${word}`;
      wide += 1 + more;
    } else {
      lines.push(line);
      [line, wide] = [indent + word, indent.length + more];
    }
  }
  return [...lines, line];
}
