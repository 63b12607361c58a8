/**
 * Analyzes a set that the kernel refuses, by trying subsets: which requests conflict, and in how few passes all can
 * be counted. `opens` is called with positions of requests in ascending order. It is taken to be monotone: a subset
 * that does not open does not open with more requests either.
 */

/** Tests whether the requests at these positions open together. */
export type OpensTogether = (subset: readonly number[]) => boolean;

/** Trials after which a good answer is accepted without proof that it is the best: about a second of system calls. */
const MAX_TRIALS = 4096;

/**
 * Returns the smallest set of positions, out of `count`, that does not open together; empty when all do. Without any
 * one of them, the others open. After MAX_TRIALS, the result still has that property, but may not be the smallest.
 */
export function minimalConflict(count: number, opens: OpensTogether): number[] {
  const all = Array.from({ length: count }, (_, position) => position);
  if (count === 0 || opens(all)) return [];
  let conflict = all;
  for (const position of all.toReversed()) { // so that ties are decided in favour of the first positions
    const rest = conflict.filter((other) => other !== position);
    if (rest.length > 0 && !opens(rest)) conflict = rest;
  }
  let trials = 0;
  for (let size = 1; size < conflict.length; size++) {
    for (const subset of subsets(all, size)) {
      if (++trials > MAX_TRIALS) return conflict;
      if (!opens(subset)) return subset;
    }
  }
  return conflict;
}

/** Yields all subsets with `size` members, in lexicographic order. */
function* subsets(members: readonly number[], size: number, from = 0): Generator<number[]> {
  if (size === 0) {
    yield [];
    return;
  }
  for (let i = from; i <= members.length - size; i++) {
    for (const rest of subsets(members, size - 1, i + 1)) yield [members[i], ...rest];
  }
}

/** Passes that count a set in turns. */
export interface Passes {
  /** Positions of the requests of each pass; each pass opens. */
  passes: number[][];
  /** Positions of requests that do not open even alone, and are in no pass. */
  impossible: number[];
}

/**
 * Returns the fewest passes that open and together hold every request once. With many requests of different kinds, a
 * way with fewer passes may exist: the search is bounded.
 */
export function splitPasses(count: number, opens: OpensTogether): Passes {
  const known = new Map<string, boolean>();
  const asked: OpensTogether = (subset) => {
    const key = subset.join();
    let answer = known.get(key);
    if (answer === undefined) known.set(key, answer = opens(subset));
    return answer;
  };
  const all = Array.from({ length: count }, (_, position) => position);
  const impossible = all.filter((position) => !asked([position]));
  const members = all.filter((position) => !impossible.includes(position));
  if (members.length === 0) return { passes: [], impossible };

  let passes = firstFit(members, asked);
  const budget = { steps: MAX_TRIALS };
  for (let most = 1; most < passes.length; most++) {
    const found = exactly(members, most, asked, budget);
    if (found) passes = found;
    if (found || budget.steps <= 0) break;
  }
  return { passes, impossible };
}

/** Puts each request into the first pass that accepts it. */
function firstFit(members: readonly number[], opens: OpensTogether): number[][] {
  const passes: number[][] = [];
  for (const member of members) {
    const at = passes.findIndex((pass) => opens([...pass, member]));
    if (at >= 0) passes[at].push(member);
    else passes.push([member]);
  }
  return passes;
}

/** Searches for a way with at most `most` passes; undefined when there is none or the steps are used up. */
function exactly(
  members: readonly number[],
  most: number,
  opens: OpensTogether,
  budget: { steps: number },
): number[][] | undefined {
  const passes: number[][] = [];
  const placeFrom = (at: number): boolean => {
    if (at === members.length) return true;
    const member = members[at];
    // All empty passes are alike, so only the first is tried.
    for (let p = 0; p < Math.min(passes.length + 1, most); p++) {
      if (budget.steps-- <= 0) return false;
      if (p === passes.length) passes.push([]);
      if (opens([...passes[p], member])) {
        passes[p].push(member);
        if (placeFrom(at + 1)) return true;
        passes[p].pop();
      }
      if (passes[p].length === 0) passes.pop();
    }
    return false;
  };
  return placeFrom(0) ? passes : undefined;
}
