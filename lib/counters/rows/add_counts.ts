/** Sums of counts: unknown where one is, an estimate where one is, by the least share there is. */

import type { CountValue } from "./row.ts";

/** The sum of two rows, or the one there is. */
export function addCounts(a: readonly CountValue[] | undefined, b: readonly CountValue[]): CountValue[] {
  return sumOf(a ? [a, b] : [b]);
}

/** The sum over several rows, at least one. */
export function sumOf(counts: readonly (readonly CountValue[])[]): CountValue[] {
  return counts[0].map((_, i) => {
    const each = counts.map((row) => row[i]);
    if (each.some((count) => count?.value === undefined)) return {};
    const value = each.reduce((sum, count) => sum + count.value!, 0n);
    const shares = each.flatMap((count) => count.share ?? []);
    return shares.length ? { value, share: Math.min(...shares) } : { value };
  });
}
