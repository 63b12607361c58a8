/** Shell globs over event and PMU names. */

/** Whether `text` is a pattern rather than a name. */
export function isGlob(text: string): boolean {
  return /[*?[]/.test(text);
}

/** A test for whole names: `*`, `?`, `[a-z]` and `[!a-z]` as in a shell. A pattern of no valid form matches itself. */
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
    return (name) => name === glob; // a range backwards, as in [z-a]
  }
}
