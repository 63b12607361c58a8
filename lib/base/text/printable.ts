/**
 * Text for terminals and logs. Names of threads, files, symbols and arguments are anybody's choice: what in them would
 * act on a terminal, break a line or reverse the reading order is shown as an escape.
 */

/** C0 and C1 controls and DEL; Unicode's line and paragraph separators; marks, embeddings and isolates of direction. */
// deno-lint-ignore no-control-regex
const ACTING = /[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]/;
const EACH = new RegExp(ACTING.source, "gu");
const NAMED: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };

/** `text` as a terminal only shows it, on one line: a newline is `\n`, an escape `\x1b`, a right-to-left override `\u202e`. */
export function printable(text: string): string {
  return ACTING.test(text) ? text.replace(EACH, escaped) : text;
}

/** Lines as a terminal only shows them, each by itself: their ends stay. */
export function printableLines(text: string): string {
  return ACTING.test(text) ? text.split("\n").map(printable).join("\n") : text;
}

const ACTING_IN_JSON = /[\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;

/**
 * JSON as JSON.stringify() gives it, which escapes what is below a blank, with the rest that acts on a terminal escaped
 * too: readers get the same text, and whoever looks at it is not deceived.
 */
export function jsonText(value: unknown, indent?: number): string {
  return JSON.stringify(value, null, indent)
    .replace(ACTING_IN_JSON, (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

function escaped(letter: string): string {
  const unit = letter.charCodeAt(0);
  // a byte that is no text, as osText() has it
  const code = unit >= 0xdc80 && unit <= 0xdcff ? unit - 0xdc00 : unit;
  return NAMED[letter] ??
    (code < 0x100 ? `\\x${code.toString(16).padStart(2, "0")}` : `\\u${code.toString(16).padStart(4, "0")}`);
}
