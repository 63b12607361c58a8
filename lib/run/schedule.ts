/**
 * Schedule of runs: the order of commands, and when there were enough runs. Pure: the executor does the runs.
 *
 * Runs are made in rounds, each command once a round, so that whatever the machine does meanwhile affects all of
 * them, and the runs of a round can be compared as pairs. The order within a round is random, against loads that
 * coincide with the runs, and the next round has it in reverse: each command comes first as often as last, and a
 * drift, or what a command leaves in caches for the next one, cancels out (Box, Hunter and Hunter, Statistics for
 * Experimenters, 3 and 4).
 */

import { seededRandom } from "./random.ts";

/** One run of a schedule. */
export interface Step {
  /** Index of the command. */
  command: number;
  /** True for a warm-up, whose result is discarded. */
  warmup: boolean;
  /** Round, from 0; warm-ups are counted separately. */
  round: number;
}

/** Executor of the runs. */
export interface Executor<R> {
  /** Prepares a run, unmeasured. */
  prepare?(step: Step): Promise<void>;
  /** Makes one run. Returns undefined when the user stopped it, which ends the schedule; an error ends it, too. */
  run(step: Step): Promise<R | undefined>;
}

/** Commands to run, and the conditions for more rounds. */
export interface RunSchedule<R> {
  /** Number of commands. */
  commands: number;
  /** Number of rounds that only warm up. */
  warmups: number;
  /** Returns whether another round is needed, given the results so far. Called before each round that counts. */
  wantsMore(samples: SamplesByCommand<R>): boolean;
  /** Returns whether the user stopped the schedule. Called before each run. */
  stopped?(): boolean;
  /** Seed of the random order within rounds. */
  seed?: number;
}

/**
 * Results by command, then by round. When the user stops in the middle of a round, some commands have one more than
 * others; `samples[a][i]` and `samples[b][i]` still belong to the same round.
 */
export type SamplesByCommand<R> = readonly (readonly R[])[];

/** Run that has finished. */
export interface FinishedRun<R> {
  step: Step;
  result: R;
  /** Results so far of all runs that count. The same growing arrays each time. */
  samples: SamplesByCommand<R>;
}

/**
 * Executes the schedule. Yields after each run, so that the caller can show progress, and has the results so far when
 * a run throws. Ends with the schedule, or when the user stops it.
 */
export async function* execute<R>(
  plan: RunSchedule<R>,
  executor: Executor<R>,
): AsyncGenerator<FinishedRun<R>> {
  const samples: R[][] = Array.from({ length: plan.commands }, () => []);
  const orders = roundOrders(plan.commands, plan.seed);
  for (let round = 0; round < plan.warmups || plan.wantsMore(samples); round++) {
    const warmup = round < plan.warmups;
    for (const command of orders.next().value) {
      if (plan.stopped?.()) return;
      const step = { command, warmup, round: warmup ? round : round - plan.warmups };
      await executor.prepare?.(step);
      if (plan.stopped?.()) return;
      const result = await executor.run(step);
      if (result === undefined) return;
      if (!warmup) samples[command].push(result);
      yield { step, result, samples };
    }
  }
}

/**
 * Generates the order of the commands in each round, endlessly: a random one (Fisher and Yates), then its reverse,
 * and so on.
 */
export function* roundOrders(commands: number, seed = 1): Generator<number[], never> {
  const random = seededRandom(seed);
  for (;;) {
    const order = Array.from({ length: commands }, (_, command) => command);
    for (let i = commands - 1; i > 0; i--) {
      const j = Math.floor(random() * (i + 1));
      [order[i], order[j]] = [order[j], order[i]];
    }
    yield order;
    yield order.toReversed();
  }
}

/** Limits on the number of rounds. */
export interface RoundLimits {
  /** Smallest number of rounds. */
  minRuns: number;
  /** Largest number of rounds. */
  maxRuns: number;
  /** Time in ns to spend on each command, on average, before the rounds end. */
  minTimeNs: number;
}

/** Returns limits for a fixed number of rounds (`-r`). */
export function exactRounds(runs: number): RoundLimits {
  return { minRuns: runs, maxRuns: runs, minTimeNs: 0 };
}

/**
 * Returns whether another round is needed after `rounds`, for a schedule's `wantsMore`. `spentNs` is the time that
 * they took per command, on average.
 */
export function needsRound(rounds: number, spentNs: number, limits: RoundLimits): boolean {
  return rounds < limits.minRuns || (rounds < limits.maxRuns && spentNs < limits.minTimeNs);
}

/** Estimates the total number of rounds from the first `rounds` of them, to show progress. */
export function expectedRounds(rounds: number, spentNs: number, limits: RoundLimits): number {
  const byTime = spentNs > 0 ? Math.ceil(rounds * limits.minTimeNs / spentNs) : 0;
  return Math.max(limits.minRuns, Math.min(limits.maxRuns, byTime));
}
