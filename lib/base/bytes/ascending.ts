/** Binary search in columns of ascending numbers. */

/** Returns the index of the last of ascending numbers that is not above `value`, or -1. */
export function lastAtOrBefore(numbers: Float64Array, value: number): number {
  let low = 0, high = numbers.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (numbers[middle] <= value) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** Returns the index of the first of ascending numbers that is not below `value`; the length when all are. */
export function firstAtOrAfter(numbers: Float64Array, value: number): number {
  let low = 0, high = numbers.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (numbers[middle] < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
