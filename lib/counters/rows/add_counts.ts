/**
 * Sums counts. A sum with an unknown count is unknown; one with an estimate is an estimate, with the smallest share.
 */

import { least } from "../../base/bytes/lists.ts";
import type { CountValue } from "./row.ts";

/** Returns the sum of two rows; `b` when there is no `a`. */
export function addCounts(a: readonly CountValue[] | undefined, b: readonly CountValue[]): CountValue[] {
  return sumOf(a ? [a, b] : [b]);
}

/** Returns the sum of one or more rows. */
export function sumOf(counts: readonly (readonly CountValue[])[]): CountValue[] {
  return counts[0].map((_, i) => {
    const each = counts.map((row) => row[i]);
    if (each.some((count) => count?.value === undefined)) return {};
    const value = each.reduce((sum, count) => sum + count.value!, 0n);
    const shares = each.flatMap((count) => count.share ?? []);
    return shares.length ? { value, share: least(shares) } : { value };
  });
}
