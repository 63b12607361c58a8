/** Trends: the change points of each series of a history, and a verdict on the newest one. */

import { mean } from "simple-statistics";
import { EXIT } from "../../base/system/errors.ts";
import { least } from "../../base/bytes/lists.ts";
import { FINGERPRINT_KEYS } from "../baseline/fingerprint.ts";
import type { CommitRange } from "../history/repository.ts";
import { type ChangePointOptions, changePoints } from "../statistics/change_points.ts";
import { formatSignedPercent } from "../output/result.ts";
import { LEAST_PROBABILITY, splitProbability } from "../statistics/permutation_test.ts";
import { probabilityBesideMachine, type RunsAround, sharedChange } from "./machine_speed.ts";
import type { TrendPoint, TrendSeries } from "./trend_series.ts";

/** Verdict on a series, by its newest change point. */
export type TrendVerdict = "pass" | "regressed" | "improved";

/** Change of the level of a series. */
export interface TrendChange {
  /** Index of the first run after it. */
  at: number;
  /** Mean of the runs between the change point before and this one, and between this one and the next. */
  before: number;
  after: number;
  /** Relative difference of the two: 0.05 for 5 % more. */
  change: number;
  /** Probability of so large a difference by chance, by a t-test. */
  probability: number;
  /** Probability of as good a split of the runs around it in an order by chance. */
  permuted: number;
  /** Whether the permutation test confirms it. */
  sure: boolean;
  /** Conditions that changed between the two runs, too: `kernel: 6.1.0 -> 6.12.0`. */
  conditions: string[];
  /** Commits that it lies among, where the repository tells. */
  range?: CommitRange;
}

/** Series with its change points. */
export interface Trend {
  series: TrendSeries;
  changes: TrendChange[];
  /** Whether none of its runs is a recent one of its benchmark, so that it decides nothing. */
  ended: boolean;
  verdict: TrendVerdict;
  /** Change that the verdict is about; undefined for a pass. */
  newest?: TrendChange;
  /** Rise of the level since the lowest one among the recent runs, as a fraction; of a regression. */
  rise?: number;
}

/** Options of trendOf(). */
export interface TrendOptions extends ChangePointOptions {
  /** Number of the last runs in which a change point decides the verdict. */
  recent: number;
  /** Smallest rise that is a regression, as a fraction. */
  threshold: number;
  /** Commits, possibly abbreviated: all changes up to the last of them are intended, and decide nothing. */
  accepted?: readonly string[];
}

/** Chance that series without any change have a sure change point: it is divided among all of them. */
const ERROR_RATE = 0.01;

/** Runs on either side of a change point that the permutation test takes: more take longer, and add little. */
const PERMUTED_RUNS = 25;

/** Finds the changes of all series. The more of them there are, the surer a change point has to be. */
export function trendsOf(all: readonly TrendSeries[], options: TrendOptions): Trend[] {
  const going = all.filter(({ later }) => later < options.recent).length;
  const sureBelow = Math.max(LEAST_PROBABILITY, ERROR_RATE / Math.max(1, going));
  return all.map((series) => trendOf(series, sureBelow, options));
}

/** Finds the changes of a series; those that the permutation test gives a probability of up to `sureBelow` are sure. */
function trendOf(series: TrendSeries, sureBelow: number, options: TrendOptions): Trend {
  const { points } = series;
  const values = Float64Array.from(points, ({ value }) => value);
  const found = changePoints(values, options);
  const levels = [0, ...found.map(({ at }) => at), points.length];
  const permuted = permutedProbabilities(points, found.map(({ at }) => at), sureBelow);
  const changes = found.map(({ at, probability }, i): TrendChange => {
    const before = mean([...values.subarray(levels[i], at)]),
      after = mean([...values.subarray(at, levels[i + 2])]);
    return {
      ...{ at, before, after, change: before === 0 ? Infinity : after / before - 1, probability },
      permuted: permuted.get(at)!,
      sure: permuted.get(at)! <= sureBelow,
      conditions: [
        ...conditionsOf(points[at - 1], points[at]),
        ...machineText(sharedChange(points, around(levels[i], at, levels[i + 2]))),
      ],
    };
  });
  const ended = series.later >= options.recent;
  if (ended) return { series, changes, ended, verdict: "pass" };
  return { series, changes, ended, ...verdictOf(changes, points, options) };
}

/** Returns the runs on either side of a change that it is tested with. */
function around(start: number, at: number, end: number): RunsAround {
  return { start: Math.max(start, at - PERMUTED_RUNS), at, end: Math.min(end, at + PERMUTED_RUNS) };
}

function machineText(change: number | undefined): string[] {
  return change === undefined ? [] : [`the machine: the calibration workload ${formatSignedPercent(change)}`];
}

/**
 * Returns the probability of each change point by the permutation test, among the runs from the one before to the one after it.
 * The least sure one is dropped, and its neighbours are tested again without it, until all that are left are sure: in a drift
 * each would else have too few runs to tell. Where the machine's speed changed as well, the change has to be one in proportion
 * to that, too.
 */
function permutedProbabilities(
  points: readonly TrendPoint[],
  found: readonly number[],
  sureBelow: number,
): Map<number, number> {
  const probabilities = new Map<number, number>();
  const left = [...found];
  const test = (i: number) => {
    if (i < 0 || i >= left.length) return;
    const runs = around(left[i - 1] ?? 0, left[i], left[i + 1] ?? points.length);
    const values = Float64Array.from(points.slice(runs.start, runs.end), ({ value }) => value);
    const probability = splitProbability(values, sureBelow);
    const isShared = probability <= sureBelow && sharedChange(points, runs) !== undefined;
    const besideMachine = isShared ? probabilityBesideMachine(points, runs, sureBelow) : 0;
    probabilities.set(left[i], Math.max(probability, besideMachine));
  };
  left.forEach((_, i) => test(i));
  for (;;) {
    let worst = 0;
    left.forEach((at, i) => {
      if (probabilities.get(at)! > probabilities.get(left[worst])!) worst = i;
    });
    if (left.length === 0 || probabilities.get(left[worst])! <= sureBelow) return probabilities;
    left.splice(worst, 1);
    for (const i of [worst - 1, worst]) test(i);
  }
}

/** Returns the verdict by the newest sure change among the recent runs. */
function verdictOf(
  changes: readonly TrendChange[],
  points: readonly TrendPoint[],
  { recent, threshold, accepted = [] }: TrendOptions,
): Pick<Trend, "verdict" | "newest" | "rise"> {
  const isAccepted = ({ commit }: TrendPoint) => accepted.some((name) => commit?.startsWith(name));
  const first = Math.max(points.length - recent, points.findLastIndex(isAccepted) + 1);
  const sure = changes.filter((change) => change.sure);
  const newest = sure.findLast(({ at }) => at >= first);
  if (newest === undefined) return { verdict: "pass" };
  if (newest.change < 0) return { verdict: "improved", newest };
  // small steps add up: each may be less than what is allowed, and all of them more
  const starts = [0, ...sure.map(({ at }) => at)], ends = [...starts.slice(1), points.length];
  const levels = starts.map((start, i) => ({
    end: ends[i],
    level: mean(points.slice(start, ends[i]).map(({ value }) => value)),
  }));
  const lowest = least(levels.filter(({ end }) => end >= first).map(({ level }) => level));
  const rise = lowest === 0 ? Infinity : levels[levels.length - 1].level / lowest - 1;
  return rise >= threshold ? { verdict: "regressed", newest, rise } : { verdict: "pass" };
}

/** Returns what of the machine and of pmuctl differs between two runs of one series. */
function conditionsOf({ machine: before }: TrendPoint, { machine: after }: TrendPoint): string[] {
  return FINGERPRINT_KEYS.filter((key) => before[key] !== after[key])
    .map((key) => `${key}: ${before[key]} -> ${after[key]}`);
}

/** Returns the exit status: 1 when a series regressed, else 0. */
export function trendExitStatus(trends: readonly Trend[]): number {
  return trends.some(({ verdict }) => verdict === "regressed") ? EXIT.regressed : EXIT.ok;
}
