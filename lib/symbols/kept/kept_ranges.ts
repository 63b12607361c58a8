/**
 * Ranges of a kept table: what is known of the addresses of an object, and which are not known. Addresses are offsets in
 * the object's file, as in AddressSpaces.at.
 */

import { lastAtOrBefore } from "../../base/bytes/ascending.ts";
import { float64Column, uint32Column } from "../../base/bytes/column.ts";
import type { Cost } from "../object/limits.ts";
import { byAddress } from "../table/symbol_builder.ts";

/** Answers that are no row: it is known that nothing is there; it is not known what is there. */
export const NOTHING = -1, UNKNOWN = -2;
/** Owner of the ranges of row 0. Those of the other rows follow; those of the answers above come before. */
const FIRST = 2;

/** End of the addresses that ranges can have. Programs of 4 GiB and more have their code at the start. */
const END = 2 ** 32 - 1;

/** Ranges of a table: ascending starts, and the owner from each up to the next one. */
export class KeptOwners {
  readonly #starts: Float64Array;
  readonly #owners: Uint32Array;
  /** Number of rows of the table; others count as unknown. */
  readonly #rows: number;

  constructor(starts: Uint32Array, owners: Uint32Array, rows: number) {
    this.#starts = new Float64Array(starts);
    this.#owners = owners;
    this.#rows = rows;
  }

  /** Returns whether columns that anyone may have written are ranges. */
  static areSound(starts: Uint32Array, owners: Uint32Array): boolean {
    for (let i = 1; i < starts.length; i++) if (starts[i] <= starts[i - 1]) return false;
    return starts.length === owners.length;
  }

  /** Returns the row at an offset in the file, NOTHING or UNKNOWN. */
  at(offset: number): number {
    const range = lastAtOrBefore(this.#starts, offset);
    return range < 0 ? UNKNOWN : this.#rowOf(range);
  }

  #rowOf(range: number): number {
    const row = this.#owners[range] - FIRST;
    return row < this.#rows ? row : UNKNOWN;
  }

  /** Adds the ranges that are known to others of the same rows. */
  addTo(ranges: KeptRanges): void {
    const starts = this.#starts;
    for (let i = 0; i < starts.length; i++) {
      const row = this.#rowOf(i);
      if (row !== UNKNOWN) ranges.add(starts[i], i + 1 < starts.length ? starts[i + 1] : END, row);
    }
  }
}

/** Bytes of memory of a range while it is collected, sorted and encoded; ranges that are charged for at once. */
const RANGE_BYTES = 80, CHARGED = 1024;

/** Ranges that are being collected. Where they overlap, the one that starts first counts. */
export class KeptRanges {
  readonly #lows = float64Column();
  readonly #highs = float64Column();
  readonly #owners = uint32Column();
  readonly #cost: Cost | undefined;

  /** @param cost is charged for what is collected, as held. */
  constructor(cost?: Cost) {
    this.#cost = cost;
  }

  /** Adds the offsets from `low` up to `high`, whose row or answer is `row`; leaves out those beyond what tables have. Throws LimitError. */
  add(low: number, high: number, row: number): void {
    const end = Math.min(high, END);
    if (!(low >= 0 && low < end)) return;
    const last = this.#highs.length - 1, owner = row + FIRST;
    if (last >= 0 && this.#highs.data[last] === low && this.#owners.data[last] === owner) {
      this.#highs.data[last] = end;
      return;
    }
    if (this.#lows.length % CHARGED === 0) this.#cost?.hold(CHARGED * RANGE_BYTES);
    this.#lows.push(low);
    this.#highs.push(end);
    this.#owners.push(owner);
  }

  /** Returns the starts of ascending ranges without gaps, and their owners. */
  columns(): { starts: Uint32Array; owners: Uint32Array } {
    const lows = this.#lows.values(), highs = this.#highs.data, given = this.#owners.data;
    const starts = uint32Column(2 * lows.length + 1), owners = uint32Column(2 * lows.length + 1);
    const emit = (start: number, owner: number) => {
      if (owners.length > 0 && owners.data[owners.length - 1] === owner) return;
      starts.push(start);
      owners.push(owner);
    };
    let end = 0;
    for (const i of byAddress(lows, 0, lows.length)) {
      if (highs[i] <= end) continue;
      if (lows[i] > end) emit(end, UNKNOWN + FIRST);
      emit(Math.max(lows[i], end), given[i]);
      end = highs[i];
    }
    emit(end, UNKNOWN + FIRST);
    return { starts: starts.values(), owners: owners.values() };
  }
}
