/** Text broken into lines. */

/** Where a text may be broken unless told otherwise: between words. */
const WORDS = /(?<=\S) (?=\S)/;

/** Breaks a text between words into lines of at most `width` columns, all but the first behind `indent`. */
export function wrap(text: string, width: number, indent: string, between = WORDS): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(between)) {
    const longer = line === "" ? word : `${line} ${word}`;
    if (longer.length <= width || line === "") {
      line = longer;
    } else {
      lines.push(line);
      line = indent + word;
    }
  }
  return [...lines, line];
}
