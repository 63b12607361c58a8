/**
 * After how many rounds a check looks at the numbers, and how sure it has to be at each look. A test that is repeated
 * until it finds something finds something: the chance of error is shared out over all looks there may be, and over all
 * that is gated (Bonferroni), so that it holds for the check as a whole.
 */

import { fewestPairs } from "./signed_rank.ts";

/** The chance that a check of two alike commands calls any of its metrics changed, at most: half of it for slower. */
export const ERROR_RATE = 0.01;

/** Each look has this many times the rounds of the look before: five looks from 12 rounds to 100. */
const GROWTH = 1.7;
const MIN_FIRST_LOOK = 12;

export interface LookPlan {
  /** Numbers of rounds, ascending; the last is the most there may be. */
  rounds: number[];
  /** Of the interval at each look. */
  confidence: number;
}

/**
 * The looks of a check of `metrics` numbers with at most `maxRuns` rounds. Where those are too few for the confidence there
 * is one look, which will not be sure enough, and `roundsNeeded()` says how many it takes.
 */
export function planLooks(maxRuns: number, metrics: number): LookPlan {
  const rounds: number[] = [];
  for (let next = firstLook(metrics); next < maxRuns; next = Math.ceil(next * GROWTH)) rounds.push(next);
  // a last step of a few rounds more would cost confidence, and tell nothing new
  if (rounds.length > 1 && maxRuns < rounds[rounds.length - 1] * 1.2) rounds.pop();
  rounds.push(maxRuns);
  return { rounds, confidence: 1 - ERROR_RATE / (rounds.length * metrics) };
}

/** How many rounds it takes at least to decide anything about so many metrics. */
export function roundsNeeded(metrics: number): number {
  return firstLook(metrics);
}

/** Enough for the confidence of a plan of ten looks, which is one of 1000 rounds, so that the first look can decide. */
function firstLook(metrics: number): number {
  return Math.max(MIN_FIRST_LOOK, fewestPairs(1 - ERROR_RATE / (10 * metrics)));
}
