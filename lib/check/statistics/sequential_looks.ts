/**
 * Sequential looks at the numbers of a check: after how many rounds it looks, and how sure it must be at each look. A
 * test that is repeated until it finds something does find something; so the probability of error is divided among
 * all possible looks and all gated metrics (Bonferroni), and holds for the check as a whole.
 */

import { fewestPairs } from "./signed_rank.ts";

/**
 * Largest probability that a check of two identical commands finds any of its metrics changed, half of it for slower.
 */
export const ERROR_RATE = 0.01;

/** Growth of the number of rounds from look to look: five looks from 12 rounds to 100. */
const GROWTH = 1.7;
const MIN_FIRST_LOOK = 12;

/** Planned looks of a check. */
export interface LookPlan {
  /** Numbers of rounds, ascending; the last is the largest there may be. */
  rounds: number[];
  /** Confidence of the interval at each look. */
  confidence: number;
}

/**
 * Plans the looks of a check of `metrics` metrics with at most `maxRuns` rounds. When those are too few for the
 * confidence there is one look, which cannot decide, and roundsNeeded() returns how many it takes.
 */
export function planLooks(maxRuns: number, metrics: number): LookPlan {
  const rounds: number[] = [];
  for (let next = firstLook(metrics); next < maxRuns; next = Math.ceil(next * GROWTH)) rounds.push(next);
  // a last step of a few more rounds would cost confidence and add little information
  if (rounds.length > 1 && maxRuns < rounds[rounds.length - 1] * 1.2) rounds.pop();
  rounds.push(maxRuns);
  return { rounds, confidence: 1 - ERROR_RATE / (rounds.length * metrics) };
}

/** Returns the smallest number of rounds that can decide anything about this many metrics. */
export function roundsNeeded(metrics: number): number {
  return firstLook(metrics);
}

/**
 * Returns the rounds before the first look: enough for the confidence of a plan of ten looks (1000 rounds), so that
 * the first look can decide.
 */
function firstLook(metrics: number): number {
  return Math.max(MIN_FIRST_LOOK, fewestPairs(1 - ERROR_RATE / (10 * metrics)));
}
