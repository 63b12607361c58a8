/**
 * Sequential looks at the numbers of a check: after how many rounds it looks, and how sure it must be at each look. A
 * test that is repeated until it finds something does find something; so the probability of error is divided among
 * all possible looks and all sources that may decide (Bonferroni), and holds for the check as a whole.
 */

import { fewestPairs } from "./signed_rank.ts";
import { testConfidence } from "./pairs.ts";

/**
 * Largest probability that a check of two identical commands finds any of its metrics changed, half of it for slower.
 */
export const ERROR_RATE = 0.01;

/** Growth of the number of rounds from look to look: five looks from 13 rounds to 100. */
const GROWTH = 1.7;
const MIN_FIRST_LOOK = 12;
/** Looks of the longest check there can be: those of MAX_RUNS rounds. */
const MOST_LOOKS = 18;

/** Largest number of rounds that a check can be allowed. */
export const MAX_RUNS = 100_000;

/**
 * Planned looks of a check. One that a budget ends before the last of them may look once more at its end: it makes no
 * more looks than were planned.
 */
export interface LookPlan {
  /** Numbers of rounds, ascending; the last is the largest there may be. */
  rounds: number[];
  /** Confidence of the interval at each look. */
  confidence: number;
  /** Smallest number of rounds that can decide anything. */
  needed: number;
}

/**
 * Plans the looks of a check that `sources` metric sources may decide, with at most `maxRuns` rounds. When those are too few for the
 * confidence there is one look, which cannot decide.
 */
export function planLooks(maxRuns: number, sources: number): LookPlan {
  const rounds: number[] = [], needed = firstLook(sources);
  for (let next = needed; next < maxRuns; next = Math.ceil(next * GROWTH)) rounds.push(next);
  // a last step of a few more rounds would cost confidence and add little information
  if (rounds.length > 1 && maxRuns < rounds[rounds.length - 1] * 1.2) rounds.pop();
  rounds.push(maxRuns);
  return { rounds, needed, confidence: 1 - ERROR_RATE / (rounds.length * sources) };
}

/**
 * Returns the rounds before the first look: enough for the confidence of the plan with most looks, so that the first
 * look can decide.
 */
function firstLook(sources: number): number {
  return Math.max(MIN_FIRST_LOOK, fewestPairs(testConfidence(1 - ERROR_RATE / (MOST_LOOKS * sources))));
}
