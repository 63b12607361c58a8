/**
 * Gate of a benchmark: makes runs until each of its metrics is decided, or there were enough runs. Pure: the executor
 * does the runs, and the environment has the clock.
 */

import type { MetricSource } from "./metrics/metric_sources.ts";
import { type LookPlan, planLooks } from "./statistics/sequential_looks.ts";
import { execute, type Executor, type SamplesByCommand } from "../run/schedule.ts";
import {
  judgeAgainstBaseline,
  type Judgement,
  type JudgementTerms,
  judgePairs,
  judgeSteady,
  STEADY_RUNS,
} from "./statistics/verdict.ts";

/** Values of one run by name of the metric source. Unknown values are absent. */
export type RunValues = ReadonlyMap<string, number>;

/** Metric with the source that decides it. */
export interface GatedMetric {
  /** Name of the metric as it was requested. */
  metric: string;
  /** Source of its values. */
  source: MetricSource;
  /** Allowed increase in percent. */
  threshold: number;
  /** Samples in the baseline from this source. Without them the old command is run as well. */
  stored?: { samples: readonly number[]; gauge?: readonly number[] };
}

/** Indices of the commands: the old one (with a baseline, the calibration workload) and the new one. */
export const OLD = 0, NEW = 1;

/** Limits on the runs of a gate. */
export interface GateLimits {
  /** Rounds that do not count. */
  warmups: number;
  /** Limit on the runs of each command. */
  maxRuns: number;
  /** Time in ms for all runs together. */
  budgetMs: number;
  /** Approximate time in ms of a round, reported when the budget ends before the first round. */
  roundMs?: number;
}

/** Executor, clock and callbacks of a gate. */
export interface GateEnvironment {
  /** Executor of the runs. */
  executor: Executor<RunValues>;
  /** Returns a time in ms since any fixed moment. */
  now(): number;
  /** Returns whether the user stopped the check. */
  stopped(): boolean;
  /** Returns whether a run was ended because the budget was over. */
  isOver?(): boolean;
  /** Seed of the random order of runs. */
  seed: number;
  /** Called after each round with the number of rounds made, and the largest number there may be. */
  onRound?(rounds: number, most: number): void;
}

/** Reason why the runs ended before everything was decided. */
export type EndReason = "runs" | "budget" | "user";

/** State of a metric's decision. */
export interface MetricGate {
  /** Metric that is decided. */
  gated: GatedMetric;
  /** Most recent judgement; undefined when there were too few runs for one. */
  judgement?: Judgement;
  /** Reason why the metric can never be judged: a value is unknown, or 0, of which there is no ratio. */
  unmeasurable?: string;
  /** Samples of all runs, including those after the one that decided; `gauge` has those of the calibration workload. */
  samples: { old: number[]; new: number[]; gauge?: number[] };
  /** Number of rounds until the decision. */
  rounds: number;
}

/** Decisions on all metrics of a gate. */
export interface GateResult {
  /** Decision on each metric. */
  gates: MetricGate[];
  /** Plan of the looks that were taken at the samples. */
  looks: LookPlan;
  /** Reason why the runs ended early; absent if all was decided. */
  ended?: EndReason;
  /** Warm-up rounds made when the budget ended in them, and how many there were to be. */
  coldAfter?: { warmups: number; of: number };
  /** Average time in ms of a round, or the expected one when none was finished. */
  roundMs: number;
}

/**
 * Decides all of `gated`, which share their runs. `metrics` is the number of metrics in the whole check, including
 * those with other runs: the probability of error is divided among them.
 */
export async function runGate(
  gated: readonly GatedMetric[],
  metrics: number,
  { warmups, maxRuns, budgetMs, roundMs = 0 }: GateLimits,
  environment: GateEnvironment,
): Promise<GateResult> {
  const looks = planLooks(maxRuns, metrics);
  const gates = gated.map((one): MetricGate => ({ gated: one, samples: { old: [], new: [] }, rounds: 0 }));
  const isOpen = (one: MetricGate) =>
    one.unmeasurable === undefined && (one.judgement?.outcome ?? "undecided") === "undecided";
  const entered = environment.now();
  let begun = entered;
  let roundsEnd = entered;
  let rounds = 0;
  let warmupRuns = 0;
  let ended: EndReason | undefined;
  const wantsMore = (samples: SamplesByCommand<RunValues>) => {
    rounds = samples[NEW].length;
    if (rounds === 0) begun = environment.now();
    if (rounds === STEADY_RUNS || looks.rounds.includes(rounds)) {
      for (const one of gates.filter(isOpen)) look(one, samples, rounds, looks.confidence);
    }
    if (!gates.some(isOpen)) return false;
    const now = roundsEnd = environment.now();
    if (rounds >= looks.rounds[looks.rounds.length - 1]) ended = "runs";
    else if (rounds > 0 && now - entered + (now - begun) / rounds > budgetMs) ended = "budget";
    return ended === undefined;
  };
  const isOver = () => environment.isOver?.() ?? false;
  const stopped = () => environment.stopped() || isOver();
  const plan = { commands: 2, warmups, wantsMore, stopped, seed: environment.seed };
  for await (const { step, samples } of execute(plan, environment.executor)) {
    if (step.warmup) warmupRuns++;
    else if (samples[OLD].length === samples[NEW].length) {
      environment.onRound?.(samples[NEW].length, looks.rounds[looks.rounds.length - 1]);
    }
  }
  if (environment.stopped()) ended = "user";
  else if (isOver()) ended = "budget";
  const warmed = Math.floor(warmupRuns / plan.commands);
  const coldAfter = ended === "budget" && warmed < warmups
    ? { coldAfter: { warmups: warmed, of: warmups } }
    : {};
  return { gates, looks, ended, ...coldAfter, roundMs: rounds > 0 ? (roundsEnd - begun) / rounds : roundMs };
}

/** Judges a metric by the runs so far. */
function look(
  one: MetricGate,
  samples: SamplesByCommand<RunValues>,
  rounds: number,
  confidence: number,
): void {
  const { source, stored, threshold } = one.gated;
  one.rounds = rounds;
  const now = valuesOf(samples[NEW], source, "the command");
  const other = stored && !stored.gauge
    ? []
    : valuesOf(samples[OLD], source, stored ? "the calibration workload" : "the old command");
  if (typeof now === "string" || typeof other === "string") {
    one.unmeasurable = typeof now === "string" ? now : other as string;
    return;
  }
  const gauge = stored && !source.steady
    ? valuesOf(samples[OLD], source, "the calibration workload")
    : undefined;
  one.samples = {
    ...{ old: stored ? [...stored.samples] : other, new: now },
    ...(Array.isArray(gauge) ? { gauge } : {}),
  };
  const terms: JudgementTerms = { threshold: threshold / 100, confidence, steady: source.steady };
  const steady = judgeSteady(one.samples.old, one.samples.new, terms);
  if (steady) {
    one.judgement = steady;
  } else if (rounds > STEADY_RUNS) {
    one.judgement = stored
      ? judgeAgainstBaseline(
        stored.samples,
        now,
        terms,
        stored.gauge && { before: stored.gauge, now: other },
      )
      : judgePairs(other, now, terms);
  }
}

/** Returns the source's values in all runs, or the reason why they cannot be compared. */
function valuesOf(runs: readonly RunValues[], source: MetricSource, whose: string): number[] | string {
  const values = runs.map((run) => run.get(source.name));
  const missing = values.findIndex((value) => value === undefined);
  if (missing >= 0) return `run ${missing + 1} of ${whose} has no ${source.name}`;
  const zero = values.findIndex((value) => !(value! > 0));
  if (zero >= 0) return `run ${zero + 1} of ${whose} is 0, and there is no ratio to 0`;
  return values as number[];
}
