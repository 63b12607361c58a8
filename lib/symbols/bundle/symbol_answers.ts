/** Makes answers for a bundle: the symbols of the addresses that samples hit, and of no others. */

import { firstAtOrAfter } from "../../base/bytes/ascending.ts";
import { float64Column, int32Column } from "../../base/bytes/column.ts";
import type { SymbolAnswers } from "./bundled_object.ts";

/** Symbol of an address, and a number that all addresses of the symbol share. */
export interface FoundSymbol {
  id: number;
  name: string;
  start: number;
  end: number;
}

/**
 * Returns the symbols of ascending addresses. Those between two addresses of one symbol count as its own as well, unless
 * another symbol is hit there.
 */
export function symbolAnswers(
  addresses: Float64Array,
  find: (address: number) => FoundSymbol | undefined,
): SymbolAnswers {
  const from = float64Column(), to = float64Column(), symbol = int32Column();
  const starts = float64Column(), ends = float64Column(), names: string[] = [];
  const rows = new Map<number, number>();
  let last = -1; // id of the symbol of the last run, -1 after an address without one
  for (const address of addresses) {
    const found = find(address);
    if (found === undefined) {
      last = -1;
      continue;
    }
    if (found.id === last) {
      to.data[to.length - 1] = after(address);
      continue;
    }
    last = found.id;
    let row = rows.get(found.id);
    if (row === undefined) {
      row = names.push(found.name) - 1;
      rows.set(found.id, row);
      starts.push(found.start);
      ends.push(found.end);
    }
    from.push(address);
    to.push(after(address));
    symbol.push(row);
  }
  return {
    ...{ from: from.values(), to: to.values(), symbol: symbol.values() },
    ...{ starts: starts.values(), ends: ends.values(), names },
  };
}

/**
 * Returns the symbols of all addresses between the first and the last of `bounds`, ascending; between two of them all
 * addresses have the same symbol.
 */
export function answersBetween(
  bounds: Float64Array,
  find: (address: number) => FoundSymbol | undefined,
): SymbolAnswers {
  const answers = symbolAnswers(bounds, find);
  const ends = bounds.subarray(1);
  // each run ends with the bound behind its last address, at which another symbol begins, or none
  const to = answers.to.map((end) => ends[firstAtOrAfter(ends, end)] ?? end);
  return { ...answers, to };
}

/** Returns distinct numbers in ascending order. */
export function ascending(numbers: Iterable<number>): Float64Array {
  return Float64Array.from(new Set(numbers)).sort();
}

/** Returns an address behind this one; those of the kernel are so large that doubles skip some. */
function after(address: number): number {
  for (let step = 1;; step *= 2) if (address + step > address) return address + step;
}
