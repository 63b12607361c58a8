/**
 * From samples to a verdict: the interval of the ratio new / old against the threshold. What the interval lies wholly on one
 * side of is decided; the rest is not, and more runs may decide it.
 */

import { median } from "simple-statistics";
import { greatest, least } from "../../base/bytes/lists.ts";
import { signedRankRatio } from "./signed_rank.ts";
import { type Ratio, unpairedRatio } from "./statistics.ts";

/** What a check says of a metric. */
export type Verdict = "pass" | "regressed" | "inconclusive" | "unmeasurable";

/** How the interval was made: see docs/check.md. */
export type Method =
  /** Paired runs, Wilcoxon's signed ranks. */
  | "signed-rank"
  /** Runs of another time against runs of now, resampled in blocks. */
  | "block-bootstrap"
  /** Counts that hardly vary: all ratios that there can be. */
  | "range";

export interface Judgement {
  /** `undecided` where more runs may tell. */
  outcome: "pass" | "regressed" | "undecided";
  /** The whole interval is below what the threshold allows in the other direction: better, not just not worse. */
  improved: boolean;
  ratio: Ratio;
  method: Method;
  /** By how much alike runs differ by this method, as a fraction: what is smaller than that cannot be told. */
  noise: number;
}

/** How the machine itself went now, as a ratio to how it went when the baseline was made: fixed work, over time. */
export interface MachineDrift {
  before: readonly number[];
  now: readonly number[];
}

export interface JudgementTerms {
  /** By how much the new one may be worse, as a fraction: 0.02. */
  threshold: number;
  /** Of the interval, 0 to 1. */
  confidence: number;
  /** Whether the numbers are counts of what the program does. */
  steady: boolean;
}

/** With this many runs of each, counts that hardly vary are decided: two alike commands look different 1 time in 256. */
export const STEADY_RUNS = 4;
/** What hardly varies stays within this part of the threshold. */
const STEADY_SPREAD = 0.1;

/** Runs that follow each other are resampled together, because what slowed one is likely to have slowed the next. */
const BLOCK = 3;

/** Judges runs made in pairs, run i of `a` beside run i of `b`; `b` is the new one. */
export function judgePairs(a: readonly number[], b: readonly number[], terms: JudgementTerms): Judgement {
  const ratio = signedRankRatio(a, b, terms.confidence);
  return judge(ratio, "signed-rank", noiseOf([a, b], terms.confidence), terms);
}

/**
 * Judges runs of now, `b`, against those of a baseline, `a`. With `drift` the interval is widened by as much as the
 * machine itself has become slower or faster since, as far as its own interval goes: such a part of the difference is not
 * the command's.
 */
export function judgeAgainstBaseline(
  a: readonly number[],
  b: readonly number[],
  terms: JudgementTerms,
  drift?: MachineDrift,
): Judgement {
  const ratio = unpairedRatio(a, b, terms.confidence, { block: BLOCK });
  const noise = Math.max(noiseOf([a], terms.confidence), noiseOf([b], terms.confidence));
  if (!drift) return judge(ratio, "block-bootstrap", noise, terms);
  const machine = unpairedRatio(drift.before, drift.now, terms.confidence, { block: BLOCK });
  const { low, high, confidence } = ratio.interval;
  const widened = {
    ratio: ratio.ratio,
    interval: {
      low: low / Math.max(1, machine.interval.high),
      high: high / Math.min(1, machine.interval.low),
      confidence,
    },
  };
  return judge(widened, "block-bootstrap", Math.max(noise, Math.abs(machine.ratio - 1)), terms);
}

/**
 * Judges counts that hardly vary, of STEADY_RUNS runs or more each: the interval is of all ratios between a new and
 * an old run. Undefined when they do vary, so that statistics are needed.
 */
export function judgeSteady(
  a: readonly number[],
  b: readonly number[],
  terms: JudgementTerms,
): Judgement | undefined {
  if (!terms.steady || a.length < STEADY_RUNS || b.length < STEADY_RUNS) return undefined;
  const noise = Math.max(spread(a), spread(b));
  if (!(noise <= STEADY_SPREAD * terms.threshold)) return undefined;
  const ratio = {
    ratio: median([...b]) / median([...a]),
    interval: {
      low: least(b) / greatest(a),
      high: greatest(b) / least(a),
      confidence: 1 - 2 ** (-2 * STEADY_RUNS),
    },
  };
  return judge(ratio, "range", noise, { ...terms, confidence: 0 });
}

function judge(ratio: Ratio, method: Method, noise: number, terms: JudgementTerms): Judgement {
  const { low, high, confidence } = ratio.interval;
  const sure = confidence >= terms.confidence;
  const worst = 1 + terms.threshold;
  // a difference that alike runs show as well is never called one, whatever the interval says
  const slower = sure && low > worst && ratio.ratio > 1 + noise;
  const outcome = slower ? "regressed" : sure && high <= worst ? "pass" : "undecided";
  return { outcome, improved: outcome === "pass" && high < 1 / worst, ratio, method, noise };
}

/**
 * How far apart the same command's runs are, by the same method: each run beside the next one. Half of the
 * interval that has, as a fraction; Infinity when there are too few runs to say.
 */
function noiseOf(commands: readonly (readonly number[])[], confidence: number): number {
  const first: number[] = [], second: number[] = [];
  for (const runs of commands) {
    for (let i = 0; i + 1 < runs.length; i += 2) {
      first.push(runs[i]);
      second.push(runs[i + 1]);
    }
  }
  if (first.length === 0) return Infinity;
  const { low, high } = signedRankRatio(first, second, confidence).interval;
  return Math.sqrt(high / low) - 1;
}

function spread(values: readonly number[]): number {
  return greatest(values) / least(values) - 1;
}
