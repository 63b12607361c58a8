/** Ranges of addresses that belong to a function or a unit: .debug_ranges and .debug_rnglists (DWARF 5, section 7.25). */

import { WORK } from "../../object/limits.ts";
import type { LineReader } from "../dwarf_line_header.ts";
import { FORM, RLE } from "./constants.ts";
import type { SectionReader } from "./section_reader.ts";
import { sectionReader, type Unit, type Units } from "./units.ts";

/** Bytes of the longest entry: a kind and two numbers. */
const MAX_ENTRY = 32;

/** Takes a range: its first address, and the one behind its last. */
export type TakeRange = (low: number, high: number) => void;

/** Reader of the range lists of a file. */
export class RangeLists {
  readonly #units: Units;
  readonly #isSplit: boolean;
  readonly #ranges: SectionReader | undefined;
  readonly #lists: SectionReader | undefined;

  /** @param isSplit whether the units were split from others, which have the ranges. */
  constructor(units: Units, isSplit = false) {
    this.#units = units;
    this.#isSplit = isSplit;
    this.#ranges = sectionReader(units.info, ".debug_ranges");
    this.#lists = sectionReader(units.info, ".debug_rnglists");
  }

  /** Reads the ranges of a unit from its first entry. */
  ofUnit(unit: Unit, take: TakeRange): void {
    const { low, high, ranges } = this.#units.rootOf(unit);
    if (ranges) this.each(unit, ranges.form, ranges.value, take);
    else this.#take(unit, low, high, take);
  }

  /** Reads the list that an attribute with this form and value refers to. Throws LimitError. */
  each(unit: Unit, form: number, value: number, take: TakeRange): void {
    if (unit.version < 5) {
      this.#pairs(unit, value + (this.#isSplit ? this.#units.rootOf(unit).ranges4 : 0), take);
    } else this.#entries(unit, form === FORM.RNGLISTX ? this.#offsetOf(unit, value) : value, take);
  }

  /** Passes on a range, unless it is empty or of code that the linker dropped. */
  #take(unit: Unit, low: number, high: number, take: TakeRange): void {
    this.#units.info.cost.work(WORK.addressRange);
    if (low < high && !isDropped(low, unit)) take(low, high);
  }

  /** Returns the offset of list number `index` of a unit. */
  #offsetOf(unit: Unit, index: number): number {
    const base = this.#units.rootOf(unit).rangeLists, at = base + index * unit.offsetSize;
    if (!this.#lists || !(at >= 0 && at < this.#lists.size)) return NaN;
    return base + this.#lists.at(at, unit.offsetSize).sized(unit.offsetSize);
  }

  /** Reads a list of DWARF 2 to 4: pairs of offsets from a base, up to one of zeros. */
  #pairs(unit: Unit, offset: number, take: TakeRange): void {
    const { addressSize } = unit, section = this.#ranges;
    let base = this.#units.rootOf(unit).low;
    if (Number.isNaN(base)) base = 0;
    const choosesBase = addressSize === 8 ? -1 : 2 ** (8 * addressSize) - 1;
    if (!section || !(offset >= 0)) return;
    for (let at = offset; at + 2 * addressSize <= section.size; at += 2 * addressSize) {
      const r = section.at(at, 2 * addressSize);
      const low = r.sized(addressSize), high = r.sized(addressSize);
      if (low === 0 && high === 0) return;
      if (low === choosesBase) base = high;
      else if (base === 0 || !isDropped(base, unit)) this.#take(unit, base + low, base + high, take);
    }
  }

  /** Reads a list of DWARF 5. */
  #entries(unit: Unit, offset: number, take: TakeRange): void {
    const section = this.#lists, { addressSize } = unit;
    if (!section || !(offset >= 0)) return;
    let base = this.#units.rootOf(unit).low;
    if (Number.isNaN(base)) base = 0;
    const address = (r: LineReader) => r.sized(addressSize);
    const indexed = (r: LineReader) => this.#units.addressAt(unit, r.uleb());
    for (let at = offset; at < section.size;) {
      const r = section.at(at, MAX_ENTRY), start = r.pos;
      let low = 0, high = 0;
      switch (r.u8()) {
        case RLE.BASE_ADDRESSX:
          base = indexed(r);
          break;
        case RLE.BASE_ADDRESS:
          base = address(r);
          break;
        case RLE.STARTX_ENDX:
          low = indexed(r), high = indexed(r);
          break;
        case RLE.STARTX_LENGTH:
          low = indexed(r), high = low + r.uleb();
          break;
        case RLE.START_END:
          low = address(r), high = address(r);
          break;
        case RLE.START_LENGTH:
          low = address(r), high = low + r.uleb();
          break;
        case RLE.OFFSET_PAIR:
          if (base !== 0 && isDropped(base, unit)) r.uleb(), r.uleb();
          else low = base + r.uleb(), high = base + r.uleb();
          break;
        default: // the end, or unknown
          return;
      }
      at += r.pos - start;
      this.#take(unit, low, high, take);
    }
  }
}

/** Returns whether code at this address is code that the linker dropped: it starts at 0, 1, -1 or -2. */
export function isDropped(low: number, { addressSize }: Pick<Unit, "addressSize">): boolean {
  const most = addressSize === 8 ? 0 : 2 ** (8 * addressSize);
  return low === 0 || low === 1 || low === most - 1 || low === most - 2;
}
