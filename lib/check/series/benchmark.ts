/** Benchmark of a check: its runs, and the rows and notes that result. */

import { CommandError, UnsupportedError } from "../../base/system/errors.ts";
import { append } from "../../base/bytes/lists.ts";
import { once } from "../../base/system/once.ts";
import type { StoredBenchmark, StoredMetric } from "../baseline/baseline.ts";
import type { SourceChoice } from "../metrics/choose_source.ts";
import { type GatedMetric, NEW, OLD, runGate, type RunValues } from "../gate.ts";
import type { MetricSource } from "../metrics/metric_sources.ts";
import { type CheckRow, rowsOf, unmeasuredRow } from "../output/result.ts";
import { execute, type SamplesByCommand } from "../../run/schedule.ts";
import { STEADY_RUNS } from "../statistics/verdict.ts";
import { WALL_RUNS, wallNote } from "../output/wall_note.ts";
import type { Io } from "../../cli/command.ts";
import { renderProgress } from "../../cli/progress.ts";
import {
  type BenchmarkPlan,
  type CheckContext,
  chooseSources,
  limitOf,
  measureWallTimes,
  openSeries,
  type RunSeries,
  SmallBudget,
} from "./series.ts";

/** Name of the source that is the wall time itself. */
const WALL = "wall";

/** Result of a benchmark. */
export interface BenchmarkOutcome {
  rows: CheckRow[];
  notes: string[];
  /** Signal by which the user stopped the check. */
  stopSignal?: number;
}

/** Compares the new command with the old one, or with the baseline. */
export async function checkBenchmark(
  plan: BenchmarkPlan,
  stored: StoredBenchmark | undefined,
  shared: CheckContext,
): Promise<BenchmarkOutcome> {
  const context = { ...shared, note: once(shared.note), limit: limitOf(plan) };
  const of = { benchmark: plan.name, comparedWith: plan.against ? "command" as const : "baseline" as const };
  const outcome: BenchmarkOutcome = { rows: [], notes: [] };
  try {
    const begun = performance.now();
    const { choices, roundMs } = await chooseSources(
      plan,
      context,
      (metric) => stored?.metrics[metric]?.rung,
    );
    const gated: GatedMetric[] = [];
    for (const { metric, source, passedOver } of choices) {
      if (source) {
        const threshold = plan.thresholds.byMetric[metric] ?? plan.thresholds.all ?? source.threshold;
        gated.push({ metric, source, threshold, stored: stored?.metrics[metric] });
        if (passedOver.length && !stored) outcome.notes.push(sourceNote(plan, source, passedOver));
      } else {
        outcome.rows.push(unmeasuredRow(of, metric, passedOver.join("; ")));
      }
    }
    let walls: RunSeries["walls"] | undefined;
    for (const [kind, part] of byKind(gated)) {
      const steady = part.every(({ source }) => source.steady);
      const series = openSeries(plan, part.map(({ source }) => source), { gauge: !steady }, context);
      try {
        const limits = {
          warmups: kind === "valgrind" ? 0 : 1,
          maxRuns: plan.maxRuns,
          budgetMs: Math.max(0, plan.budgetMs - (performance.now() - begun)),
          roundMs,
        };
        const gates = await runGate(part, gated.length, limits, {
          executor: series.executor,
          now: () => performance.now(),
          stopped: () => series.stopSignal() !== undefined,
          isOver: () => series.isOver(),
          seed: crypto.getRandomValues(new Int32Array(1))[0],
          onRound: progress(plan, context.io),
        });
        append(outcome.rows, rowsOf(of, gates, gated.length, plan.budgetMs));
        outcome.stopSignal ??= series.stopSignal();
        if (kind === "run") walls = series.walls;
      } finally {
        series.close();
      }
    }
    if (outcome.stopSignal === undefined) {
      append(outcome.notes, await wallNotes(plan, stored, gated, { walls, context }));
    }
  } catch (error) {
    // a benchmark that cannot be run is no reason to omit the others
    if (!(error instanceof CommandError || error instanceof UnsupportedError)) throw error;
    const verdict = error instanceof SmallBudget ? "inconclusive" : "unmeasurable";
    outcome.rows = plan.metrics.map((metric) => unmeasuredRow(of, metric, error.message, verdict));
  } finally {
    context.io.status("");
  }
  return outcome;
}

/** Returns a note on the wall time, if it changed and decides nothing. */
async function wallNotes(
  plan: BenchmarkPlan,
  stored: StoredBenchmark | undefined,
  gated: readonly GatedMetric[],
  { walls, context }: { walls?: RunSeries["walls"]; context: CheckContext },
): Promise<string[]> {
  const sources = gated.map(({ source }) => source.name);
  if (sources.length === 0 || sources.includes(WALL) || (stored && !stored.wall)) return [];
  const [old, now] = walls ?? await measureWallTimes(plan, context);
  const note = wallNote(stored?.wall ?? old, now, sources);
  return note === undefined ? [] : [`${plan.name}: ${note}`];
}

/** Number of runs in a baseline, unless the budget ends before. */
const BASELINE_RUNS = 40;

/** Measurements of a benchmark for a baseline. */
export interface MeasuredBaseline extends Pick<StoredBenchmark, "metrics" | "wall"> {
  notes: string[];
  /** Signal by which the user stopped the check. */
  stopSignal?: number;
}

/** Measures a benchmark for the baseline. Throws CommandError or UnsupportedError when that is not possible. */
export async function measureBaseline(
  plan: BenchmarkPlan,
  shared: CheckContext,
): Promise<MeasuredBaseline> {
  const context = { ...shared, note: once(shared.note), limit: limitOf(plan) };
  const begun = performance.now();
  const { choices } = await chooseSources(plan, context, () => undefined);
  const missing = choices.find(({ source }) => !source);
  if (missing) {
    throw new UnsupportedError({
      attempt: `measure ${missing.metric} of '${plan.name}'`,
      cause: missing.passedOver.join("; "),
    });
  }
  const chosen = choices as (SourceChoice & { source: MetricSource })[];
  const notes = chosen.filter(({ passedOver }) => passedOver.length)
    .map(({ source, passedOver }) => sourceNote(plan, source, passedOver));
  const metrics: Record<string, StoredMetric> = {};
  let stopSignal: number | undefined;
  let walls: RunSeries["walls"] | undefined;
  for (const [kind, part] of byKind(chosen)) {
    const steady = part.every(({ source }) => source.steady);
    const series = openSeries(plan, part.map(({ source }) => source), { gauge: !steady }, context);
    const most = kind === "valgrind" ? STEADY_RUNS + 1 : Math.min(BASELINE_RUNS, plan.maxRuns);
    const draw = progress(plan, context.io);
    try {
      let samples: SamplesByCommand<RunValues> = [[], []];
      const steps = execute({
        commands: 2,
        warmups: kind === "valgrind" ? 0 : 1,
        wantsMore: (all) => {
          const spent = performance.now() - begun;
          return all[NEW].length < Math.min(2, most) || (all[NEW].length < most && spent < plan.budgetMs);
        },
        stopped: () => series.stopSignal() !== undefined || series.isOver(),
        seed: crypto.getRandomValues(new Int32Array(1))[0],
      }, series.executor);
      for await (const done of steps) {
        samples = done.samples;
        draw(samples[NEW].length, most);
      }
      stopSignal ??= series.stopSignal();
      if (kind === "run") walls = series.walls;
      if (samples[NEW].length < 2 && stopSignal === undefined) {
        throw budgetTooSmall(plan, samples[NEW].length);
      }
      for (const { metric, source } of part) {
        const values = (command: number) => samples[command].map((run) => run.get(source.name));
        const stored = values(NEW);
        const bad = stored.find((value) => !(value !== undefined && value > 0));
        if (stored.includes(bad) && stopSignal === undefined) {
          throw new UnsupportedError({
            attempt: `make a baseline of ${source.name} of '${plan.name}'`,
            cause: bad === undefined ? "it is unknown for some runs" : "it was 0, and there is no ratio to 0",
          });
        }
        metrics[metric] = {
          rung: source.name,
          samples: stored as number[],
          ...(source.steady ? {} : { gauge: values(OLD) as number[] }),
        };
      }
      if (samples[NEW].length < most && stopSignal === undefined) {
        notes.push(`${plan.name}: the budget ended after ${samples[NEW].length} runs of ${most}`);
      }
    } finally {
      series.close();
      context.io.status("");
    }
  }
  if (stopSignal === undefined) walls ??= await measureWallTimes(plan, context);
  const wall = walls?.[NEW] ?? [];
  return { metrics, ...(wall.length < WALL_RUNS ? {} : { wall }), notes, stopSignal };
}

function budgetTooSmall({ name, budgetMs }: BenchmarkPlan, runs: number): UnsupportedError {
  return new UnsupportedError({
    attempt: `make a baseline of '${name}'`,
    cause: `the budget of ${budgetMs / 1000} s ended after ${runs} run${runs === 1 ? "" : "s"}`,
    remedy: "give a greater --budget",
  });
}

function sourceNote(plan: BenchmarkPlan, source: MetricSource, passedOver: readonly string[]): string {
  return `${plan.name}: measured by ${source.name}; no better metric is available: ${passedOver.join("; ")}`;
}

function byKind<T extends { source: MetricSource }>(gated: readonly T[]): Map<MetricSource["kind"], T[]> {
  return Map.groupBy(gated, ({ source }) => source.kind);
}

/** Returns a function that shows a benchmark's progress on a terminal. */
function progress(plan: BenchmarkPlan, io: Io): (rounds: number, most: number) => void {
  if (!io.stderrIsTerminal) return () => {};
  const begun = performance.now();
  return (rounds, most) => {
    const seconds = (performance.now() - begun) / 1000;
    io.status(
      renderProgress(
        { done: rounds, expected: most, seconds, what: `${plan.name} (fewer if decided earlier)` },
        io.columns,
      ),
    );
  };
}
