/**
 * Symbol table of one object, searched by address. How candidates become a table (which alias wins, where a symbol
 * without a size ends, what happens where two overlap) is in symbol_builder.ts.
 */

import { lastAtOrBefore } from "../../base/bytes/ascending.ts";
import type { SymbolFailure } from "../object/missing_symbol_reasons.ts";
import type { SymbolNames } from "./symbol_names.ts";

/**
 * Areas where symbols overlap: disjoint ascending ranges, and a search for the owner of an address in one (-1: none).
 */
export interface Overlaps {
  from: Float64Array;
  to: Float64Array;
  search(address: number): number;
}

/** Symbols in ascending order, found by address. */
export class SymbolTable {
  /** First address of each symbol, in the object's own numbering (a file offset for ELF files). */
  readonly starts: Float64Array;
  /** Address behind the last one of each symbol. */
  readonly ends: Float64Array;
  /** Whether it has nothing but the stubs of the procedure linkage table. */
  onlyStubs = false;
  readonly #overlaps: Overlaps | undefined;
  readonly #names: SymbolNames;
  readonly #nameOf: Int32Array | number;

  /**
   * @param starts ascending, one for each symbol.
   * @param nameOf each symbol's index in `names`; or that of the first one, if the others follow.
   * @param overlaps omitted if all symbols are disjoint.
   */
  constructor(
    starts: Float64Array,
    ends: Float64Array,
    names: SymbolNames,
    nameOf: Int32Array | number,
    overlaps?: Overlaps,
  ) {
    this.starts = starts;
    this.ends = ends;
    this.#overlaps = overlaps;
    this.#names = names;
    this.#nameOf = nameOf;
  }

  /** Number of symbols. */
  get length(): number {
    return this.starts.length;
  }

  /** Returns the index of the symbol that contains `address`, or -1. */
  find(address: number): number {
    const overlaps = this.#overlaps;
    if (overlaps !== undefined) {
      const range = lastAtOrBefore(overlaps.from, address);
      if (range >= 0 && address < overlaps.to[range]) return overlaps.search(address);
    }
    const at = lastAtOrBefore(this.starts, address);
    return at >= 0 && address < this.ends[at] ? at : -1;
  }

  /** Returns the symbol's name as the object has it (mangled). Decodes it at every call. */
  name(i: number): string {
    const nameOf = this.#nameOf;
    return this.#names.text(typeof nameOf === "number" ? nameOf + i : nameOf[i]);
  }
}

/** Result of looking for an object's symbols: its table, or the reason why there is none. */
export type TableOutcome =
  | {
    table: SymbolTable;
    /** Number to add to an address before a lookup: how far the kernel was moved; 0 by default. */
    shift?: number;
    /** Reason why addresses have no symbol although there is a table. */
    incomplete?: SymbolFailure;
  }
  | SymbolFailure & { table?: undefined };
