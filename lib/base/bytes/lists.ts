/**
 * Helpers for lists of any length. Call arguments lie on the stack, which has room for about 120,000, so a list whose
 * length a file or a user decides must not be spread into a call (`push(...)`, `Math.max(...)`).
 */

/** Appends `items` to `list`. */
export function append<T>(list: T[], items: Iterable<T>): void {
  for (const item of items) list.push(item);
}

/** Returns the greatest of `numbers`; -Infinity when there are none. */
export function greatest(numbers: Iterable<number>): number {
  let most = -Infinity;
  for (const number of numbers) most = Math.max(most, number);
  return most;
}

/** Returns the least of `numbers`; Infinity when there are none. */
export function least(numbers: Iterable<number>): number {
  let fewest = Infinity;
  for (const number of numbers) fewest = Math.min(fewest, number);
  return fewest;
}

/** Returns at most `most` of `items`, in their order and evenly spread over them. */
export function thinned<T>(items: readonly T[], most: number): readonly T[] {
  if (items.length <= most) return items;
  return Array.from({ length: most }, (_, i) => items[Math.floor(i * items.length / most)]);
}

/** Returns the length of the longest cell of each column; nothing for no rows. */
export function columnWidths(rows: readonly (readonly string[])[]): number[] {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, column) => widths[column] = Math.max(widths[column] ?? 0, cell.length));
  }
  return widths;
}
