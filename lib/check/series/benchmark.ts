/** Benchmark of a check: its runs, and the rows and notes that result. */

import { thresholdFor } from "../baseline/config.ts";
import { counted } from "../../base/text/plural.ts";
import { CommandError, UnsupportedError } from "../../base/system/errors.ts";
import { append } from "../../base/bytes/lists.ts";
import { once } from "../../base/system/once.ts";
import type { StoredBenchmark } from "../baseline/baseline.ts";
import type { BenchmarkSamples } from "../foreign/samples.ts";
import type { HistoryMetric } from "../history/history_line.ts";
import type { SourceChoice } from "../metrics/choose_source.ts";
import {
  decidingSources,
  type GatedMetric,
  type GateLimits,
  type GateResult,
  NEW,
  OLD,
  runGate,
  type RunValues,
} from "../gate.ts";
import type { MetricSource } from "../metrics/metric_sources.ts";
import { type CheckRow, rowsOf, unmeasuredRow } from "../output/result.ts";
import { PINNED_PARTS } from "../../run/pinned_environment.ts";
import { execute, type SamplesByCommand } from "../../run/schedule.ts";
import { STEADY_RUNS } from "../statistics/verdict.ts";
import { WALL_RUNS, wallNote } from "../output/wall_note.ts";
import type { Io } from "../../cli/command.ts";
import { renderProgress } from "../../cli/progress.ts";
import {
  type BenchmarkPlan,
  budgetLeft,
  type CheckContext,
  chooseSources,
  limitOf,
  measureWallTimes,
  openSeries,
  pinnedRunsOf,
  type RunSeries,
  SmallBudget,
  withSetupOf,
} from "./series.ts";

/** Name of the source that is the wall time itself. */
const WALL = "wall";

/** Largest number of runs that are compared with those of a baseline, or kept as one. */
const MOST_BESIDE_BASELINE = 1000;

interface WithSource {
  source: MetricSource;
}

/** Metric for which a source was found. */
type ChosenMetric = SourceChoice & WithSource;

/** Measurements of the new command: its metrics by requested name, and wall times in ns of some runs. */
export interface MeasuredBenchmark extends Pick<StoredBenchmark, "wall"> {
  /** Samples by requested name of the metric. */
  metrics: Record<string, HistoryMetric>;
}

/** Result of a benchmark. */
export interface BenchmarkOutcome {
  /** Row of each metric. */
  rows: CheckRow[];
  /** Remarks on the result, a sentence each. */
  notes: string[];
  /** Samples of the new command, for a history. */
  measured: MeasuredBenchmark;
  /** Samples of the new command's benchmarks, where another tool has measured. */
  foreign?: BenchmarkSamples[];
  /** Signal by which the user stopped the check. */
  stopSignal?: number;
}

/** Compares the new command with the old one, or with the baseline. */
export async function checkBenchmark(
  plan: BenchmarkPlan,
  stored: StoredBenchmark | undefined,
  shared: CheckContext,
): Promise<BenchmarkOutcome> {
  const of = { benchmark: plan.name, comparedWith: plan.against ? "command" as const : "baseline" as const };
  const outcome: BenchmarkOutcome = { rows: [], notes: [], measured: { metrics: {} } };
  try {
    await withSetupOf(plan, shared, async () => {
      const context = { ...shared, note: once(shared.note), limit: limitOf(plan) };
      await runBenchmark(plan, stored, { of, context, outcome });
    });
  } catch (error) {
    // a benchmark that cannot be run is no reason to omit the others
    if (!(error instanceof CommandError || error instanceof UnsupportedError)) throw error;
    const verdict = error instanceof SmallBudget ? "inconclusive" : "unmeasurable";
    outcome.rows = plan.metrics.map((metric) => unmeasuredRow(of, metric, error.message, verdict));
  } finally {
    shared.io.status("");
  }
  return outcome;
}

/** Adds the rows and notes of a benchmark to `outcome`. */
async function runBenchmark(
  plan: BenchmarkPlan,
  stored: StoredBenchmark | undefined,
  { of, context, outcome }: {
    of: Pick<CheckRow, "benchmark" | "comparedWith">;
    context: CheckContext;
    outcome: BenchmarkOutcome;
  },
): Promise<void> {
  const begun = performance.now();
  const { choices, roundMs } = await chooseSources(
    plan,
    context,
    (metric) => stored?.metrics[metric]?.rung,
  );
  const gated: GatedMetric[] = [];
  for (const { metric, source, passedOver } of choices) {
    if (source) {
      const threshold = thresholdFor(plan.thresholds, metric) ?? source.threshold;
      gated.push({ metric, source, threshold, stored: stored?.metrics[metric] });
      if (passedOver.length && !stored) outcome.notes.push(sourceNote(plan, source, passedOver));
    } else {
      outcome.rows.push(unmeasuredRow(of, metric, passedOver.join("; ")));
    }
  }
  if (gated.some(({ source }) => source.kind === "valgrind")) outcome.notes.push(pinnedNote(plan));
  let walls: RunSeries["walls"] | undefined;
  for (const part of byKind(gated).values()) {
    const limits = { ...budgetLeft(plan, begun), roundMs };
    const { gates, ...series } = await gateSeries(plan, part, decidingSources(gated), { limits, context });
    append(outcome.rows, rowsOf(of, gates, plan.budgetMs));
    Object.assign(outcome.measured.metrics, await measuredMetrics(plan, gates));
    outcome.stopSignal ??= series.stopSignal;
    walls ??= series.walls;
  }
  const sources = gated.map(({ source }) => source.name);
  // that of whole runs says nothing about parts of them
  if (outcome.stopSignal === undefined && !plan.control && isWallNoted(stored, sources)) {
    walls ??= await measureWallTimes(plan, context);
    const note = wallNote(stored?.wall ?? walls[OLD], walls[NEW], sources);
    if (note !== undefined) outcome.notes.push(`${plan.name}: ${note}`);
  }
  if (walls && walls[NEW].length >= WALL_RUNS) outcome.measured.wall = walls[NEW];
}

/** Returns samples of the new command, by metric: no more than a baseline is compared with. There are none of a metric that could not be looked at. */
async function measuredMetrics(
  plan: BenchmarkPlan,
  { gates }: GateResult,
): Promise<Record<string, HistoryMetric>> {
  const metrics: Record<string, HistoryMetric> = {};
  for (const { gated: { metric, source }, samples, unmeasurable } of gates) {
    if (unmeasurable !== undefined || samples.new.length === 0) continue;
    metrics[metric] = {
      ...{ rung: source.name, unit: source.unit, samples: samples.new.slice(0, MOST_BESIDE_BASELINE) },
      ...(samples.gauge ? { gauge: samples.gauge.slice(0, MOST_BESIDE_BASELINE) } : {}),
      ...(source.kind === "valgrind" ? { pinned: await pinnedRunsOf(plan) } : {}),
    };
  }
  return metrics;
}

/** Runs a series until the metrics of `gated`, whose sources are of one kind, are decided. */
async function gateSeries(
  plan: BenchmarkPlan,
  gated: readonly GatedMetric[],
  sources: number,
  { limits, context }: {
    limits: Pick<GateLimits, "budgetMs" | "minBudgetMs" | "roundMs">;
    context: CheckContext;
  },
): Promise<{ gates: GateResult } & SeriesEnd> {
  const series = openSeriesOf(plan, gated, context);
  try {
    // beside the few runs of a baseline more would not help, and resampling takes time by their number
    const maxRuns = plan.against ? plan.maxRuns : Math.min(plan.maxRuns, MOST_BESIDE_BASELINE);
    const gates = await runGate(gated, sources, { warmups: warmupsOf(plan, gated), maxRuns, ...limits }, {
      executor: series.executor,
      now: () => performance.now(),
      stopped: () => series.stopSignal() !== undefined,
      isOver: () => series.isOver(),
      seed: crypto.getRandomValues(new Int32Array(1))[0],
      onRound: progress(plan, context.io),
    });
    return { gates, ...endOf(series, gated) };
  } finally {
    series.close();
  }
}

/** Returns whether a change of the wall time is worth a note: it decides nothing, and there is one to compare with. */
function isWallNoted(stored: StoredBenchmark | undefined, sources: readonly string[]): boolean {
  return sources.length > 0 && !sources.includes(WALL) && (stored === undefined || stored.wall !== undefined);
}

/** Number of runs in a baseline, unless the budget ends before. */
const BASELINE_RUNS = 40;

/** Measurements of a benchmark for a baseline. */
export interface MeasuredBaseline extends MeasuredBenchmark {
  /** Remarks on the measurements, a sentence each. */
  notes: string[];
  /** Signal by which the user stopped the check. */
  stopSignal?: number;
}

/** Measures a benchmark for the baseline. Throws CommandError or UnsupportedError when that is not possible. */
export async function measureBaseline(
  plan: BenchmarkPlan,
  shared: CheckContext,
): Promise<MeasuredBaseline> {
  return await withSetupOf(plan, shared, () => {
    const context = { ...shared, note: once(shared.note), limit: limitOf(plan) };
    return measureAll(plan, context);
  });
}

async function measureAll(plan: BenchmarkPlan, context: CheckContext): Promise<MeasuredBaseline> {
  const begun = performance.now();
  const { choices } = await chooseSources(plan, context, () => undefined);
  const missing = choices.find(({ source }) => !source);
  if (missing) {
    throw new UnsupportedError({
      attempt: `measure ${missing.metric} of '${plan.name}'`,
      cause: missing.passedOver.join("; "),
    });
  }
  const chosen = choices as ChosenMetric[];
  const notes = chosen.filter(({ passedOver }) => passedOver.length)
    .map(({ source, passedOver }) => sourceNote(plan, source, passedOver));
  const metrics: Record<string, HistoryMetric> = {};
  let stopSignal: number | undefined;
  let walls: RunSeries["walls"] | undefined;
  for (const part of byKind(chosen).values()) {
    const series = await measureSeries(plan, part, begun, context);
    Object.assign(metrics, series.metrics);
    append(notes, series.notes);
    stopSignal ??= series.stopSignal;
    walls ??= series.walls;
  }
  if (stopSignal === undefined) walls ??= await measureWallTimes(plan, context);
  const wall = walls?.[NEW] ?? [];
  return { metrics, ...(wall.length < WALL_RUNS ? {} : { wall }), notes, stopSignal };
}

/** Measures the metrics of `chosen`, whose sources are of one kind. The plan's budget began at `begun`. */
async function measureSeries(
  plan: BenchmarkPlan,
  chosen: readonly ChosenMetric[],
  begun: number,
  context: CheckContext,
): Promise<Pick<MeasuredBaseline, "metrics" | "notes"> & SeriesEnd> {
  const series = openSeriesOf(plan, chosen, context);
  const isValgrind = chosen[0].source.kind === "valgrind";
  const most = isValgrind ? STEADY_RUNS + 1 : Math.min(BASELINE_RUNS, plan.maxRuns);
  const draw = progress(plan, context.io);
  try {
    let samples: SamplesByCommand<RunValues> = [[], []], isWarm = false;
    const runs = execute({
      commands: 2,
      warmups: warmupsOf(plan, chosen),
      wantsMore: (all) => {
        const spent = performance.now() - begun;
        return all[NEW].length < Math.min(2, most) || (all[NEW].length < most && spent < plan.budgetMs);
      },
      stopped: () => series.stopSignal() !== undefined || series.isOver(),
      seed: crypto.getRandomValues(new Int32Array(1))[0],
    }, series.executor);
    for await (const run of runs) {
      samples = run.samples;
      isWarm = !run.step.warmup;
      draw(samples[NEW].length, most);
    }
    const end = endOf(series, chosen), count = samples[NEW].length, isStopped = end.stopSignal !== undefined;
    if (count < 2 && !isStopped) throw budgetTooSmall(plan, count, isWarm);
    const pinned = isValgrind ? { pinned: await pinnedRunsOf(plan) } : {};
    const metrics = Object.fromEntries(
      chosen.map((
        { metric, source },
      ) => [metric, { ...storedMetric(plan, source, samples, isStopped), ...pinned }]),
    );
    const notes = isValgrind ? [pinnedNote(plan)] : [];
    if (count < most && !isStopped) {
      notes.push(`${plan.name}: the budget ended after ${counted(count, "run")} of ${most}`);
    }
    return { metrics, notes, ...end };
  } finally {
    series.close();
    context.io.status("");
  }
}

/**
 * Returns the samples of a metric for the baseline. Throws UnsupportedError when one is unknown or 0, unless the user
 * stopped the runs, so that the baseline will not be written.
 */
function storedMetric(
  plan: BenchmarkPlan,
  source: MetricSource,
  samples: SamplesByCommand<RunValues>,
  isStopped: boolean,
): HistoryMetric {
  const values = (command: number) => samples[command].map((run) => run.get(source.name));
  const stored = values(NEW);
  const bad = stored.find((value) => !(value !== undefined && value > 0));
  if (stored.includes(bad) && !isStopped) {
    throw new UnsupportedError({
      attempt: `make a baseline of ${source.name} of '${plan.name}'`,
      cause: bad === undefined ? "it is unknown for some runs" : "it was 0, and there is no ratio to 0",
    });
  }
  return {
    ...{ rung: source.name, unit: source.unit },
    samples: stored as number[],
    ...(source.steady ? {} : { gauge: values(OLD) as number[] }),
  };
}

/** State of a series after its runs. */
interface SeriesEnd {
  stopSignal?: number;
  /** Wall times of its runs, unless they were under valgrind. */
  walls?: RunSeries["walls"];
}

function endOf(series: RunSeries, metrics: readonly WithSource[]): SeriesEnd {
  return {
    stopSignal: series.stopSignal(),
    walls: metrics[0].source.kind === "run" ? series.walls : undefined,
  };
}

/** Opens the series of metrics whose sources are of one kind; calibrated unless all of them are steady. */
function openSeriesOf(plan: BenchmarkPlan, metrics: readonly WithSource[], context: CheckContext): RunSeries {
  const sources = metrics.map(({ source }) => source);
  return openSeries(plan, sources, { gauge: !sources.every(({ steady }) => steady) }, context);
}

/** Returns the number of warm-up rounds: none under valgrind, whose counts need none. */
function warmupsOf({ warmups }: BenchmarkPlan, [{ source }]: readonly WithSource[]): number {
  return source.kind === "valgrind" ? 0 : warmups;
}

function budgetTooSmall(
  { name, budgetMs, warmups }: BenchmarkPlan,
  runs: number,
  isWarm: boolean,
): UnsupportedError {
  const when = isWarm || warmups < 2 ? `after ${counted(runs, "run")}` : `in the ${warmups} runs of warm-up`;
  return new UnsupportedError({
    attempt: `make a baseline of '${name}'`,
    cause: `the budget of ${budgetMs / 1000} s ended ${when}`,
    remedy: isWarm || warmups < 2 ? "give a greater --budget" : "give a smaller -w",
  });
}

function pinnedNote({ name, keepEnv = [] }: BenchmarkPlan): string {
  const kept = keepEnv.length === 0 ? "" : `; kept: ${keepEnv.join(", ")}`;
  return `${name}: under valgrind, pinned: ${PINNED_PARTS}${kept}`;
}

function sourceNote(plan: BenchmarkPlan, source: MetricSource, passedOver: readonly string[]): string {
  return `${plan.name}: measured by ${source.name}; no better metric is available: ${passedOver.join("; ")}`;
}

function byKind<T extends WithSource>(gated: readonly T[]): Map<MetricSource["kind"], T[]> {
  return Map.groupBy(gated, ({ source }) => source.kind);
}

/** Returns a function that shows a benchmark's progress on a terminal. */
export function progress(plan: BenchmarkPlan, io: Io): (rounds: number, most: number) => void {
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
