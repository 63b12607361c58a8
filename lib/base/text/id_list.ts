/** Lists of process and thread ids as text. */

/**
 * Parses an id list that a user wrote (`12,34`): each id once, in its order. Undefined when it is malformed. `lowest` is 0
 * where the idle task may be named.
 */
export function parseIdList(text: string, lowest: 0 | 1 = 1): number[] | undefined {
  const ids = text.split(",").map((part) => /^(0|[1-9]\d{0,9})$/.test(part) ? Number(part) : NaN);
  return ids.every((id) => id >= lowest) ? [...new Set(ids)] : undefined;
}
