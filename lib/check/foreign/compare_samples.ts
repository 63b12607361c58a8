/** Verdicts on samples that another tool has measured, before and now. */

import { thinValues } from "../statistics/thin_values.ts";
import { counted } from "../../base/text/plural.ts";
import { type CheckRow, figuresOf } from "../output/result.ts";
import { fewestOfEach } from "../statistics/rank_sum.ts";
import { ERROR_RATE } from "../statistics/sequential_looks.ts";
import { judgeSteady, judgeUnpaired } from "../statistics/verdict.ts";
import { thresholdFor, type Thresholds } from "../baseline/config.ts";
import type { BenchmarkSamples } from "./samples.ts";

/** Allowed increase in percent unless another is given. */
export const DEFAULT_THRESHOLD = 5;

/** Values that are compared at most: rank tests take memory by the square of their number, and tools write any number. */
const MAX_VALUES = 1000;

/** Verdicts on all that both have, and notes on what only one has. */
export interface ComparedSamples {
  rows: CheckRow[];
  notes: string[];
}

/** Compares the samples of each benchmark and metric. The chance of error is divided among all of them. */
export function compareSamples(
  old: readonly BenchmarkSamples[],
  now: readonly BenchmarkSamples[],
  { thresholds, metrics }: { thresholds: Thresholds; metrics: readonly string[] },
): ComparedSamples {
  const { pairs, alone } = matchSamples(old, now, metrics);
  const confidence = 1 - ERROR_RATE / Math.max(1, pairs.length);
  const rows = pairs.map(([before, after]) => {
    const threshold = thresholdFor(thresholds, after.metric) ?? DEFAULT_THRESHOLD;
    return rowOf(before, after, { threshold, confidence, of: pairs.length });
  });
  const notes = [
    ...alone.map(([{ benchmark, metric }, where]) => `${benchmark}: ${metric} is only in the ${where} file`),
    "old and new were measured at different times: what the machine changed meanwhile counts as the program's",
  ];
  return { rows, notes };
}

/** Samples that both sides have, and those that only one has. */
export interface MatchedSamples {
  pairs: [old: BenchmarkSamples, now: BenchmarkSamples][];
  alone: [BenchmarkSamples, "old" | "new"][];
}

/**
 * Matches what both sides have of these metrics; of all, when none is named. If each side has one benchmark, these two
 * match, whatever they are called.
 */
export function matchSamples(
  all: readonly BenchmarkSamples[],
  allNow: readonly BenchmarkSamples[],
  metrics: readonly string[],
): MatchedSamples {
  const chosen = (samples: readonly BenchmarkSamples[]) =>
    metrics.length === 0 ? samples : samples.filter(({ metric }) => metrics.includes(metric));
  const old = chosen(all), now = chosen(allNow);
  const names = (all: readonly BenchmarkSamples[]) => new Set(all.map(({ benchmark }) => benchmark));
  const isSingle = names(old).size === 1 && names(now).size === 1;
  const keyOf = ({ benchmark, metric }: BenchmarkSamples) => JSON.stringify([isSingle || benchmark, metric]);
  const before = new Map(old.map((each) => [keyOf(each), each])), after = new Set(now.map(keyOf));
  const { pairs, alone }: MatchedSamples = { pairs: [], alone: [] };
  for (const each of now) {
    const other = before.get(keyOf(each));
    if (other === undefined) alone.push([each, "new"]);
    else pairs.push([other, each]);
  }
  for (const each of old) if (!after.has(keyOf(each))) alone.push([each, "old"]);
  return { pairs, alone };
}

function rowOf(
  old: BenchmarkSamples,
  now: BenchmarkSamples,
  { threshold, confidence, of }: { threshold: number; confidence: number; of: number },
): CheckRow {
  const { benchmark, metric, unit } = now;
  const row = {
    benchmark,
    comparedWith: "file" as const,
    metric,
    rung: metric,
    unit,
    threshold,
    improved: false,
  };
  const isZero = (values: readonly number[]) => values.every((value) => value === 0);
  if (isZero(old.values) && isZero(now.values)) return { ...row, verdict: "pass" };
  const bad = [...old.values, ...now.values].find((value) => !(value > 0));
  if (bad !== undefined) {
    return {
      ...row,
      verdict: "unmeasurable",
      reason: `one of its values is ${bad}, and there is no ratio to that`,
    };
  }
  const terms = { threshold: threshold / 100, confidence, steady: unit !== "ns" };
  const before = thinValues(old.values, MAX_VALUES), after = thinValues(now.values, MAX_VALUES);
  const judgement = judgeSteady(before, after, terms) ?? judgeUnpaired(before, after, terms);
  const figures = figuresOf(before, after, judgement);
  if (judgement.outcome !== "undecided") {
    return { ...row, verdict: judgement.outcome, improved: judgement.improved, figures };
  }
  const needed = fewestOfEach(confidence);
  const isFew = judgement.ratio.interval.confidence < confidence;
  const reason = isFew
    ? `${old.values.length} and ${counted(now.values.length, "value")} cannot decide one of ${
      counted(of, "benchmark")
    } ` +
      `for sure: measure each ${needed} times or more`
    : 100 * judgement.noise >= threshold
    ? "its values differ too much among themselves to detect such a change: measure more often, on a quieter machine, " +
      "or give a greater --threshold"
    : "the change is too close to the threshold to decide: measure more often";
  return { ...row, verdict: "inconclusive", figures, reason };
}
