/** What a check found: a row for each benchmark and metric, and the exit status that follows from all. */

import { median } from "simple-statistics";
import { EXIT } from "../../base/system/errors.ts";
import type { GateResult, MetricGate } from "../gate.ts";
import type { Unit } from "../metrics/metrics.ts";
import { roundsNeeded } from "../statistics/sequential_looks.ts";
import type { Judgement, Method, Verdict } from "../statistics/verdict.ts";

export type ComparedWith = "command" | "baseline";

export interface CheckRow {
  benchmark: string;
  /** What it was compared with: the old command, run side by side, or the baseline in a file. */
  comparedWith: ComparedWith;
  metric: string;
  /** By which it was measured; undefined when it was not. */
  rung?: string;
  unit: Unit;
  verdict: Verdict;
  /** It passed, and is better by more than the threshold. */
  improved: boolean;
  /** By how many percent it may be worse; undefined when it was not measured. */
  threshold?: number;
  /** Why it is neither passed nor regressed, and what to do about it. */
  reason?: string;
  figures?: ChangeFigures;
}

/** The numbers behind a verdict; differences are fractions, 0.05 for 5 % more. */
export interface ChangeFigures {
  /** Medians. */
  old: number;
  new: number;
  change: number;
  /** Of the change. */
  low: number;
  high: number;
  /** Of the interval, 0 to 1. */
  confidence: number;
  method: Method;
  /** What alike runs differ by: smaller changes cannot be told here. */
  noise: number;
  /** Runs of the old and the new command that it was decided by. */
  runs: { old: number; new: number };
}

export interface CheckResult {
  rows: CheckRow[];
  /** What to know before trusting the verdicts, a sentence each. */
  notes: string[];
  /** By benchmark: where the time went, in text. */
  where: Record<string, string>;
}

/** The rows of a benchmark's gates. */
export function rowsOf(
  { benchmark, comparedWith }: Pick<CheckRow, "benchmark" | "comparedWith">,
  gates: GateResult,
  metrics: number,
  budgetMs: number,
): CheckRow[] {
  return gates.gates.map((gate): CheckRow => {
    const { metric, source, threshold } = gate.gated;
    const row = {
      benchmark,
      comparedWith,
      metric,
      rung: source.name,
      unit: source.unit,
      threshold,
      improved: false,
    };
    if (gate.unmeasurable !== undefined) {
      return { ...row, verdict: "unmeasurable", reason: gate.unmeasurable };
    }
    const { judgement } = gate;
    const figures = judgement && figuresOf(gate, judgement);
    if (judgement && judgement.outcome !== "undecided") {
      return { ...row, verdict: judgement.outcome, improved: judgement.improved, figures };
    }
    return {
      ...row,
      verdict: "inconclusive",
      figures,
      reason: undecidedBecause(gate, gates, metrics, budgetMs),
    };
  });
}

/** A metric that could not be measured at all, or that there was no time to measure. */
export function unmeasuredRow(
  of: Pick<CheckRow, "benchmark" | "comparedWith">,
  metric: string,
  reason: string,
  verdict: "unmeasurable" | "inconclusive" = "unmeasurable",
): CheckRow {
  return { ...of, metric, unit: "count", verdict, improved: false, reason };
}

function figuresOf({ samples, rounds }: MetricGate, { ratio, method, noise }: Judgement): ChangeFigures {
  return {
    old: median(samples.old),
    new: median(samples.new),
    change: ratio.ratio - 1,
    low: ratio.interval.low - 1,
    high: ratio.interval.high - 1,
    confidence: ratio.interval.confidence,
    method,
    noise,
    runs: { old: samples.old.length, new: rounds },
  };
}

function undecidedBecause(
  { judgement, gated }: MetricGate,
  { ended, roundMs, looks }: GateResult,
  metrics: number,
  budgetMs: number,
): string {
  if (ended === "user") return "it was stopped before that";
  const needed = roundsNeeded(metrics);
  if (!judgement || judgement.ratio.interval.confidence < looks.confidence) {
    return ended === "budget"
      ? `the budget of ${budgetMs / 1000} s was not enough for ${needed} rounds` +
        (roundMs > 0 ? ` of ${(roundMs / 1000).toFixed(2)} s` : "") +
        `: give --budget ${enoughSeconds(needed, roundMs, budgetMs)}`
      : `${looks.rounds[looks.rounds.length - 1]} rounds are too few: give --max-runs ${needed} or more`;
  }
  const more = ended === "budget" ? "a greater --budget" : "a greater --max-runs";
  if (100 * judgement.noise >= gated.threshold) {
    return `alike runs differ by ${
      formatPercent(judgement.noise)
    } here, so that ${gated.threshold}% cannot be told: ` +
      `a quieter machine, ${more}, or a greater --threshold`;
  }
  return `the change is too near to the threshold to tell on which side it is: ${more} may decide`;
}

/** Rounds in which a check finds out how to measure, and warms up. */
const ROUNDS_AHEAD = 2;

/** A budget in seconds that `rounds` rounds fit into: greater than the one that they did not. */
function enoughSeconds(rounds: number, roundMs: number, budgetMs: number): number {
  return Math.ceil(Math.max(1.3 * (rounds + ROUNDS_AHEAD) * roundMs, 1.5 * budgetMs) / 1000);
}

/** `5.1%`, `0.02%`: a digit behind the point, and more where it would be 0 otherwise. */
export function formatPercent(fraction: number): string {
  const value = 100 * fraction;
  if (!Number.isFinite(value)) return "any%";
  const size = Math.abs(value);
  const digits = size === 0 || size >= 100 ? 0 : size >= 0.1 ? 1 : size >= 0.01 ? 2 : 3;
  return `${value.toFixed(digits)}%`;
}

/** The same with its sign. */
export function formatSignedPercent(fraction: number): string {
  return `${fraction < 0 ? "" : "+"}${formatPercent(fraction)}`;
}

/** A check's exit status: regressed, before unmeasurable, before inconclusive, before ok. */
export function checkExitStatus(rows: readonly CheckRow[], strict: boolean): number {
  const any = (verdict: Verdict) => rows.some((row) => row.verdict === verdict);
  if (any("regressed") || (strict && any("inconclusive"))) return EXIT.regressed;
  if (any("unmeasurable")) return EXIT.unsupported;
  return any("inconclusive") ? EXIT.inconclusive : EXIT.ok;
}
