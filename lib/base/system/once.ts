/** Notes that several steps of a work have alike. */

/** A `note` that passes each line on the first time only. */
export function once(note: (line: string) => void): (line: string) => void {
  const told = new Set<string>();
  return (line) => {
    if (!told.has(line)) note(line);
    told.add(line);
  };
}
