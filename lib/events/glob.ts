/** Shell globs over event and PMU names. */

/** Returns whether `text` is a pattern rather than a name. */
export function isGlob(text: string): boolean {
  return /[*?[]/.test(text);
}

/** Returns a test for whole names: `*`, `?`, `[a-z]` and `[!a-z]` as in a shell. An invalid pattern matches itself. */
export function globMatcher(glob: string): (name: string) => boolean {
  const source = glob.replace(/\[!?[^\]]+\]|[^]/g, (part) => {
    if (part === "*") return ".*";
    if (part === "?") return ".";
    if (part.length > 1) return part.replace(/^\[!/, "[^").replaceAll("\\", "\\\\");
    return part.replace(/[.+^${}()|\\\]\[]/, "\\$&");
  });
  try {
    const pattern = new RegExp(`^${source}$`);
    return (name) => pattern.test(name);
  } catch {
    return (name) => name === glob; // a reversed range, as in [z-a]
  }
}
