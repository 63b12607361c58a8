/**
 * Verdict from samples: the interval of the ratio new / old is compared with the threshold. When the interval is
 * entirely on one side, the metric is decided; otherwise more runs may decide it.
 */

import { median } from "simple-statistics";
import { greatest, least } from "../../base/bytes/lists.ts";
import { rankSumRatio } from "./rank_sum.ts";
import { PAIR_TESTS, type PairTest, type RatioOfPairs, testConfidence } from "./pairs.ts";
import { signedRankRatio } from "./signed_rank.ts";
import { type Ratio, unpairedRatio } from "./statistics.ts";

/** Verdict on a metric. */
export type Verdict = "pass" | "regressed" | "inconclusive" | "unmeasurable";

/** Method that made the interval: see docs/check.md. */
export type Method =
  /** Wilcoxon's signed ranks, or the sign test, for paired runs. */
  | PairTest
  /** Ranks in both samples together, for values of two times that are all there is. */
  | "rank-sum"
  /** Resampling in blocks, for runs compared with those of another time. */
  | "block-bootstrap"
  /** Range of all possible ratios, for counts that hardly vary. */
  | "range";

/** Judgement of a metric by its samples. */
export interface Judgement {
  /** Outcome; `undecided` when more runs may decide. */
  outcome: "pass" | "regressed" | "undecided";
  /**
   * True when the whole interval is below what the threshold allows in the other direction: better, not just not
   * worse.
   */
  improved: boolean;
  ratio: Ratio;
  method: Method;
  /** Difference between runs of the same command by this method, as a fraction: smaller changes cannot be detected. */
  noise: number;
}

/** Times of fixed work when the baseline was made and now, which show how the machine's speed has changed. */
export interface MachineDrift {
  before: readonly number[];
  now: readonly number[];
}

/** Terms of a judgement. */
export interface JudgementTerms {
  /** Allowed increase as a fraction: 0.02. */
  threshold: number;
  /** Confidence of the interval, 0 to 1. */
  confidence: number;
  /** True when the numbers count what the program does. */
  steady: boolean;
}

/**
 * Number of runs of each command that decide counts which hardly vary: two identical commands look different 1 time
 * in 256.
 */
export const STEADY_RUNS = 4;
/** Largest spread of counts that hardly vary, as a fraction of the threshold. */
const STEADY_SPREAD = 0.1;

/**
 * Number of consecutive runs that are resampled together, because what slowed one run is likely to have slowed the
 * next.
 */
const BLOCK = 3;

/** Factors by which an interval is widened: what else may have changed the ratio, at most. */
export interface Widening {
  low: number;
  high: number;
}

/**
 * Judges paired runs, run i of `a` beside run i of `b`; `b` is the new command. The first test that decides does; if none
 * does, the judgement is that with the narrower interval.
 */
export function judgePairs(
  a: readonly number[],
  b: readonly number[],
  terms: JudgementTerms,
  widening: Widening = { low: 1, high: 1 },
): Judgement {
  const each = { ...terms, confidence: testConfidence(terms.confidence) };
  const judgements: Judgement[] = [];
  for (const [method, ratioOf] of Object.entries(PAIR_TESTS) as [PairTest, RatioOfPairs][]) {
    const ratio = widened(ratioOf(a, b, each.confidence), widening);
    const judgement = judge(ratio, method, noiseOf([a, b], each.confidence, ratioOf), each);
    if (judgement.outcome !== "undecided") return judgement;
    judgements.push(judgement);
  }
  const widthOf = ({ ratio: { interval } }: Judgement) => interval.high / interval.low;
  return judgements.reduce((best, one) => widthOf(one) < widthOf(best) ? one : best);
}

/**
 * Judges today's runs, `b`, against those of a baseline, `a`. With `drift` the interval is widened by the change of
 * the machine's speed since then, up to the end of that change's own interval: such a part of the difference is not
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
  const { low, high } = machine.interval;
  const widest = widened(ratio, { low: 1 / Math.max(1, high), high: 1 / Math.min(1, low) });
  return judge(widest, "block-bootstrap", Math.max(noise, Math.abs(machine.ratio - 1)), terms);
}

/** Judges the values of another time, `a`, and those of now, `b`, of which there will not be more. */
export function judgeUnpaired(a: readonly number[], b: readonly number[], terms: JudgementTerms): Judgement {
  return judge(rankSumRatio(a, b, terms.confidence), "rank-sum", noiseOf([a, b], terms.confidence), terms);
}

/**
 * Judges counts that hardly vary, of at least STEADY_RUNS runs each. The interval holds all ratios between a new and
 * an old run. Returns undefined when they vary, so that statistics are needed.
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

function widened({ ratio, interval: { low, high, confidence } }: Ratio, by: Widening): Ratio {
  return { ratio, interval: { low: low * by.low, high: high * by.high, confidence } };
}

function judge(ratio: Ratio, method: Method, noise: number, terms: JudgementTerms): Judgement {
  const { low, high, confidence } = ratio.interval;
  const sure = confidence >= terms.confidence;
  const worst = 1 + terms.threshold;
  // a difference no larger than between runs of the same command is never a regression, whatever the interval says
  const slower = sure && low > worst && ratio.ratio > 1 + noise;
  const outcome = slower ? "regressed" : sure && high <= worst ? "pass" : "undecided";
  return { outcome, improved: outcome === "pass" && high < 1 / worst, ratio, method, noise };
}

/**
 * Returns the noise: how far apart the same command's runs are by the same method, comparing each run with the next
 * one. It is half the width of that interval, as a fraction; Infinity when there are too few runs.
 */
function noiseOf(
  commands: readonly (readonly number[])[],
  confidence: number,
  ratioOf: RatioOfPairs = signedRankRatio,
): number {
  const first: number[] = [], second: number[] = [];
  for (const runs of commands) {
    for (let i = 0; i + 1 < runs.length; i += 2) {
      first.push(runs[i]);
      second.push(runs[i + 1]);
    }
  }
  if (first.length === 0) return Infinity;
  const { low, high } = ratioOf(first, second, confidence).interval;
  return Math.sqrt(high / low) - 1;
}

function spread(values: readonly number[]): number {
  return greatest(values) / least(values) - 1;
}
