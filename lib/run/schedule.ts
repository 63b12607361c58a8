/**
 * In which order commands are run, and when there were enough runs. Pure: what a run is, and what it gives, is
 * the executor's.
 *
 * Runs go in rounds, each command once a round, so that whatever the machine does meanwhile falls on all of them, and the
 * runs of a round can be compared as pairs. The order in a round is by chance, against loads that come in step with the
 * runs, and the next round has it in reverse: each command comes first as often as last, and a drift, or what a command
 * leaves in caches to the one behind it, cancels out (Box, Hunter and Hunter, Statistics for Experimenters, 3 and 4).
 */

import { seededRandom } from "./random.ts";

/** A run of a plan. */
export interface Step {
  /** The command, by its number in the plan. */
  command: number;
  /** Whether it only warms up, and its result is nobody's. */
  warmup: boolean;
  /** Which round it is of, from 0; the warm-ups are counted by themselves. */
  round: number;
}

/** What does the runs. */
export interface Executor<R> {
  /** Does what is to be done before a run and is not part of it. */
  prepare?(step: Step): Promise<void>;
  /** One run; undefined when the user cut it short, which ends the plan, as does what it throws. */
  run(step: Step): Promise<R | undefined>;
}

export interface RunSchedule<R> {
  /** How many commands there are. */
  commands: number;
  /** Rounds that only warm up. */
  warmups: number;
  /** Asked before each round that counts: whether it is wanted, after the runs there are. */
  wantsMore(samples: SamplesByCommand<R>): boolean;
  /** Asked before each run: whether the user has had enough. */
  stopped?(): boolean;
  /** Of the order in rounds. */
  seed?: number;
}

/**
 * What the runs gave, by command, then by round. Where the user stopped in the middle of a round some commands have one
 * more than others; `samples[a][i]` and `samples[b][i]` are of one round all the same.
 */
export type SamplesByCommand<R> = readonly (readonly R[])[];

/** A run that is over. */
export interface FinishedRun<R> {
  step: Step;
  result: R;
  /** What all runs that count gave until then. The same arrays each time, growing. */
  samples: SamplesByCommand<R>;
}

/**
 * Runs the plan, and yields after each run, so that who walks through it can tell how far it is, and has what there is
 * when a run throws. Ends at the end of the plan, or when the user has had enough.
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
 * The order of the commands in each round, without end: by chance (Fisher and Yates), then the same in reverse, and so
 * on.
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

/** When there were enough rounds. */
export interface RoundLimits {
  /** At least so many. */
  minRuns: number;
  /** No more than so many. */
  maxRuns: number;
  /** And until this much was spent on each command, on average. */
  minTimeNs: number;
}

/** As many rounds as `-r` says. */
export function exactRounds(runs: number): RoundLimits {
  return { minRuns: runs, maxRuns: runs, minTimeNs: 0 };
}

/**
 * Whether another round is wanted behind `rounds`, for a plan's `wantsMore`. `spentNs` is what they took for each
 * command, on average.
 */
export function needsRound(rounds: number, spentNs: number, limits: RoundLimits): boolean {
  return rounds < limits.minRuns || (rounds < limits.maxRuns && spentNs < limits.minTimeNs);
}

/** How many rounds there will be as far as can be told after `rounds` of them; for showing how far it is. */
export function expectedRounds(rounds: number, spentNs: number, limits: RoundLimits): number {
  const byTime = spentNs > 0 ? Math.ceil(rounds * limits.minTimeNs / spentNs) : 0;
  return Math.max(limits.minRuns, Math.min(limits.maxRuns, byTime));
}
