/**
 * Escaping for terminals and logs. Anyone can choose the names of threads, files, symbols and arguments: characters
 * that would control a terminal, break a line or reverse the reading order are shown as escapes.
 */

/**
 * Characters to escape: C0 and C1 controls and DEL; Unicode's line and paragraph separators; marks, embeddings and
 * isolates of direction; surrogates.
 */
// deno-lint-ignore no-control-regex
const ACTING = /[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]/;
const EACH = new RegExp(ACTING.source, "gu");
const NAMED: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };

/**
 * Escapes `text` for one line of a terminal: a newline becomes `\n`, an escape `\x1b`, a right-to-left override
 * `\u202e`.
 */
export function printable(text: string): string {
  return ACTING.test(text) ? text.replace(EACH, escaped) : text;
}

/** Escapes each line of `text` for a terminal; line ends stay. */
export function printableLines(text: string): string {
  return ACTING.test(text) ? text.split("\n").map(printable).join("\n") : text;
}

const ACTING_IN_JSON = /[\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;

/**
 * Formats JSON like JSON.stringify(), which escapes characters below a space, and also escapes everything else that
 * controls a terminal. Parsers get the same text, and nobody who looks at it is deceived.
 */
export function jsonText(value: unknown, indent?: number): string {
  return JSON.stringify(value, null, indent)
    .replace(ACTING_IN_JSON, (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

function escaped(letter: string): string {
  const unit = letter.charCodeAt(0);
  // a byte that is not UTF-8, as osText() decodes it
  const code = unit >= 0xdc80 && unit <= 0xdcff ? unit - 0xdc00 : unit;
  return NAMED[letter] ??
    (code < 0x100 ? `\\x${code.toString(16).padStart(2, "0")}` : `\\u${code.toString(16).padStart(4, "0")}`);
}
