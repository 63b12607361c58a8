/**
 * Work on lists of any length. The arguments of a call lie on the stack, where about 120,000 have room: no list whose
 * length a file or a user decides is passed as arguments (`push(...)`, `Math.max(...)`).
 */

/** Adds `items` at the end of `list`. */
export function append<T>(list: T[], items: Iterable<T>): void {
  for (const item of items) list.push(item);
}

/** The greatest of `numbers`; -Infinity of none. */
export function greatest(numbers: Iterable<number>): number {
  let most = -Infinity;
  for (const number of numbers) most = Math.max(most, number);
  return most;
}

/** The least of `numbers`; Infinity of none. */
export function least(numbers: Iterable<number>): number {
  let fewest = Infinity;
  for (const number of numbers) fewest = Math.min(fewest, number);
  return fewest;
}

/** By column the length of its longest cell; none without rows. */
export function columnWidths(rows: readonly (readonly string[])[]): number[] {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, column) => widths[column] = Math.max(widths[column] ?? 0, cell.length));
  }
  return widths;
}
