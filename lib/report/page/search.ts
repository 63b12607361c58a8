/** Search box of the page: turns its text into a test of names. */

/** Test of the names of symbols and objects; undefined when nothing is searched for. */
export type Matcher = ((text: string) => boolean) | undefined;

/**
 * Returns the test for a text: it may be anywhere in a name, in upper or lower case. A text between slashes is a regular
 * expression. Throws SyntaxError for a bad one.
 */
export function matcherOf(text: string): Matcher {
  const wanted = text.trim();
  if (wanted === "") return undefined;
  const [, pattern] = /^\/(.+)\/$/.exec(wanted) ?? [];
  if (pattern !== undefined) {
    const expression = new RegExp(pattern, "i");
    return (name) => expression.test(name);
  }
  const lower = wanted.toLowerCase();
  return (name) => name.toLowerCase().includes(lower);
}
