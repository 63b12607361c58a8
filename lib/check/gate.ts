/**
 * Runs a benchmark until each of its metrics is decided, or there were enough runs. Pure: what a run is, is the
 * executor's, and so is the clock.
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

/** What a run gave: values by the names of sources. What is not known is not in it. */
export type RunValues = ReadonlyMap<string, number>;

/** A metric on the source that it is decided by. */
export interface GatedMetric {
  /** As it was asked for. */
  metric: string;
  source: MetricSource;
  /** By how many percent it may be worse. */
  threshold: number;
  /** The baseline's samples of this source; without them the old command is run as well. */
  stored?: { samples: readonly number[]; gauge?: readonly number[] };
}

/** Which of a plan's commands is which: the old command or, with a baseline, the gauge; and the new one. */
export const OLD = 0, NEW = 1;

export interface GateLimits {
  /** Rounds that do not count. */
  warmups: number;
  maxRuns: number;
  /** For all runs together, in ms. */
  budgetMs: number;
  /** About how long a round takes, in ms: told when the budget ends before one is over. */
  roundMs?: number;
}

export interface GateEnvironment {
  executor: Executor<RunValues>;
  /** In ms, from any start. */
  now(): number;
  /** The user has asked for an end. */
  stopped(): boolean;
  /** The budget was over before a run was, which was ended. */
  isOver?(): boolean;
  /** Of the order of runs: by chance. */
  seed: number;
  /** Is told of each run: how many rounds are over, and how many there may be. */
  onRound?(rounds: number, most: number): void;
}

/** Why runs ended before all was decided. */
export type EndReason = "runs" | "budget" | "user";

/** A metric after the runs. */
export interface MetricGate {
  gated: GatedMetric;
  /** The last judgement; undefined when there were too few runs for any. */
  judgement?: Judgement;
  /** Why there is none and never will be: a value that is not known, or 0, of which there is no ratio. */
  unmeasurable?: string;
  /** All there are, also of runs behind the one that decided. */
  samples: { old: number[]; new: number[] };
  /** How many rounds it took; with those after it was decided left out. */
  rounds: number;
}

export interface GateResult {
  gates: MetricGate[];
  looks: LookPlan;
  ended?: EndReason;
  /** ms that a round took on average, or is expected to take where none was finished. */
  roundMs: number;
}

/**
 * Decides all of `gated`, which share their runs. `metrics` is how many the whole check decides, with those of other runs:
 * the chance of error is shared out over them.
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
    if (!step.warmup && samples[OLD].length === samples[NEW].length) {
      environment.onRound?.(samples[NEW].length, looks.rounds[looks.rounds.length - 1]);
    }
  }
  if (environment.stopped()) ended = "user";
  else if (isOver()) ended = "budget";
  return { gates, looks, ended, roundMs: rounds > 0 ? (roundsEnd - begun) / rounds : roundMs };
}

/** Judges a metric by the runs there are. */
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
    : valuesOf(samples[OLD], source, stored ? "the gauge" : "the old command");
  if (typeof now === "string" || typeof other === "string") {
    one.unmeasurable = typeof now === "string" ? now : other as string;
    return;
  }
  one.samples = { old: stored ? [...stored.samples] : other, new: now };
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

/** The source's values in all runs, or why they cannot be compared. */
function valuesOf(runs: readonly RunValues[], source: MetricSource, whose: string): number[] | string {
  const values = runs.map((run) => run.get(source.name));
  const missing = values.findIndex((value) => value === undefined);
  if (missing >= 0) return `run ${missing + 1} of ${whose} has no ${source.name}`;
  const zero = values.findIndex((value) => !(value! > 0));
  if (zero >= 0) return `run ${zero + 1} of ${whose} has 0 of it, and there is no ratio to 0`;
  return values as number[];
}
