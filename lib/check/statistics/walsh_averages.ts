/**
 * The means of all pairs of values (Walsh averages), by their rank. There are n (n + 1) / 2 of them, far too many to keep
 * for thousands of values; but how many are below a limit can be counted in n steps, because the values are sorted:
 *
 *     partner j of value i, so that v[i] + v[j] <= limit:  i goes up, and j only down
 */

import type { OrderedLogs } from "./ordered_ratios.ts";

/** Number of averages for each value that are collected and sorted, once no more can be what is looked for. */
const COLLECTED = 4;
/** Width of a range of logarithms in which all averages count as equal, as those of equal values are. */
const NARROW = 1e-13;

/** Means of all pairs of values, including each value with itself. */
export class WalshAverages implements OrderedLogs {
  readonly length: number;
  readonly #values: Float64Array;

  constructor(values: Float64Array) {
    this.#values = values.toSorted();
    this.length = values.length * (values.length + 1) / 2;
  }

  /** Returns the average that has `index` averages before it in ascending order. */
  at(index: number): number {
    const values = this.#values, most = COLLECTED * values.length;
    // above `low` and up to `high`, with `below` averages that are not above `low`
    let low = -Infinity, high = values[values.length - 1];
    let below = 0, within = this.length;
    while (within > most) {
      const middle = low === -Infinity ? (values[0] + high) / 2 : (low + high) / 2;
      if (high - middle < NARROW) return this.#firstAbove(low);
      const count = this.#countUpTo(middle);
      if (count > index) {
        high = middle;
        within = count - below;
      } else {
        within -= count - below;
        [low, below] = [middle, count];
      }
    }
    return this.#collect(low, high, within)[index - below];
  }

  /** Returns how many averages are not above the limit. */
  #countUpTo(limit: number): number {
    const values = this.#values, sum = 2 * limit;
    let count = 0;
    for (let i = 0, j = values.length - 1; i <= j; i++) {
      while (j >= i && values[i] + values[j] > sum) j--;
      count += j - i + 1;
    }
    return count;
  }

  /** Returns the smallest average above the limit. */
  #firstAbove(limit: number): number {
    const values = this.#values, sum = 2 * limit;
    let first = Infinity;
    for (let i = 0, j = values.length - 1; i <= j; i++) {
      while (j >= i && values[i] + values[j] > sum) j--;
      const partner = Math.max(i, j + 1);
      if (partner < values.length) first = Math.min(first, (values[i] + values[partner]) / 2);
    }
    return first;
  }

  /** Returns the averages above `low` and not above `high` in ascending order. */
  #collect(low: number, high: number, count: number): Float64Array {
    const values = this.#values, least = 2 * low, most = 2 * high;
    const averages = new Float64Array(count);
    let at = 0;
    for (let i = 0, end = values.length - 1; i <= end; i++) {
      while (end >= i && values[i] + values[end] > most) end--;
      for (let j = end; j >= i && values[i] + values[j] > least; j--) {
        averages[at++] = (values[i] + values[j]) / 2;
      }
    }
    return averages.sort();
  }
}
