/** The mappings of one address space: disjoint ranges in ascending order. */

const INITIAL = 32;

/** Told when a range loses its head to a new one: gives the mapping that is to stand for what is left. */
export type Recut = (mapping: number, newStart: number) => number;

/** Shared by the processes that have the same mappings, until one of them changes its own. */
export class Space {
  /** Differs between any two states of any two spaces; changes with every change. */
  id: number;
  /** Processes that share it. */
  users = 1;
  #starts: Float64Array;
  #ends: Float64Array;
  #mappings: Int32Array;
  #count = 0;
  #last = 0;

  constructor(id: number, capacity = INITIAL) {
    this.id = id;
    this.#starts = new Float64Array(capacity);
    this.#ends = new Float64Array(capacity);
    this.#mappings = new Int32Array(capacity);
  }

  /** How many ranges. */
  get count(): number {
    return this.#count;
  }

  /** The same mappings in a space of its own. */
  clone(id: number): Space {
    const copy = new Space(id, Math.max(INITIAL, this.#count + 8));
    copy.#starts.set(this.#starts.subarray(0, this.#count));
    copy.#ends.set(this.#ends.subarray(0, this.#count));
    copy.#mappings.set(this.#mappings.subarray(0, this.#count));
    copy.#count = this.#count;
    return copy;
  }

  /** The mapping at `address`, or -1. */
  find(address: number): number {
    const starts = this.#starts;
    const last = this.#last;
    if (last < this.#count && address >= starts[last] && address < this.#ends[last]) {
      return this.#mappings[last];
    }
    const at = this.#firstBehind(address) - 1;
    if (at < 0 || address >= this.#ends[at]) return -1;
    this.#last = at;
    return this.#mappings[at];
  }

  /** Puts a mapping in. What it covers of others is cut away; a range it falls into is cut in two. */
  insert(start: number, end: number, mapping: number, recut: Recut): void {
    if (!(end > start)) return;
    const first = this.#carve(start, end, recut);
    this.#open(first, 1);
    this.#starts[first] = start;
    this.#ends[first] = end;
    this.#mappings[first] = mapping;
  }

  /** Takes away whatever is mapped in [start, end). */
  remove(start: number, end: number, recut: Recut): void {
    if (end > start) this.#carve(start, end, recut);
  }

  /** Forgets every range. */
  clear(): void {
    this.#count = 0;
  }

  /** Index of the first range that starts behind `address`. */
  #firstBehind(address: number): number {
    const starts = this.#starts;
    let low = 0;
    let high = this.#count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (starts[middle] <= address) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Empties [start, end) and gives the index where a range starting there belongs. */
  #carve(start: number, end: number, recut: Recut): number {
    let first = this.#firstBehind(start);
    if (first > 0 && this.#ends[first - 1] > start) first--;
    let behind = first;
    while (behind < this.#count && this.#starts[behind] < end) behind++;
    if (behind === first) return first;
    const keepsHead = this.#starts[first] < start;
    const lastEnd = this.#ends[behind - 1];
    const tail = lastEnd > end ? recut(this.#mappings[behind - 1], end) : -1;
    const from = keepsHead ? first + 1 : first;
    const kept = tail >= 0 ? 1 : 0;
    this.#open(from, kept - (behind - from));
    if (keepsHead) this.#ends[first] = start;
    if (tail >= 0) {
      this.#starts[from] = end;
      this.#ends[from] = lastEnd;
      this.#mappings[from] = tail;
    }
    return from;
  }

  /** Moves the ranges from `at` on by `by` places: opens a gap, or closes one that ends where they are now. */
  #open(at: number, by: number): void {
    const count = this.#count + by;
    if (count > this.#starts.length) this.#grow(count);
    const from = by < 0 ? at - by : at;
    const to = by < 0 ? at : at + by;
    this.#starts.copyWithin(to, from, this.#count);
    this.#ends.copyWithin(to, from, this.#count);
    this.#mappings.copyWithin(to, from, this.#count);
    this.#count = count;
  }

  #grow(count: number): void {
    const capacity = Math.max(count, this.#starts.length * 2);
    const starts = new Float64Array(capacity);
    const ends = new Float64Array(capacity);
    const mappings = new Int32Array(capacity);
    starts.set(this.#starts);
    ends.set(this.#ends);
    mappings.set(this.#mappings);
    this.#starts = starts;
    this.#ends = ends;
    this.#mappings = mappings;
  }
}
