/** Searches of the page: turns texts into tests of names. */

/** Test of the names of symbols and objects; undefined when nothing is searched for. */
export type Matcher = ((text: string) => boolean) | undefined;

/**
 * Returns the test for a text: it may be anywhere in a name, in upper or lower case. A text between slashes is a regular
 * expression. Throws SyntaxError for a bad one.
 */
export function matcherOf(text: string): Matcher {
  const wanted = text.trim();
  if (wanted === "") return undefined;
  const pattern = patternOf(wanted);
  if (pattern !== undefined) {
    const expression = new RegExp(pattern, "i");
    return (name) => expression.test(name);
  }
  const lower = wanted.toLowerCase();
  return (name) => name.toLowerCase().includes(lower);
}

/**
 * Tells whether a text of unknown origin can be searched for without asking: a regular expression with more than one
 * repetition, or with a repeated group, can take longer than anybody waits.
 */
export function isQuick(text: string): boolean {
  const pattern = patternOf(text.trim())?.replace(/\\[^1-9k]/g, "_");
  if (pattern === undefined) return true;
  if (/\)[*+?{]|\\|\(\?[=!<]/.test(pattern)) return false;
  const number = (of: RegExp) => pattern.match(of)?.length ?? 0;
  return number(/[*+?{]/g) <= 1 + number(/\(\?:/g) && number(/\(/g) <= 2;
}

function patternOf(text: string): string | undefined {
  return /^\/(.+)\/$/.exec(text)?.[1];
}
