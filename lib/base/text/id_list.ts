/** Process and thread ids as people write them. */

/** The ids in `12,34`, each once, in their order; undefined when anything else is in the text. */
export function parseIdList(text: string): number[] | undefined {
  const parts = text.split(",");
  return parts.every((part) => /^[1-9]\d{0,9}$/.test(part)) ? [...new Set(parts.map(Number))] : undefined;
}
