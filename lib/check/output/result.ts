/** Result of a check: a row for each benchmark and metric, and the exit status that follows from all of them. */

import { median } from "simple-statistics";
import { EXIT } from "../../base/system/errors.ts";
import type { EndReason, GateResult, MetricGate } from "../gate.ts";
import type { MetricUnit } from "../metrics/metrics.ts";
import { probableRounds } from "../statistics/probable_rounds.ts";
import { MAX_RUNS } from "../statistics/sequential_looks.ts";
import type { Judgement, Method, Verdict } from "../statistics/verdict.ts";
import { counted } from "../../base/text/plural.ts";

/** Subject that the new command, or the new file, is compared with. */
export type ComparedWith = "command" | "baseline" | "file";

/** Verdict on a metric of a benchmark. */
export interface CheckRow {
  benchmark: string;
  /** Subject of the comparison: the old command, run side by side, the baseline in a file, or another tool's file. */
  comparedWith: ComparedWith;
  metric: string;
  /** Name of the source that measured it; undefined when it was not measured. */
  rung?: string;
  unit: MetricUnit;
  verdict: Verdict;
  /** True when it passed and is better by more than the threshold. */
  improved: boolean;
  /** Allowed increase in percent; undefined when it was not measured. */
  threshold?: number;
  /** Reason why it neither passed nor regressed, and what to do about it; or why another source than its own decides. */
  reason?: string;
  figures?: ChangeFigures;
}

/** Numbers behind a verdict. Differences are fractions: 0.05 for 5 % more. */
export interface ChangeFigures {
  /** Median of the old command. */
  old: number;
  /** Median of the new command. */
  new: number;
  change: number;
  /** Lower end of the change's interval. */
  low: number;
  /** Upper end of the change's interval. */
  high: number;
  /** Confidence of the interval, 0 to 1. */
  confidence: number;
  method: Method;
  /** Difference between runs of the same command: smaller changes cannot be detected here. */
  noise: number;
  /** Number of runs of the old and the new command that decided it. */
  runs: { old: number; new: number };
}

/** Result of a check. */
export interface CheckResult {
  rows: CheckRow[];
  /** Notes to consider before trusting the verdicts, a sentence each. */
  notes: string[];
  /** Comparison of profiles by benchmark, as text. */
  where: Record<string, string>;
  /** Symbols that take more than before, by benchmark. Absent where profiles could not be compared. */
  grown?: Record<string, GrownSymbols>;
}

/** Symbols of a benchmark that take more than before, by more than sampling alone may explain. */
export interface GrownSymbols {
  /** Event that was sampled, and the unit of its amounts. */
  event: string;
  unit: "ns" | "events";
  /** Symbols, the one that grew most first. */
  symbols: { symbol: string; object?: string; before: number; now: number }[];
}

/** Returns the rows of a benchmark's metrics. */
export function rowsOf(
  { benchmark, comparedWith }: Pick<CheckRow, "benchmark" | "comparedWith">,
  gates: GateResult,
  budgetMs: number,
): CheckRow[] {
  return gates.gates.map((gate): CheckRow => {
    const { metric, threshold } = gate.gated;
    const { source, samples } = gate.standIn ?? { source: gate.gated.source, samples: gate.samples };
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
    const figures = judgement && figuresOf(samples.old, samples.new, judgement, gate.rounds);
    if (judgement && judgement.outcome !== "undecided") {
      const reason = gate.standIn ? { reason: standInBecause(gate, "so CPU time does") } : {};
      return { ...row, verdict: judgement.outcome, improved: judgement.improved, figures, ...reason };
    }
    return {
      ...row,
      verdict: "inconclusive",
      figures,
      reason: standInBecause(gate, "nor could CPU time", ": ") + undecidedBecause(gate, gates, budgetMs) +
        gaveUpBecause(gates, budgetMs),
    };
  });
}

/** Returns the row of a metric that could not be measured at all, or that there was no time to measure. */
export function unmeasuredRow(
  of: Pick<CheckRow, "benchmark" | "comparedWith">,
  metric: string,
  reason: string,
  verdict: "unmeasurable" | "inconclusive" = "unmeasurable",
): CheckRow {
  return { ...of, metric, unit: "count", verdict, improved: false, reason };
}

/**
 * Returns the numbers behind a judgement of the samples of old and new.
 * @param decided number of new samples that decided it; all by default.
 */
export function figuresOf(
  old: readonly number[],
  now: readonly number[],
  { ratio, method, noise }: Judgement,
  decided = now.length,
): ChangeFigures {
  return {
    old: median([...old]),
    new: median([...now]),
    change: ratio.ratio - 1,
    low: ratio.interval.low - 1,
    high: ratio.interval.high - 1,
    confidence: ratio.interval.confidence,
    method,
    noise,
    runs: { old: old.length, new: decided },
  };
}

/** Returns what the CPU time is judged for in place of a metric's own source, followed by `end`; "" where it is not. */
function standInBecause({ gated, standIn }: MetricGate, what: string, end = ""): string {
  if (!standIn) return "";
  const { share, own: { ratio: { interval }, noise } } = standIn;
  const range = `${formatSignedPercent(interval.low - 1)} to ${formatSignedPercent(interval.high - 1)}`;
  return `${gated.source.name} could not decide it (${range}, noise floor ${
    formatPercent(noise)
  }), ${what}, ` +
    `which is ${formatPercent(share)} of the wall time of undisturbed runs${end}`;
}

/** Returns the end of a reason: why a budget that adapts ended before its limit; "" when it did not. */
function gaveUpBecause({ gaveUpAfterMs }: GateResult, budgetMs: number): string {
  if (gaveUpAfterMs === undefined) return "";
  return `; --budget auto ended after ${Math.round(gaveUpAfterMs / 1000)} s, because ${
    budgetMs / 1000
  } s would probably ` +
    "not decide it";
}

function undecidedBecause(
  gate: MetricGate,
  { ended, roundMs, looks, coldAfter }: GateResult,
  budgetMs: number,
): string {
  const { judgement, gated } = gate;
  if (ended === "user") return "stopped before it was decided";
  if (coldAfter) {
    return `the budget of ${budgetMs / 1000} s ended in warm-up, after ${coldAfter.warmups} of ${
      counted(coldAfter.of, "run")
    } of each command: give a smaller -w`;
  }
  const needed = looks.needed;
  if (!judgement || judgement.ratio.interval.confidence < looks.confidence) {
    return ended === "budget"
      ? `the budget of ${budgetMs / 1000} s was not enough for ${counted(needed, "round")}` +
        (roundMs > 0 ? ` of ${(roundMs / 1000).toFixed(2)} s` : "") +
        `: give --budget ${enoughSeconds(needed, roundMs, budgetMs)}`
      : `${
        counted(looks.rounds[looks.rounds.length - 1], "round")
      } cannot decide it: give --max-runs ${needed} or more`;
  }
  const more = remedyOf(gate, judgement, { ended, roundMs, budgetMs });
  if (100 * judgement.noise >= gated.threshold) {
    return `runs of the same command already differ by ${formatPercent(judgement.noise)}, ` +
      `so a ${gated.threshold}% change cannot be detected: use a quieter machine${
        more && `, ${more},`
      } or a greater --threshold`;
  }
  return `the change is too close to the threshold to decide: use ${more || "a greater --threshold"}`;
}

/** Returns the option that would give more runs, and its value where that can be told; "" where no number of runs would do. */
function remedyOf(
  { gated, rounds }: MetricGate,
  judgement: Judgement,
  { ended, roundMs, budgetMs }: { ended?: EndReason; roundMs: number; budgetMs: number },
): string {
  const isBudget = ended === "budget";
  // the runs of a baseline stay as few as they are
  if (gated.stored) return isBudget ? "a greater --budget" : "a greater --max-runs";
  const needed = probableRounds(judgement, gated.threshold / 100, rounds);
  if (needed > MAX_RUNS) return "";
  return isBudget
    ? `--budget ${enoughSeconds(needed, roundMs, budgetMs)} (about ${
      counted(needed, "run")
    } would probably do)`
    : `--max-runs ${needed}, which would probably do`;
}

/** Rounds for choosing the sources and for warming up. */
const ROUNDS_AHEAD = 2;

/** Returns a budget in seconds for `rounds` rounds, greater than the one that was too small for them. */
function enoughSeconds(rounds: number, roundMs: number, budgetMs: number): number {
  return Math.ceil(Math.max(1.3 * (rounds + ROUNDS_AHEAD) * roundMs, 1.5 * budgetMs) / 1000);
}

/** Formats a fraction in percent: `5.1%`, `0.02%`. It has one decimal, and more where the result would be 0. */
export function formatPercent(fraction: number): string {
  const value = 100 * fraction;
  if (!Number.isFinite(value)) return "any%";
  const size = Math.abs(value);
  const digits = size === 0 || size >= 100 ? 0 : size >= 0.1 ? 1 : size >= 0.01 ? 2 : 3;
  return `${value.toFixed(digits)}%`;
}

/** Formats a fraction in percent with its sign. */
export function formatSignedPercent(fraction: number): string {
  return signed(fraction, formatPercent(fraction));
}

/** Formats a threshold, which is in percent: all its digits, if it has more than are shown otherwise. */
export function formatThreshold(percent: number): string {
  const text = formatPercent(percent / 100);
  return signed(percent, parseFloat(text) === percent ? text : `${percent}%`);
}

/** Decimals of a percentage at most. */
const MAX_DECIMALS = 9;

/**
 * Formats a change and its interval for the same line: `+5.1%` and `+4.2% to +6.0%`. They have as many decimals as it
 * takes to see on which side of the threshold in percent, of 0 and of each other they are, by which they were judged.
 */
export function formatEstimate(
  { change, low, high }: Pick<ChangeFigures, "change" | "low" | "high">,
  threshold: number | undefined,
): { change: string; interval: string } {
  const allowed = (threshold ?? 0) / 100;
  const text = (fraction: number, ...apart: number[]) => {
    const plain = formatSignedPercent(fraction);
    const isApart = (shown: string) =>
      apart.every((other) =>
        Math.sign(parseFloat(shown) - 100 * other) === Math.sign(fraction - other) ||
        Math.abs(fraction - other) < 10 ** -MAX_DECIMALS
      );
    if (!Number.isFinite(fraction) || isApart(plain)) return plain;
    for (let decimals = 1; decimals < MAX_DECIMALS; decimals++) {
      const longer = (100 * fraction).toFixed(decimals);
      if (isApart(longer)) return signed(fraction, `${longer}%`);
    }
    return plain;
  };
  return {
    change: text(change, allowed, 0),
    interval: `${text(low, allowed, 0)} to ${text(high, allowed, 0)}`,
  };
}

function signed(value: number, text: string): string {
  return `${value < 0 ? "" : "+"}${text}`;
}

/** Returns the exit status of a check: regressed, before unmeasurable, before inconclusive, before ok. */
export function checkExitStatus(rows: readonly CheckRow[], strict: boolean): number {
  const any = (verdict: Verdict) => rows.some((row) => row.verdict === verdict);
  if (any("regressed") || (strict && any("inconclusive"))) return EXIT.regressed;
  if (any("unmeasurable")) return EXIT.unsupported;
  return any("inconclusive") ? EXIT.inconclusive : EXIT.ok;
}
