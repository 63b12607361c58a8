/**
 * The symbols of one object, ready to be searched by address. How the candidates of a file become a
 * table (which alias wins, where a symbol without a size ends, what happens where two overlap) is in
 * symbol_builder.ts.
 */

import type { SymbolNames } from "./symbol_names.ts";

/**
 * Disjoint ranges in ascending order, each with the symbol that owns it. A symbol may own several: one
 * that others interrupt keeps what is left on either side.
 */
export class SymbolTable {
  /** First address of each symbol, in the object's own numbering (a file offset for ELF files). */
  readonly starts: Float64Array;
  /** The address behind each symbol's last. */
  readonly ends: Float64Array;
  readonly #from: Float64Array;
  readonly #to: Float64Array;
  readonly #owner: Int32Array | undefined;
  readonly #names: SymbolNames;
  readonly #nameOf: Int32Array;

  /**
   * @param starts ascending, one for each symbol.
   * @param nameOf each symbol's index in `names`.
   * @param ranges where symbols overlap: disjoint ascending ranges and the symbol that owns each. Without
   *   it every symbol owns its own range, and these must be disjoint.
   */
  constructor(
    starts: Float64Array,
    ends: Float64Array,
    names: SymbolNames,
    nameOf: Int32Array,
    ranges?: { from: Float64Array; to: Float64Array; owner: Int32Array },
  ) {
    this.starts = starts;
    this.ends = ends;
    this.#from = ranges?.from ?? starts;
    this.#to = ranges?.to ?? ends;
    this.#owner = ranges?.owner;
    this.#names = names;
    this.#nameOf = nameOf;
  }

  /** How many symbols. */
  get length(): number {
    return this.starts.length;
  }

  /** Index of the symbol that `address` belongs to, or -1. */
  find(address: number): number {
    const from = this.#from;
    let low = 0;
    let high = from.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (from[middle] <= address) low = middle + 1;
      else high = middle;
    }
    const range = low - 1;
    if (range < 0 || address >= this.#to[range]) return -1;
    return this.#owner === undefined ? range : this.#owner[range];
  }

  /** The symbol's name as the object has it (mangled); decoded anew at every call. */
  name(i: number): string {
    return this.#names.text(this.#nameOf[i]);
  }
}
