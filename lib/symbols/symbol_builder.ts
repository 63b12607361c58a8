/**
 * From the candidates of an object to its SymbolTable, by the rules of Linux perf (6.1), so that both
 * tools give a sample to the same symbol:
 *
 *  1. a symbol without a size ends where the next one starts; the last one ends at the page boundary
 *     behind the next page;
 *  2. of several that start at one address the best stays: one with a size, not weak, global, with
 *     fewer underscores in front, with the longer name, else the earlier;
 *  3. where ranges still overlap, the symbol wins that a search of perf's tree meets first.
 *
 * Step 1 comes before step 2: of aliases without a size, only the last has got one by then, and wins.
 */

import { RbTree } from "./rb_tree.ts";
import type { SymbolNames } from "./symbol_names.ts";
import { SymbolTable } from "./symbol_table.ts";

/** Symbol binding as st_info has it. */
export const STB = { LOCAL: 0, GLOBAL: 1, WEAK: 2 } as const;

const PAGE = 4096;

/** Candidates in the order of their source, in parallel arrays. */
export interface Candidates {
  starts: Float64Array;
  /** The address behind the last; equal to the start for a symbol without a size. Rewritten in place. */
  ends: Float64Array;
  /** STB.* */
  binds: Uint8Array;
  names: SymbolNames;
}

/** Takes candidates in, in as many batches as their object has sources, and makes the table. */
export class SymbolTableBuilder {
  readonly #symbols: Candidates;
  readonly #tree: RbTree;
  /** What the tree holds in order, when that is known. */
  #order: Int32Array<ArrayBuffer> | undefined;

  constructor(symbols: Candidates) {
    this.#symbols = symbols;
    this.#tree = new RbTree(symbols.starts);
  }

  /** Inserts candidates [from, to), in that order. */
  insert(from: number, to: number): void {
    if (from < to) this.#order = undefined;
    for (let i = from; i < to; i++) this.#tree.insert(i);
  }

  /** Applies rules 1 and 2 to everything inserted so far. */
  settle(): void {
    const order = this.#tree.inOrder();
    stretchEmpty(order, this.#symbols);
    this.#order = dropAliases(order, this.#symbols, (loser) => this.#tree.remove(loser));
  }

  /** The table of everything inserted and not dropped. */
  finish(): SymbolTable {
    const { starts, ends, names } = this.#symbols;
    const order = this.#order ?? this.#tree.inOrder();
    return tableOf(order, starts, ends, names, (address) => this.#tree.find(address, ends));
  }
}

/** Rule 1. `order` lists the symbols by address. */
export function stretchEmpty(order: Int32Array, { starts, ends }: Candidates): void {
  const last = order.length - 1;
  for (let i = 0; i < last; i++) {
    const symbol = order[i];
    if (ends[symbol] === starts[symbol]) ends[symbol] = starts[order[i + 1]];
  }
  if (last < 0) return;
  const symbol = order[last];
  if (ends[symbol] === starts[symbol]) ends[symbol] = Math.ceil(starts[symbol] / PAGE) * PAGE + PAGE;
}

/** Rule 2. `order` lists the symbols by address; `drop` is told of every one that loses. Returns the winners in order. */
export function dropAliases(
  order: Int32Array,
  symbols: Candidates,
  drop?: (loser: number) => void,
): Int32Array<ArrayBuffer> {
  const kept = new Int32Array(order.length);
  let n = 0;
  for (let i = 0; i < order.length; i++) {
    const symbol = order[i];
    const before = n > 0 ? kept[n - 1] : -1;
    if (before < 0 || symbols.starts[before] !== symbols.starts[symbol]) {
      kept[n++] = symbol;
    } else if (isBetter(symbol, before, symbols)) {
      drop?.(before);
      kept[n - 1] = symbol;
    } else {
      drop?.(symbol);
    }
  }
  return kept.slice(0, n);
}

/** Whether `b` is to be preferred to `a`, which comes before it and starts at the same address. */
function isBetter(b: number, a: number, { starts, ends, binds, names }: Candidates): boolean {
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
  // Of the kernel's names for a system call, those of its alias macros are not wanted.
  return names.startsWith(a, "SyS") || names.startsWith(a, "compat_SyS");
}

/**
 * Rule 3: the table of the symbols in `order` (by address).
 * @param search tells which symbol wins an address that several cover, or -1; -1 there is no symbol at all.
 */
export function tableOf(
  order: Int32Array<ArrayBuffer>,
  starts: Float64Array,
  ends: Float64Array,
  names: SymbolNames,
  search: (address: number) => number,
): SymbolTable {
  const count = order.length;
  const sortedStarts = new Float64Array(count);
  const sortedEnds = new Float64Array(count);
  let overlap = false;
  let reach = -Infinity;
  for (let i = 0; i < count; i++) {
    const start = starts[order[i]];
    const end = Math.max(ends[order[i]], start + 1); // an empty one still holds its own address
    sortedStarts[i] = start;
    sortedEnds[i] = end;
    if (start < reach) overlap = true;
    if (end > reach) reach = end;
  }
  if (!overlap) return new SymbolTable(sortedStarts, sortedEnds, names, order);
  const ranges = flatten(sortedStarts, sortedEnds, order, search);
  return new SymbolTable(sortedStarts, sortedEnds, names, order, ranges);
}

/** Cuts overlapping symbols into disjoint ranges, asking `search` who owns each piece. */
function flatten(
  starts: Float64Array,
  ends: Float64Array,
  order: Int32Array,
  search: (address: number) => number,
): { from: Float64Array; to: Float64Array; owner: Int32Array } {
  const count = starts.length;
  // k symbols have 2k edges, and so at most 2k - 1 pieces between them
  const from = new Float64Array(2 * count);
  const to = new Float64Array(2 * count);
  const owner = new Int32Array(2 * count);
  const positionOf = new Map<number, number>();
  let n = 0;
  for (let first = 0; first < count;) {
    let reach = ends[first];
    let next = first + 1;
    while (next < count && starts[next] < reach) {
      if (ends[next] > reach) reach = ends[next];
      next++;
    }
    if (next === first + 1) {
      from[n] = starts[first];
      to[n] = ends[first];
      owner[n++] = first;
      first = next;
      continue;
    }
    // A cluster of symbols that overlap: between two neighbouring edges the answer is the same.
    const edges = new Float64Array(2 * (next - first));
    edges.set(starts.subarray(first, next));
    edges.set(ends.subarray(first, next), next - first);
    edges.sort();
    positionOf.clear();
    for (let i = first; i < next; i++) positionOf.set(order[i], i);
    for (let i = 0; i + 1 < edges.length; i++) {
      if (edges[i] === edges[i + 1]) continue;
      const winner = positionOf.get(search(edges[i]));
      if (winner === undefined) continue;
      if (n > 0 && owner[n - 1] === winner && to[n - 1] === edges[i]) {
        to[n - 1] = edges[i + 1];
      } else {
        from[n] = edges[i];
        to[n] = edges[i + 1];
        owner[n++] = winner;
      }
    }
    first = next;
  }
  return { from: from.slice(0, n), to: to.slice(0, n), owner: owner.slice(0, n) };
}
