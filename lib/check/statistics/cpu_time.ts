/**
 * Judgement of wall times by CPU times. Under load a command's wall time is mostly that of others, its CPU time its own. The
 * two change together if the command never waits but for a CPU, which is read from both commands' runs:
 *
 *     wall time = CPU time / share       share: of its wall time, while no other process has its CPU
 *
 * The share is that of the least disturbed runs. What it may have changed by, at most, widens the interval, so that a
 * command that waits longer than the old one, in all runs, neither passes nor regresses by its CPU time. One that waits more
 * often than the old one, in some runs, is not judged; nor is one that uses several CPUs at a time, whose wall time also
 * depends on how many it gets.
 */

import { mean } from "simple-statistics";
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

/** Fraction of the runs that are taken for undisturbed, and their smallest number: one alone may be so by chance. */
const UNDISTURBED = 0.03, FEWEST_UNDISTURBED = 3;
/** Share that undisturbed runs of a command which is bound to a CPU have at least. */
const LEAST_SHARE = 0.9;
/**
 * Share that hardly any run exceeds of a command which uses one CPU at a time. One that uses several exceeds it in some of
 * its runs, however few CPUs others leave it.
 */
const MOST_SHARE = 1.05, HARDLY_ANY = 0.01;
/** Growth of the number of waits, beyond that of the CPU time, that is none. */
const EVEN_WAITS = 1.01;

/** Judges pairs of runs by their CPU times; undefined unless both commands are bound to a CPU. */
export function judgeCpuTime(
  old: TimedRuns,
  now: TimedRuns,
  terms: JudgementTerms,
): CpuJudgement | undefined {
  const before = shareOf(old), after = shareOf(now);
  if (before === undefined || after === undefined) return undefined;
  const widening = {
    low: Math.min(1, before.least / after.most),
    high: Math.max(1, before.most / after.least),
  };
  const judgement = judgePairs(old.cpu, now.cpu, terms, widening);
  const grown = mean([...now.waits]) / mean([...old.waits]);
  if (grown > EVEN_WAITS * Math.max(1, judgement.ratio.ratio)) return undefined;
  return { judgement, share: Math.min(before.least, after.least) };
}

/** Range of the shares that undisturbed runs of a command have. */
interface ShareRange {
  least: number;
  most: number;
}

/** Returns the shares of undisturbed runs; undefined if the command is not bound to a CPU, or uses several. */
function shareOf({ wall, cpu }: TimedRuns): ShareRange | undefined {
  const shares = wall.map((ns, run) => cpu[run] / ns).sort((a, b) => b - a);
  const least = shares[Math.max(FEWEST_UNDISTURBED, Math.ceil(UNDISTURBED * shares.length)) - 1];
  const most = shares[Math.floor(HARDLY_ANY * shares.length)];
  return least >= LEAST_SHARE && most <= MOST_SHARE ? { least, most } : undefined;
}
