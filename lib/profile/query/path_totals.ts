/**
 * Total weight of places: for each place the weight of all stacks that contain it, counted once however often it
 * recurs. Weights are added up along the tree of stacks, so a stack costs one step, not its depth.
 */

import type { AggregationKeys } from "./aggregation_keys.ts";
import type { Profile } from "../model/profile.ts";

/** Adder of total weights along the tree of stacks. */
export class PathTotals {
  readonly #parent: Int32Array;
  readonly #frame: Int32Array;
  readonly #ofFrame: Int32Array;
  /** Count and period of each stack; while it has any, also its first child and next sibling. */
  readonly #weight: Float64Array;
  readonly #first: Int32Array;
  readonly #next: Int32Array;
  /** 1 for stacks to which weight was added, on them or above them. */
  readonly #touched: Uint8Array;
  readonly #all: Int32Array;
  #count = 0;
  /** Number of times that each place is on the path being walked. */
  readonly #onPath: Int32Array;

  constructor({ stacks }: Profile, places: AggregationKeys) {
    const n = stacks.parent.length;
    this.#parent = stacks.parent;
    this.#frame = stacks.frame;
    this.#ofFrame = places.ofFrame;
    this.#weight = new Float64Array(2 * n);
    this.#first = new Int32Array(n).fill(-1);
    this.#next = new Int32Array(n);
    this.#touched = new Uint8Array(n);
    this.#all = new Int32Array(n);
    this.#onPath = new Int32Array(places.symbol.length);
  }

  /** Adds weight to a stack, and so to everything on it. */
  add(stack: number, count: number, period: number): void {
    this.#weight[2 * stack] += count;
    this.#weight[2 * stack + 1] += period;
    for (let node = stack; node >= 0 && this.#touched[node] === 0; node = this.#parent[node]) {
      this.#touched[node] = 1;
      this.#all[this.#count++] = node;
    }
  }

  /** Reports the weight of every place that has any, in one or several parts, and starts again from zero. */
  take(give: (place: number, count: number, period: number) => void): void {
    const parent = this.#parent, first = this.#first, next = this.#next, onPath = this.#onPath;
    let root = -1;
    for (let i = 0; i < this.#count; i++) {
      const node = this.#all[i], above = parent[node];
      next[node] = above < 0 ? root : first[above];
      if (above < 0) root = node;
      else first[above] = node;
    }
    for (let node = root; node >= 0;) {
      onPath[this.#ofFrame[this.#frame[node]]]++;
      if (first[node] >= 0) {
        node = first[node];
        continue;
      }
      // go up until there is another child to go down to
      for (;;) {
        this.#leave(node, give);
        const above = parent[node];
        node = next[node];
        if (node >= 0 || above < 0) break;
        node = above;
      }
    }
    this.#count = 0;
  }

  /** Passes the weight of a finished stack on to its parent, and clears it. */
  #leave(node: number, give: (place: number, count: number, period: number) => void): void {
    const weight = this.#weight;
    const count = weight[2 * node], period = weight[2 * node + 1];
    const place = this.#ofFrame[this.#frame[node]];
    // only the outermost frame of a recursion has all of it
    if (--this.#onPath[place] === 0) give(place, count, period);
    const parent = this.#parent[node];
    if (parent >= 0) {
      weight[2 * parent] += count;
      weight[2 * parent + 1] += period;
    }
    weight[2 * node] = weight[2 * node + 1] = 0;
    this.#first[node] = -1;
    this.#touched[node] = 0;
  }
}
