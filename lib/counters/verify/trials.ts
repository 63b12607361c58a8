/**
 * What the kernel's yes or no can tell about a set that it refuses: which requests get in each other's way,
 * and in how few passes all of them can be counted. `opens` is asked about positions of requests, in
 * ascending order, and is taken to be monotone: what does not open does not open with more beside it.
 */

/** Whether these requests, by position, open together. */
export type OpensTogether = (subset: readonly number[]) => boolean;

/** Trials before an answer that is good, but not proven the best, is taken: about a second of system calls. */
const MAX_TRIALS = 4096;

/**
 * The smallest set of positions, out of `count`, that does not open together; empty when all of them do.
 * Leaving any one of them out lets the rest of them open. Where finding the smallest takes more than
 * some thousand trials, it is a set with that property, though maybe not the smallest.
 */
export function minimalConflict(count: number, opens: OpensTogether): number[] {
  const all = Array.from({ length: count }, (_, position) => position);
  if (count === 0 || opens(all)) return [];
  let conflict = all;
  for (const position of all.toReversed()) { // so that of equals the first are named
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

/** All subsets of `size` members, in lexicographic order. */
function* subsets(members: readonly number[], size: number, from = 0): Generator<number[]> {
  if (size === 0) {
    yield [];
    return;
  }
  for (let i = from; i <= members.length - size; i++) {
    for (const rest of subsets(members, size - 1, i + 1)) yield [members[i], ...rest];
  }
}

/** How to count in turns what does not fit at once. */
export interface Passes {
  /** Positions of the requests of each pass; each pass opens. */
  passes: number[][];
  /** Positions of requests that do not even open alone; in no pass. */
  impossible: number[];
}

/**
 * The fewest passes that between them hold every request once, each of which opens. With many requests
 * of different kinds there may be a way with fewer: the search ends after some thousand steps.
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

/** Each request into the first pass that takes it. */
function firstFit(members: readonly number[], opens: OpensTogether): number[][] {
  const passes: number[][] = [];
  for (const member of members) {
    const at = passes.findIndex((pass) => opens([...pass, member]));
    if (at >= 0) passes[at].push(member);
    else passes.push([member]);
  }
  return passes;
}

/** A way with at most `most` passes, by trying all; undefined when there is none or the steps are used up. */
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
    // of the passes that are still empty the first stands for all
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
