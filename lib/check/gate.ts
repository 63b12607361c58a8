/**
 * Gate of a benchmark: makes runs until each of its metrics is decided, or there were enough runs. Pure: the executor
 * does the runs, and the environment has the clock.
 */

import type { MetricSource } from "./metrics/metric_sources.ts";
import { type LookPlan, planLooks } from "./statistics/sequential_looks.ts";
import { execute, type Executor, type SamplesByCommand } from "../run/schedule.ts";
import { judgeCpuTime } from "./statistics/cpu_time.ts";
import { probableRounds } from "./statistics/probable_rounds.ts";
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
  /**
   * Time in ms of the budget that is spent in any case; the rest of it only as long as it will probably decide. Default: all
   * of it.
   */
  minBudgetMs?: number;
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
  /** Source of the most recent judgement, if it is not the metric's own, which could not decide. */
  standIn?: StandIn;
}

/** CPU time that is judged in place of the wall time. */
export interface StandIn {
  /** Source of the CPU time. */
  source: MetricSource;
  /** CPU times of all runs, including those after the one that decided. */
  samples: { old: number[]; new: number[] };
  /** Share of its wall time that the command has a CPU while no other process does, 0 to 1. */
  share: number;
  /** Judgement of the metric's own source, which was undecided. */
  own: Judgement;
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
  /** Time in ms after which a budget that adapts ended, because more of it would probably not decide. */
  gaveUpAfterMs?: number;
}

/** Returns the number of sources that may decide `gated`, among which the probability of error is divided. */
export function decidingSources(gated: readonly GatedMetric[]): number {
  return gated.reduce((count, { source, stored }) => count + (source.standIn && !stored ? 2 : 1), 0);
}

/**
 * Decides all of `gated`, which share their runs. `sources` is the number of sources that may decide the whole check,
 * including those with other runs: the probability of error is divided among them.
 */
export async function runGate(
  gated: readonly GatedMetric[],
  sources: number,
  limits: GateLimits,
  environment: GateEnvironment,
): Promise<GateResult> {
  const looks = planLooks(limits.maxRuns, sources), most = looks.rounds[looks.rounds.length - 1];
  const gates = gated.map((one): MetricGate => ({ gated: one, samples: { old: [], new: [] }, rounds: 0 }));
  const clock = new GateClock(limits, environment);
  let rounds = 0, warmupRuns = 0;
  let ended: EndReason | undefined;
  const lookAt = (samples: SamplesByCommand<RunValues>) => {
    for (const one of gates.filter(isOpen)) look(one, samples, rounds, looks.confidence);
  };
  const wantsMore = (samples: SamplesByCommand<RunValues>) => {
    rounds = samples[NEW].length;
    if (rounds === STEADY_RUNS || looks.rounds.includes(rounds)) lookAt(samples);
    if (!gates.some(isOpen)) return false;
    clock.tick(rounds);
    if (rounds >= most) ended = "runs";
    else if (clock.endsBudget((fitting) => gates.some((one) => mayDecide(one, looks, fitting)))) {
      ended = "budget";
    }
    return ended === undefined;
  };
  const isOver = () => environment.isOver?.() ?? false;
  const stopped = () => environment.stopped() || isOver();
  const plan = { commands: 2, warmups: limits.warmups, wantsMore, stopped, seed: environment.seed };
  let made: SamplesByCommand<RunValues> = [[], []];
  for await (const { step, samples } of execute(plan, environment.executor)) {
    made = samples;
    if (step.warmup) warmupRuns++;
    else if (samples[OLD].length === samples[NEW].length) environment.onRound?.(samples[NEW].length, most);
  }
  if (environment.stopped()) ended = "user";
  else if (isOver()) ended = "budget";
  const warmed = Math.floor(warmupRuns / plan.commands);
  const coldAfter = ended === "budget" && warmed < limits.warmups
    ? { coldAfter: { warmups: warmed, of: limits.warmups } }
    : {};
  // the runs since the last look decide, too
  rounds = Math.min(made[OLD].length, made[NEW].length);
  if (ended === "budget" && rounds >= looks.rounds[0] && !looks.rounds.includes(rounds)) {
    lookAt(made.map((runs) => runs.slice(0, rounds)));
  }
  const gaveUp = clock.gaveUpAfterMs === undefined ? {} : { gaveUpAfterMs: clock.gaveUpAfterMs };
  return { gates, looks, ended, ...coldAfter, ...gaveUp, roundMs: clock.roundMs };
}

/** Time that the rounds of a gate take. */
class GateClock {
  /** Average time in ms of a round, or the expected one when none was finished. */
  roundMs: number;
  /** Time in ms after which it gave up with a part of the budget left. */
  gaveUpAfterMs?: number;
  readonly #limits: GateLimits;
  readonly #environment: GateEnvironment;
  readonly #entered: number;
  #begun: number;
  #spentMs = 0;

  constructor(limits: GateLimits, environment: GateEnvironment) {
    this.roundMs = limits.roundMs ?? 0;
    this.#limits = limits;
    this.#environment = environment;
    this.#entered = this.#begun = environment.now();
  }

  /** Takes note of the time after so many rounds. */
  tick(rounds: number): void {
    const now = this.#environment.now();
    if (rounds === 0) this.#begun = now;
    else this.roundMs = (now - this.#begun) / rounds;
    this.#spentMs = rounds === 0 ? 0 : now - this.#entered;
  }

  /**
   * Returns whether another round would be over the budget, or over the part of it that is spent in any case although the
   * rest would probably not do.
   * @param decides whether so many rounds will probably do.
   */
  endsBudget(decides: (rounds: number) => boolean): boolean {
    const { budgetMs, minBudgetMs = budgetMs } = this.#limits;
    if (this.#spentMs === 0) return false;
    const next = this.#spentMs + this.roundMs;
    if (next <= minBudgetMs) return false;
    const ahead = this.#begun - this.#entered;
    if (next > budgetMs) return true;
    if (decides((budgetMs - ahead) / this.roundMs)) return false;
    this.gaveUpAfterMs = this.#spentMs;
    return true;
  }
}

function isOpen({ unmeasurable, judgement }: MetricGate): boolean {
  return unmeasurable === undefined && (judgement?.outcome ?? "undecided") === "undecided";
}

/** Returns whether so many rounds have a fair chance to decide an open metric. Those of a baseline stay as few as they are. */
function mayDecide(one: MetricGate, looks: LookPlan, rounds: number): boolean {
  const { gated: { stored, threshold }, judgement } = one;
  if (!isOpen(one) || stored) return false;
  return (judgement ? probableRounds(judgement, threshold / 100, one.rounds, true) : looks.rounds[0]) <=
    rounds;
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
  one.standIn = undefined;
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
    if (!stored && one.judgement.outcome === "undecided") lookAtStandIn(one, one.judgement, samples, terms);
  }
}

/**
 * Judges a metric, which its own source leaves undecided, by the source that stands in for it, if this decides or comes
 * closer to it.
 */
function lookAtStandIn(
  one: MetricGate,
  own: Judgement,
  samples: SamplesByCommand<RunValues>,
  terms: JudgementTerms,
): void {
  const { standIn } = one.gated.source;
  if (!standIn) return;
  const [old, now] = [samples[OLD], samples[NEW]].map((runs, command) => ({
    wall: command === OLD ? one.samples.old : one.samples.new,
    cpu: valuesOf(runs, standIn.cpu, ""),
    waits: runs.map((run) => run.get(standIn.waits.name) ?? NaN),
  }));
  if (typeof old.cpu === "string" || typeof now.cpu === "string") return;
  const result = judgeCpuTime({ ...old, cpu: old.cpu }, { ...now, cpu: now.cpu }, terms);
  if (!result || !isBetter(result.judgement, own)) return;
  one.judgement = result.judgement;
  one.standIn = { source: standIn.cpu, samples: { old: old.cpu, new: now.cpu }, share: result.share, own };
}

/** Returns whether a judgement is better than an undecided one: it decides, or has the narrower interval. */
function isBetter(
  { outcome, ratio: { interval } }: Judgement,
  { ratio: { interval: other } }: Judgement,
): boolean {
  return outcome !== "undecided" || interval.high / interval.low < other.high / other.low;
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
