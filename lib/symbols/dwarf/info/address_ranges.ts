/**
 * Ranges of addresses of units as .debug_aranges lists them, which is quicker to read than the units (DWARF 5, section
 * 6.1.2). Not all compilers write it, so it may leave out units.
 */

import { float64Column, int32Column } from "../../../base/bytes/column.ts";
import { WORK } from "../../object/limits.ts";
import { isDropped, type TakeRange } from "./range_lists.ts";
import { sectionReader, type Units } from "./units.ts";

/** Bytes of the longest header of a set. */
const MAX_HEADER = 32;
/** Bytes of memory of a range; ranges that are charged for at once. */
const RANGE_BYTES = 40, CHARGED = 1024;

/** Listed ranges, by the row of their unit. */
export class AddressRanges {
  readonly #lows = float64Column();
  readonly #highs = float64Column();
  /** Range before each of the same unit, and the last one of each unit; -1 for none. */
  readonly #before = int32Column();
  readonly #last: Int32Array;

  constructor(units: number) {
    this.#last = new Int32Array(units).fill(-1);
  }

  /** Returns whether the list has a unit. */
  has(row: number): boolean {
    return this.#last[row] >= 0;
  }

  /** Gives the ranges of a unit, the last one first. */
  each(row: number, take: TakeRange): void {
    for (let at = this.#last[row]; at >= 0; at = this.#before.data[at]) {
      take(this.#lows.data[at], this.#highs.data[at]);
    }
  }

  /** Adds a range, and returns how many there are. */
  add(row: number, low: number, high: number): number {
    this.#before.push(this.#last[row]);
    this.#highs.push(high);
    this.#last[row] = this.#lows.push(low);
    return this.#lows.length;
  }
}

/** Reads .debug_aranges; empty if there is none. Throws BadInputError, LimitError. */
export function readAddressRanges(units: Units): AddressRanges {
  const { info: { cost } } = units, section = sectionReader(units.info, ".debug_aranges");
  const ranges = new AddressRanges(units.count);
  for (let at = 0; section && at < section.size;) {
    cost.work(WORK.debugUnit);
    const r = section.at(at, MAX_HEADER), start = r.pos;
    const { length, offsetSize } = r.unitLength(), end = at + r.pos - start + length;
    if (!(length > 0) || end > section.size) break;
    r.u16(); // version: 2 in all versions of DWARF
    const row = units.rowOf(r.sized(offsetSize)), addressSize = r.u8(), segmentSize = r.u8();
    const isKnown = row >= 0 && segmentSize === 0 && (addressSize === 4 || addressSize === 8);
    // the ranges are aligned to their size
    const header = r.pos - start, size = 2 * addressSize;
    for (let range = at + Math.ceil(header / size) * size; isKnown && range + size <= end; range += size) {
      cost.work(WORK.addressRange);
      const r = section.at(range, size), low = r.sized(addressSize), bytes = r.sized(addressSize);
      if (!(bytes > 0) || isDropped(low, { addressSize })) continue;
      if (ranges.add(row, low, low + bytes) % CHARGED === 1) cost.hold(CHARGED * RANGE_BYTES);
    }
    at = end;
  }
  return ranges;
}
