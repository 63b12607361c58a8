/** Sparklines: a series in a line of text. */

import { greatest, least } from "../../base/bytes/lists.ts";

const BARS = [..."▁▂▃▄▅▆▇█"];

/**
 * Draws values as bars from the least to the greatest, in at most `width` columns: a column shows the mean of its values. Equal
 * values are drawn as low bars.
 */
export function sparkline(values: readonly number[], width: number): string {
  const columns = columnsOf(values.length, width);
  const sums = new Float64Array(columns), counts = new Float64Array(columns);
  values.forEach((value, i) => {
    const column = columnOf(i, values.length, width);
    sums[column] += value;
    counts[column]++;
  });
  const means = sums.map((sum, i) => sum / counts[i]);
  const low = least(means), range = greatest(means) - low;
  const bar = (value: number) => Math.min(BARS.length - 1, Math.floor((value - low) / range * BARS.length));
  return Array.from(means, (value) => BARS[range > 0 ? bar(value) : 0]).join("");
}

/** Draws a mark below the column of each index, and spaces elsewhere; `undefined` of no marks. */
export function marksBelow(
  marks: ReadonlyMap<number, string>,
  count: number,
  width: number,
): string | undefined {
  if (marks.size === 0) return undefined;
  const columns: string[] = new Array(columnsOf(count, width)).fill(" ");
  for (const [i, mark] of marks) columns[columnOf(i, count, width)] = mark;
  return columns.join("").trimEnd();
}

function columnsOf(count: number, width: number): number {
  return Math.min(count, Math.max(1, width));
}

function columnOf(i: number, count: number, width: number): number {
  return Math.floor(i * columnsOf(count, width) / count);
}
