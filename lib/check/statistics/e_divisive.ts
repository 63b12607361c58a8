/**
 * Split of a series that sets its parts apart the most, by the energy distance of E-divisive: Matteson and James, A
 * Nonparametric Approach for Multiple Change Point Analysis of Multivariate Data (2014), 2.2, with the exponent 1.
 *
 * For parts X = z[s..t) and Y = z[t..k) of n and m values
 *
 *   Q(t, k) = 2/(n+m) SUM |x-y|  -  2m/((n+m)(n-1)) SUM |x-x'|  -  2n/((n+m)(m-1)) SUM |y-y'|
 *
 * and the split is at the t of the largest Q(t, k): Y may end before the series does, so that a later change does not hide
 * this one. All sums come from those of a row and a column of the distances, so a split takes time by the square of the
 * length, and memory by the length.
 */

/** Split of a series. */
export interface Split {
  /** Index of the first value of the second part. */
  at: number;
  /** Q of the parts. */
  q: number;
}

/** Weights of the distances within a part of n of k values, 2 (k-n) / (k (n-1)), at k (k-1) / 2 + n; 0 for one value. */
let weights = new Float64Array(0);
let weighed = 0;

/** Returns the weights for splits of up to `length` values. */
function weightsUpTo(length: number): Float64Array {
  if (length > weighed) {
    weighed = length;
    weights = new Float64Array(length * (length + 1) / 2 + 1);
    for (let k = 2; k <= length; k++) {
      for (let n = 2; n < k; n++) weights[k * (k - 1) / 2 + n] = 2 * (k - n) / (k * (n - 1));
    }
  }
  return weights;
}

/** Finds splits in a series, whose values may change between calls. */
export class Splitter {
  readonly #values: Float64Array;
  /** Buffers: distances of each value to those after it, and the sums of these from the first value on. */
  readonly #after: Float64Array;
  readonly #afterUpTo: Float64Array;
  /** Buffer: distances within the first part, by its length. */
  readonly #within: Float64Array;

  constructor(values: Float64Array) {
    this.#values = values;
    this.#after = new Float64Array(values.length);
    this.#afterUpTo = new Float64Array(values.length);
    this.#within = new Float64Array(values.length + 1);
  }

  /**
   * Returns the best split of the values from `start` up to, but not including, `end`: at least two. Of equally good ones it
   * is the first. The sums are added up in the order of Apache Otava's, so that rounding breaks ties alike.
   */
  best(start: number, end: number): Split {
    const after = this.#after, afterUpTo = this.#afterUpTo, within = this.#within;
    const weights = weightsUpTo(end - start);
    let at = start + 1, q = -Infinity;
    after[start] = 0;
    within[1] = 0;
    for (let k = start + 2; k <= end; k++) {
      const length = k - start, row = length * (length - 1) / 2, ofAll = 2 / length;
      within[length] = within[length - 1] + this.#addDistances(start, k - 1);
      let afterFrom = 0;
      for (let n = length - 1; n > 0; n--) {
        const t = start + n;
        afterFrom += after[t];
        const here = ofAll * (afterUpTo[t - 1] - within[n]) - weights[row + n] * within[n] -
          weights[row + length - n] * afterFrom;
        if (here > q || (here === q && t < at)) {
          q = here;
          at = t;
        }
      }
    }
    return { at, q };
  }

  /** Adds the distance to value `last` to that of each value from `start` on before it. Returns the sum of these distances. */
  #addDistances(start: number, last: number): number {
    const values = this.#values, after = this.#after, afterUpTo = this.#afterUpTo, value = values[last];
    let sum = 0, upTo = 0;
    for (let r = 0; r < start; r++) sum += Math.abs(values[r] - value);
    const ahead = sum;
    for (let r = start; r < last; r++) {
      const distance = Math.abs(values[r] - value);
      sum += distance;
      upTo += after[r] += distance;
      afterUpTo[r] = upTo;
    }
    after[last] = 0;
    return sum - ahead;
  }
}
