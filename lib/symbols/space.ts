/** The mappings of one address space: disjoint ranges in ascending order. */

/** Numbers of a range: its start, its end, its mapping. Together, so that a copy for a new process is one. */
const RANGE = 3;
/** A copy has room for as many ranges more: the mappings of a small program. */
const MORE = 8 * RANGE;
const EMPTY = new Float64Array(0);

/** Told when a range loses its head to a new one: gives the mapping that is to stand for what is left. */
export type Recut = (mapping: number, newStart: number) => number;

/** Shared by the processes that have the same mappings, until one of them changes its own. */
export class Space {
  /** Differs between any two states of any two spaces; changes with every change. */
  id: number;
  /** Processes that share it. */
  users = 1;
  #ranges = EMPTY;
  /** How many of the numbers in #ranges are in use. */
  #used = 0;
  /** Where in #ranges the last look-up ended. */
  #last = 0;

  constructor(id: number) {
    this.id = id;
  }

  /** How many ranges. */
  get count(): number {
    return this.#used / RANGE;
  }

  /** The same mappings in a space of its own. */
  clone(id: number): Space {
    const copy = new Space(id);
    copy.#ranges = new Float64Array(this.#used + MORE);
    copy.#ranges.set(this.#ranges.length > this.#used ? this.#ranges.subarray(0, this.#used) : this.#ranges);
    copy.#used = this.#used;
    return copy;
  }

  /** The mapping at `address`, or -1. */
  find(address: number): number {
    const ranges = this.#ranges;
    const last = this.#last;
    if (last < this.#used && address >= ranges[last] && address < ranges[last + 1]) {
      return ranges[last + 2] | 0;
    }
    const at = this.#firstBehind(address) - RANGE;
    if (at < 0 || address >= ranges[at + 1]) return -1;
    this.#last = at;
    return ranges[at + 2] | 0;
  }

  /** Puts a mapping in. What it covers of others is cut away; a range it falls into is cut in two. */
  insert(start: number, end: number, mapping: number, recut: Recut): void {
    if (!(end > start)) return;
    const first = this.#carve(start, end, recut);
    this.#open(first, RANGE);
    this.#set(first, start, end, mapping);
  }

  /** Takes away whatever is mapped in [start, end). */
  remove(start: number, end: number, recut: Recut): void {
    if (end > start) this.#carve(start, end, recut);
  }

  /** Place of the first range that starts behind `address`. */
  #firstBehind(address: number): number {
    const ranges = this.#ranges;
    let low = 0;
    let high = this.#used / RANGE;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (ranges[middle * RANGE] <= address) low = middle + 1;
      else high = middle;
    }
    return low * RANGE;
  }

  /** Empties [start, end) and gives the place where a range starting there belongs. */
  #carve(start: number, end: number, recut: Recut): number {
    const ranges = this.#ranges, used = this.#used;
    let first = this.#firstBehind(start);
    if (first > 0 && ranges[first - RANGE + 1] > start) first -= RANGE;
    let behind = first;
    while (behind < used && ranges[behind] < end) behind += RANGE;
    if (behind === first) return first;
    const keepsHead = ranges[first] < start;
    const lastEnd = ranges[behind - RANGE + 1];
    const tail = lastEnd > end ? recut(ranges[behind - RANGE + 2], end) : -1;
    const from = keepsHead ? first + RANGE : first;
    const kept = tail >= 0 ? RANGE : 0;
    this.#open(from, kept - (behind - from));
    if (keepsHead) this.#ranges[first + 1] = start;
    if (tail >= 0) this.#set(from, end, lastEnd, tail);
    return from;
  }

  #set(at: number, start: number, end: number, mapping: number): void {
    const ranges = this.#ranges;
    ranges[at] = start;
    ranges[at + 1] = end;
    ranges[at + 2] = mapping;
  }

  /** Moves the ranges from `at` on by `by` numbers: opens a gap, or closes one that ends where they are now. */
  #open(at: number, by: number): void {
    if (by === 0) return;
    const used = this.#used + by;
    if (used > this.#ranges.length) {
      const ranges = new Float64Array(Math.max(used, this.#ranges.length * 2, MORE));
      ranges.set(this.#ranges);
      this.#ranges = ranges;
    }
    if (by > 0) this.#ranges.copyWithin(at + by, at, this.#used);
    else this.#ranges.copyWithin(at, at - by, this.#used);
    this.#used = used;
  }
}
