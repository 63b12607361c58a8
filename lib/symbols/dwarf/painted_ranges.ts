/**
 * Table of who an address belongs to, made of ranges that overlap: functions, and the functions inlined into them. Where
 * ranges overlap, the one that was added last is on top, as if each was painted over those before it:
 *
 *     added:  main   |----------------------|            painted:  |--|----|----|----|------|
 *             outer     |--------------|                           main outer inner outer main
 *             inner          |----|
 */

import { lastAtOrBefore } from "../../base/bytes/ascending.ts";
import { float64Column, int32Column } from "../../base/bytes/column.ts";
import { type Cost, WORK } from "../object/limits.ts";
import { byAddress } from "../table/symbol_builder.ts";

/** Bytes of memory of a range while it is collected and sorted, and of a painted one. */
const RANGE_BYTES = 60;
/** Ranges whose memory is charged at once. */
const CHARGED = 1024;

/** Painted ranges: ascending starts, and the owner from each up to the next one; -1 for none. */
export class PaintedRanges {
  readonly #starts: Float64Array;
  readonly #owners: Int32Array;

  constructor(starts: Float64Array, owners: Int32Array) {
    this.#starts = starts;
    this.#owners = owners;
  }

  /** Returns whose range an address is in, or -1. */
  at(address: number): number {
    const at = lastAtOrBefore(this.#starts, address);
    return at < 0 ? -1 : this.#owners[at];
  }

  /** Gives all ranges between two addresses, ascending and without gaps, and their owners; -1 for none. */
  within(low: number, high: number, take: (low: number, high: number, owner: number) => void): void {
    const starts = this.#starts, owners = this.#owners;
    let at = lastAtOrBefore(starts, low);
    for (let from = low; from < high; at++) {
      const to = at + 1 < starts.length ? Math.min(starts[at + 1], high) : high;
      take(from, to, at < 0 ? -1 : owners[at]);
      from = to;
    }
  }
}

/** Ranges that are being collected. */
export class RangePainter {
  readonly #lows = float64Column();
  readonly #highs = float64Column();
  readonly #owners = int32Column();
  readonly #cost: Cost;

  constructor(cost: Cost) {
    this.#cost = cost;
  }

  /** Adds a range on top of those added before. Throws LimitError. */
  add(low: number, high: number, owner: number): void {
    if (this.#lows.length % CHARGED === 0) this.#cost.hold(CHARGED * RANGE_BYTES);
    this.#lows.push(low);
    this.#highs.push(high);
    this.#owners.push(owner);
  }

  /** Paints the ranges. */
  paint(): PaintedRanges {
    const lows = this.#lows.values(), highs = this.#highs.values(), owners = this.#owners.values();
    this.#cost.work(lows.length * WORK.addressRange);
    const order = byAddress(lows, 0, lows.length, this.#cost);
    const starts = float64Column(), painted = int32Column();
    const emit = (at: number, owner: number) => {
      const last = starts.length - 1;
      if (last >= 0 && starts.data[last] === at) painted.data[last] = owner;
      else if (last < 0 ? owner >= 0 : painted.data[last] !== owner) {
        starts.push(at);
        painted.push(owner);
      }
    };
    const open = new NumberHeap(); // ranges that have begun; those that have ended leave once they are on top
    const closeTo = (at: number) => {
      for (let top; (top = open.top) >= 0 && highs[top] <= at;) {
        const end = highs[top];
        while (open.top >= 0 && highs[open.top] <= end) open.pop();
        emit(end, open.top < 0 ? -1 : owners[open.top]);
      }
    };
    for (const range of order) {
      closeTo(lows[range]);
      const covered = open.top > range;
      open.push(range);
      if (!covered) emit(lows[range], owners[range]);
    }
    closeTo(Infinity);
    return new PaintedRanges(starts.values().slice(), painted.values().slice());
  }
}

/** Heap of numbers, the greatest on top. */
class NumberHeap {
  readonly #numbers: number[] = [];

  /** Greatest number, -1 if there is none. */
  get top(): number {
    return this.#numbers.length > 0 ? this.#numbers[0] : -1;
  }

  push(number: number): void {
    const numbers = this.#numbers;
    let at = numbers.length;
    numbers.push(number);
    for (let parent; at > 0 && numbers[parent = (at - 1) >> 1] < number; at = parent) {
      numbers[at] = numbers[parent];
    }
    numbers[at] = number;
  }

  pop(): void {
    const numbers = this.#numbers, last = numbers.pop()!, { length } = numbers;
    if (length === 0) return;
    let at = 0;
    for (let child; (child = 2 * at + 1) < length; at = child) {
      if (child + 1 < length && numbers[child + 1] > numbers[child]) child++;
      if (numbers[child] <= last) break;
      numbers[at] = numbers[child];
    }
    numbers[at] = last;
  }
}
