/** Thinning of long lists of measurements. */

import { seededRandom } from "../../run/random.ts";

/**
 * Returns at most `most` of `values`, in their order: one from each of as many parts of the list, at a place that looks
 * random but is the same for all lists of a length. Values at even distances would be all of one kind where a program
 * measures two kinds in turn.
 */
export function thinValues(values: readonly number[], most: number): readonly number[] {
  if (values.length <= most) return values;
  const random = seededRandom(values.length), part = values.length / most;
  return Array.from({ length: most }, (_, i) => values[Math.floor((i + random()) * part)]);
}
