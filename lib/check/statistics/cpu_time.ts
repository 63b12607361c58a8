/**
 * Judgement of wall times by CPU times. Under load a command's wall time is mostly that of others, its CPU time its own. The
 * two change together if the command never waits but for a CPU, which is read from both commands' runs:
 *
 *     wall time = CPU time / share       share: of its wall time, while no other process has its CPU
 *
 * The share is that of the least disturbed tenth of the runs. What it may have changed by widens the interval, so that a
 * command that waits longer than the old one, in all runs, neither passes nor regresses by its CPU time. One that waits more
 * often than the old one, in some runs, is not judged.
 */

import { mean, quantile } from "simple-statistics";
import { type Judgement, type JudgementTerms, judgePairs } from "./verdict.ts";

/** Runs of a command, value i of each list of run i. */
export interface TimedRuns {
  wall: readonly number[];
  /** CPU times in the unit of the wall times. */
  cpu: readonly number[];
  /** Numbers of times that the command waited for anything but a CPU. */
  waits: readonly number[];
}

/** Judgement by CPU times. */
export interface CpuJudgement {
  judgement: Judgement;
  /** Smaller share of the two commands, 0 to 1. */
  share: number;
}

/** Quantile of the runs' shares that undisturbed runs have. */
const UNDISTURBED = 0.9;
/** Shares of commands that are bound to one CPU: more would be several CPUs at a time. */
const LEAST_SHARE = 0.9, MOST_SHARE = 1.02;
/** Growth of the number of waits, beyond that of the CPU time, that is none. */
const EVEN_WAITS = 1.01;

/** Judges pairs of runs by their CPU times; undefined unless both commands are bound to a CPU. */
export function judgeCpuTime(
  old: TimedRuns,
  now: TimedRuns,
  terms: JudgementTerms,
): CpuJudgement | undefined {
  const before = shareOf(old), after = shareOf(now);
  if (![before, after].every((share) => share >= LEAST_SHARE && share <= MOST_SHARE)) return undefined;
  const moved = before / after;
  const widening = { low: Math.min(1, moved), high: Math.max(1, moved) };
  const judgement = judgePairs(old.cpu, now.cpu, terms, widening);
  const grown = mean([...now.waits]) / mean([...old.waits]);
  if (grown > EVEN_WAITS * Math.max(1, judgement.ratio.ratio)) return undefined;
  return { judgement, share: Math.min(before, after) };
}

function shareOf({ wall, cpu }: TimedRuns): number {
  return quantile(wall.map((ns, run) => cpu[run] / ns), UNDISTURBED);
}
