/** Notes without repetition, for steps that would each print the same one. */

/** Wraps `note` so that it passes on each distinct line only once. */
export function once(note: (line: string) => void): (line: string) => void {
  const seen = new Set<string>();
  return (line) => {
    if (!seen.has(line)) note(line);
    seen.add(line);
  };
}
