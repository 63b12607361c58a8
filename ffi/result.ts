/** From the shim's results (a value, or -errno) to values and exceptions. */

import { PmuError } from "../lib/base/system/errno.ts";

/** `result` when it is no error; throws PmuError, which says that `call` failed. */
export function checked(call: string, result: number): number {
  if (result < 0) throw new PmuError(call, -result);
  return result;
}

/** The same for a 64-bit result that fits a double, such as a size. */
export function checkedSize(call: string, result: bigint): number {
  return checked(call, Number(result));
}

/** What the shim tells of each of `count` rings: from word `first` on, the fields of one behind those of another. */
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
