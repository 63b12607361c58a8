/**
 * The two tests of paired runs. Where noise is even, the signed-rank test needs the fewest pairs. Where a load comes and
 * goes, most pairs that it has touched are far off, and the median of all ratios, by the sign test, needs far fewer: it
 * takes a pair as far off for no more than one that is just off. Nobody knows beforehand which noise there will be, so
 * that both are asked, and the chance of error is divided between them.
 *
 * Neither leaves out a run. For two commands that are the same both need only that old and new could be swapped, which the
 * random order of a pair's runs ensures.
 */

import { signedRankRatio } from "./signed_rank.ts";
import { pairedRatio, type Ratio } from "./statistics.ts";

/** Tests of paired runs, by the name of their method. */
export const PAIR_TESTS = { "signed-rank": signedRankRatio, sign: pairedRatio } as const;

/** Name of a test of paired runs. */
export type PairTest = keyof typeof PAIR_TESTS;

/** Function that returns the ratio b / a of paired runs with its interval at a confidence. */
export type RatioOfPairs = (a: readonly number[], b: readonly number[], confidence: number) => Ratio;

/** Returns the confidence that each test needs so that both together have `confidence`. */
export function testConfidence(confidence: number): number {
  return 1 - (1 - confidence) / Object.keys(PAIR_TESTS).length;
}
