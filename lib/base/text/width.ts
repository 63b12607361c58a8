/** Display width of text on a terminal, and text fitted to a width. */

/** Text in which every character takes one column. */
const PLAIN = /^[\x20-\x7e]*$/;
/** Colour or style sequence (ECMA-48: SGR), which takes no column. */
// deno-lint-ignore no-control-regex
const STYLE = /\x1b\[[0-9;]*m/y;
/** Combining marks, joiners and variation selectors, which take no column. */
const NO_COLUMN = /[\p{Mn}\p{Me}\u200b-\u200d\ufe00-\ufe0f]/u;
/**
 * East Asian Wide and Fullwidth characters (Unicode's EastAsianWidth.txt, by block) and emoji, which take two columns.
 */
const TWO_COLUMNS =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\u4dbf\u4e00-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{17000}-\u{18cff}\u{1b000}-\u{1b2ff}\u{20000}-\u{3fffd}]|\p{Emoji_Presentation}/u;

/** Returns the number of terminal columns that `text` takes; colours take none. */
export function displayWidth(text: string): number {
  return PLAIN.test(text) ? text.length : measure(text, Infinity).columns;
}

/** Truncates `text` to `width` columns, with `…` at its end if anything was cut. Colours in it still end. */
export function fit(text: string, width: number): string {
  if (text.length <= width && PLAIN.test(text)) return text;
  const { columns, end } = measure(text, Math.max(1, width) - 1);
  if (columns <= width) return text;
  // deno-lint-ignore no-control-regex
  const styles = text.slice(end).match(/\x1b\[[0-9;]*m/g) ?? [];
  return text.slice(0, end) + "…" + styles.join("");
}

/** Pads `text` with spaces to at least `width` columns. */
export function padEnd(text: string, width: number): string {
  return text + " ".repeat(Math.max(0, width - displayWidth(text)));
}

/** Truncates `text` from the left to `width` columns, with `…` at its start if anything was cut. */
export function fitFromLeft(text: string, width: number): string {
  let left = displayWidth(text);
  if (left <= width) return text;
  let at = 0;
  for (const letter of text) {
    if (left < width) break;
    left -= columnsOf(letter);
    at += letter.length;
  }
  return "…" + text.slice(at);
}

/** Measures the columns of a text, and how many of its UTF-16 units fit into `width` columns. */
function measure(text: string, width: number): { columns: number; end: number } {
  let columns = 0, end = 0;
  for (let at = 0; at < text.length;) {
    STYLE.lastIndex = at;
    const style = STYLE.exec(text)?.[0];
    const letter = style ?? String.fromCodePoint(text.codePointAt(at)!);
    if (style === undefined) columns += columnsOf(letter);
    at += letter.length;
    if (columns <= width) end = at;
  }
  return { columns, end };
}

function columnsOf(letter: string): number {
  if (letter < "\u0300") return 1;
  return NO_COLUMN.test(letter) ? 0 : TWO_COLUMNS.test(letter) ? 2 : 1;
}
