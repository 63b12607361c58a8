/** Conversion of the shim's results (a value, or -errno) to values and exceptions. */

import { PmuError } from "../lib/base/system/errno.ts";

/** Returns `result` unless it is an error; throws PmuError, which names `call` as the failed call, when it is. */
export function checked(call: string, result: number): number {
  if (result < 0) throw new PmuError(call, -result);
  return result;
}

/** Checks a 64-bit result that fits a double, such as a size, like checked(). */
export function checkedSize(call: string, result: bigint): number {
  return checked(call, Number(result));
}

/**
 * Splits an array of ring counters into one object per ring: from word `first` on, `names.length` words for each of
 * `count` rings.
 */
export function ringFields<Name extends string>(
  words: BigInt64Array,
  first: number,
  count: number,
  names: readonly Name[],
): Record<Name, number>[] {
  return Array.from({ length: count }, (_, ring) => {
    const at = first + ring * names.length;
    return Object.fromEntries(names.map((name, field) => [name, Number(words[at + field])])) as Record<
      Name,
      number
    >;
  });
}
