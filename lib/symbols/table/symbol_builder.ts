/**
 * Builder of an object's SymbolTable from candidates, by the rules of Linux perf (6.1), so that both tools give a
 * sample to the same symbol:
 *
 *     1. a symbol without a size ends where the next one starts; the last one ends at the page boundary
 *        behind the next page;
 *     2. of several that start at one address the best stays: one with a size, not weak, global, with
 *        fewer underscores in front, with the longer name, else the earlier;
 *     3. where ranges still overlap, the symbol wins that a search of perf's tree meets first.
 *
 * Rule 1 comes before rule 2: of aliases without a size, only the last one has a size by then, and wins.
 */

import { float64Column, int32Column } from "../../base/bytes/column.ts";
import { Cost, WORK } from "../object/limits.ts";
import { RbTree } from "./rb_tree.ts";
import type { SymbolNames } from "./symbol_names.ts";
import { SymbolTable } from "./symbol_table.ts";

/** Symbol bindings, as in st_info. */
export const STB = { LOCAL: 0, GLOBAL: 1, WEAK: 2 } as const;

const PAGE = 4096;
/** Bytes of memory of a candidate while its table is made, besides SymbolCandidates. */
export const BUILDER_BYTES = 40;
/** Bytes of memory of a candidate in a search tree, and while that is made. */
const TREE_BYTES = 25, TREE_MAKING_BYTES = 8;

/** Candidates in the order of their source, as parallel columns. */
export interface SymbolCandidates {
  starts: Float64Array;
  /** Addresses behind the last one; equal to the start for a symbol without a size. Changed in place. */
  ends: Float64Array;
  /** Bindings: STB.*. */
  binds: Uint8Array;
  names: SymbolNames;
}

/** Step of building: candidates [from, to) were added, or some that started at `starts` were removed. */
type Step = { from: number; to: number } | { gone: Int32Array; starts: Float64Array };

/**
 * Builder that takes candidates in as many batches as their object has sources. perf keeps a tree of them throughout;
 * here they are in sorted arrays, and the tree is built only when an address is looked up that several symbols cover.
 */
export class SymbolTableBuilder {
  readonly #symbols: SymbolCandidates;
  readonly #cost: Cost;
  readonly #steps: Step[] = [];
  /** Symbols so far, by address; those with the same address in the order in which they were added. */
  #order: Int32Array<ArrayBuffer> = new Int32Array(0);

  /** @param cost is charged for a tree; whoever makes the candidates charges for the rest. */
  constructor(symbols: SymbolCandidates, cost = new Cost()) {
    this.#symbols = symbols;
    this.#cost = cost;
  }

  /** Inserts candidates [from, to), in that order. */
  insert(from: number, to: number): void {
    const { starts } = this.#symbols;
    this.#steps.push({ from, to });
    this.#order = merge(this.#order, byAddress(starts, from, to, this.#cost), starts);
  }

  /** Applies rules 1 and 2 to everything inserted so far. */
  settle(): void {
    const gone = int32Column(), starts = float64Column();
    endUnsized(this.#order, this.#symbols);
    this.#order = dropAliases(this.#order, this.#symbols, (loser) => {
      gone.push(loser);
      starts.push(this.#symbols.starts[loser]);
    });
    this.#steps.push({ gone: gone.values(), starts: starts.values() });
  }

  /** Makes the table of everything that was inserted and not dropped. It keeps only the names of the candidates. */
  finish(): SymbolTable {
    const { starts, ends, names } = this.#symbols;
    const order = this.#order, steps = this.#steps, cost = this.#cost;
    let tree: ReturnType<typeof replayed> | undefined;
    return sortedTable(order, starts, ends, names, (sorted) => (address) => {
      tree ??= replayed(order, sorted.starts, steps, cost);
      const symbol = tree.tree.find(address, sorted.ends, tree.places);
      return symbol < 0 ? -1 : tree.places[symbol];
    });
  }
}

/**
 * Builds the tree that perf has after all steps, and the position of each of its symbols in `order`. Throws LimitError.
 */
function replayed(order: Int32Array, sortedStarts: Float64Array, steps: readonly Step[], cost: Cost) {
  const count = steps.reduce((n, step) => "gone" in step ? n : Math.max(n, step.to), 0);
  cost.work(count * WORK.node);
  cost.keep(count * TREE_BYTES);
  cost.hold(count * TREE_MAKING_BYTES);
  const keys = new Float64Array(count);
  const places = new Int32Array(count);
  order.forEach((symbol, place) => {
    keys[symbol] = sortedStarts[place];
    places[symbol] = place;
  });
  for (const step of steps) {
    if ("gone" in step) step.gone.forEach((symbol, i) => keys[symbol] = step.starts[i]);
  }
  const tree = new RbTree(keys);
  for (const step of steps) {
    if ("gone" in step) { for (const symbol of step.gone) tree.remove(symbol); }
    else for (let i = step.from; i < step.to; i++) tree.insert(i);
  }
  cost.release(count * TREE_MAKING_BYTES);
  return { tree, places };
}

/** Sorts indices [from, to) by `starts`, and then by index. Charges `cost` if that takes longer than usual. */
export function byAddress(
  starts: Float64Array,
  from: number,
  to: number,
  cost?: Cost,
): Int32Array<ArrayBuffer> {
  const order = new Int32Array(to - from);
  let least = Infinity, most = -Infinity;
  for (let i = from; i < to; i++) {
    if (starts[i] < least) least = starts[i];
    if (starts[i] > most) most = starts[i];
  }
  const unit = 2 ** Math.ceil(Math.log2(order.length)); // a power of two, to divide by without rounding
  const fits = (distance: number) => distance * unit < Number.MAX_SAFE_INTEGER - unit;
  if (fits(most) && fits(-least)) sortFrom(0, unit, starts, from, order);
  else if (fits(most - least)) sortFrom(least, unit, starts, from, order);
  else {
    cost?.work(order.length * WORK.node);
    sortByDigits(starts, from, order);
  }
  return order;
}

/**
 * Sorts by the distances of the starts from `base`. Each distance and index is packed into one double, which the engine
 * sorts without calls: a tenth of the time of a comparison function for 200,000 symbols.
 */
function sortFrom(base: number, unit: number, starts: Float64Array, from: number, order: Int32Array): void {
  const count = order.length;
  const keys = new Float64Array(count);
  for (let i = 0; i < count; i++) keys[i] = (starts[from + i] - base) * unit + i;
  keys.sort();
  for (let i = 0; i < count; i++) {
    const key = keys[i];
    order[i] = from + key - Math.floor(key / unit) * unit;
  }
}

/** Digits of a double's bits, lowest first: 11 bits each, or the rest of a word. */
const DIGITS: readonly { word: 0 | 1; shift: number }[] = [0, 1].flatMap((word) =>
  [0, 11, 22].map((shift) => ({ word: word as 0 | 1, shift }))
);
const DIGIT = 2 ** 11;

/**
 * Sorts addresses too far apart for exact doubles with a radix sort of the doubles' bits, which ascend like the
 * addresses once the sign is flipped. Round N keeps the order of those with equal digit N.
 */
function sortByDigits(starts: Float64Array, from: number, order: Int32Array): void {
  const count = order.length;
  const doubles = Float64Array.from(starts.subarray(from, from + count), (start) => start + 0); // no -0
  const words = new Uint32Array(doubles.buffer);
  for (let at = 0; at < words.length; at += 2) {
    const negative = words[at + 1] >= 2 ** 31;
    if (negative) words[at] = ~words[at];
    words[at + 1] ^= negative ? -1 : -(2 ** 31);
  }
  let previous = new Int32Array(count).map((_, i) => i), next = new Int32Array(count);
  for (const { word, shift } of DIGITS) {
    const places = new Uint32Array(DIGIT + 1);
    for (let i = 0; i < count; i++) places[(words[2 * i + word] >>> shift) % DIGIT + 1]++;
    if (places.includes(count)) continue; // all have the same digit
    for (let digit = 1; digit < DIGIT; digit++) places[digit] += places[digit - 1];
    for (let at = 0; at < count; at++) {
      const i = previous[at];
      next[places[(words[2 * i + word] >>> shift) % DIGIT]++] = i;
    }
    [previous, next] = [next, previous];
  }
  for (let i = 0; i < count; i++) order[i] = from + previous[i];
}

/** Merges two ascending lists; of equal starts those of `a` come first. */
function merge(a: Int32Array<ArrayBuffer>, b: Int32Array<ArrayBuffer>, starts: Float64Array) {
  if (a.length === 0) return b;
  const merged = new Int32Array(a.length + b.length);
  for (let i = 0, j = 0, n = 0; n < merged.length; n++) {
    const fromA = j === b.length || (i < a.length && starts[a[i]] <= starts[b[j]]);
    merged[n] = fromA ? a[i++] : b[j++];
  }
  return merged;
}

/** Applies rule 1. `order` lists the symbols by address. */
function endUnsized(order: Int32Array, { starts, ends }: SymbolCandidates): void {
  const last = order.length - 1;
  if (last < 0) return;
  const final = order[last];
  let next = starts[final];
  if (ends[final] === next) ends[final] = Math.ceil(next / PAGE) * PAGE + PAGE;
  for (let i = last - 1; i >= 0; i--) {
    const symbol = order[i], start = starts[symbol];
    if (ends[symbol] === start) ends[symbol] = next;
    next = start;
  }
}

/**
 * Applies rule 2. `order` lists the symbols by address; `drop` is called with every loser. Returns the winners in
 * order.
 */
export function dropAliases(
  order: Int32Array,
  symbols: SymbolCandidates,
  drop?: (loser: number) => void,
): Int32Array<ArrayBuffer> {
  const { starts, names } = symbols;
  if (names.far) names.prepare?.(order.filter((symbol, i) => isShared(starts, order, i, symbol)));
  const kept = new Int32Array(order.length);
  let n = -1, keptStart = NaN;
  for (let i = 0; i < order.length; i++) {
    const symbol = order[i], start = starts[symbol];
    if (start !== keptStart) {
      kept[++n] = symbol;
      keptStart = start;
    } else if (isBetter(symbol, kept[n], symbols)) {
      drop?.(kept[n]);
      kept[n] = symbol;
    } else {
      drop?.(symbol);
    }
  }
  names.done?.();
  return kept.slice(0, n + 1);
}

/** Returns whether another symbol starts where the one at index `i` of `order` does. */
function isShared(starts: Float64Array, order: Int32Array, i: number, symbol: number): boolean {
  return starts[order[i - 1]] === starts[symbol] || starts[order[i + 1]] === starts[symbol];
}

/** Returns whether `b` is preferred to `a`, which comes before it and starts at the same address. */
function isBetter(b: number, a: number, { starts, ends, binds, names }: SymbolCandidates): boolean {
  const aSized = ends[a] > starts[a];
  const bSized = ends[b] > starts[b];
  if (aSized !== bSized) return bSized;
  const aWeak = binds[a] === STB.WEAK;
  const bWeak = binds[b] === STB.WEAK;
  if (aWeak !== bWeak) return aWeak;
  const aGlobal = binds[a] === STB.GLOBAL;
  const bGlobal = binds[b] === STB.GLOBAL;
  if (aGlobal !== bGlobal) return bGlobal;
  const underscores = names.underscores(a) - names.underscores(b);
  if (underscores !== 0) return underscores > 0;
  const longer = names.length(b) - names.length(a);
  if (longer !== 0) return longer > 0;
  // of the kernel's names for a system call, those of its alias macros lose
  return names.isSyscallAlias(a);
}

/** Symbols sorted by address. */
interface Sorted {
  starts: Float64Array;
  ends: Float64Array;
}

/**
 * Makes the table of the symbols in `order` (by address), with rule 3.
 * @param searchIn returns a function from an address that several symbols may cover to the index in `order` of the one
 *   that wins; -1 for none.
 */
function sortedTable(
  order: Int32Array<ArrayBuffer>,
  starts: Float64Array,
  ends: Float64Array,
  names: SymbolNames,
  searchIn: (sorted: Sorted) => (address: number) => number,
): SymbolTable {
  const count = order.length;
  const sortedStarts = new Float64Array(count), sortedEnds = new Float64Array(count);
  const sorted: Sorted = { starts: sortedStarts, ends: sortedEnds };
  const from = float64Column(), to = float64Column();
  let reach = -Infinity, first = 0;
  for (let i = 0; i <= count; i++) {
    const symbol = i < count ? order[i] : -1;
    const start = symbol < 0 ? Infinity : starts[symbol];
    if (start >= reach) {
      if (first < i - 1) {
        from.push(sortedStarts[first]);
        to.push(reach);
      }
      first = i;
    }
    if (symbol < 0) break;
    const end = Math.max(ends[symbol], start + 1); // an empty symbol still covers its own address
    sortedStarts[i] = start;
    sortedEnds[i] = end;
    if (end > reach) reach = end;
  }
  const overlaps = from.length === 0
    ? undefined
    : { from: from.values(), to: to.values(), search: searchIn(sorted) };
  return new SymbolTable(sorted.starts, sorted.ends, names, order, overlaps);
}
