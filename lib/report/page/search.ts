/** What the search box means. */

/** A test of names and objects; undefined when nothing is searched for. */
export type Matcher = ((text: string) => boolean) | undefined;

/** Text anywhere, in either case, or a regular expression between slashes. Throws SyntaxError for a bad one. */
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
