/** Lists of process and thread ids as text. */

/** Parses an id list that a user wrote (`12,34`): each id once, in its order. Undefined when it is malformed. */
export function parseIdList(text: string): number[] | undefined {
  const parts = text.split(",");
  return parts.every((part) => /^[1-9]\d{0,9}$/.test(part)) ? [...new Set(parts.map(Number))] : undefined;
}
