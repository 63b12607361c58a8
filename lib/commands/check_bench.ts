/** One benchmark of a check: which rungs there are, the runs, and what came of them. */

import { CommandError, UnsupportedError } from "../base/errors.ts";
import { type StoredBenchmark, type StoredMetric } from "../check/baseline.ts";
import { type Choice, chooseRung } from "../check/choose.ts";
import type { Thresholds } from "../check/config.ts";
import { gate, type Gated, NEW, OLD, type Values } from "../check/gate.ts";
import { GAUGE } from "../check/gauge.ts";
import { BEST, type Rung, rungsOf } from "../check/ladder.ts";
import { type CheckRow, rowsOf, unmeasurableRow } from "../check/result.ts";
import { execute, type Executor, type Samples, type Step } from "../check/schedule.ts";
import { STEADY_RUNS } from "../check/verdict.ts";
import type { Io } from "../cli/command.ts";
import { renderProgress } from "../cli/progress.ts";
import { quoteWords } from "../cli/shell_words.ts";
import type { StopRequests } from "../cli/signals.ts";
import { CommandRunner, type Job } from "../cpc/command_runner.ts";
import type { MeasuredRun, Wish } from "../cpc/measured_run.ts";
import { ValgrindCounts, valgrindVersion } from "../cpc/valgrind.ts";
import type { Standing } from "../events/open.ts";
import { resolveEvents } from "../events/resolve.ts";

/** A benchmark with all that was left to defaults. */
export interface Plan {
  name: string;
  argv: string[];
  /** The old command; without it a baseline is compared with, or made. */
  against?: string[];
  prepare?: string[];
  metrics: string[];
  thresholds: Thresholds;
  maxRuns: number;
  budgetMs: number;
}

/** What benchmarks have in common. */
export interface Setting {
  standing: Standing;
  stopper: StopRequests;
  io: Io;
  note: (line: string) => void;
}

/** What a benchmark gave. */
export interface Outcome {
  rows: CheckRow[];
  notes: string[];
  /** The signal by which the user has asked for an end. */
  stopSignal?: number;
}

/** Runs that share their measurement: of rungs off the run itself, or of the one that valgrind has. */
interface Series {
  executor: Executor<Values>;
  stopSignal(): number | undefined;
  close(): void;
}

/** Compares the new command with the old one, or with what the baseline has of it. */
export async function checkBenchmark(
  plan: Plan,
  stored: StoredBenchmark | undefined,
  shared: Setting,
): Promise<Outcome> {
  const setting = { ...shared, note: once(shared.note) };
  const of = { benchmark: plan.name, comparedWith: plan.against ? "command" as const : "baseline" as const };
  const outcome: Outcome = { rows: [], notes: [] };
  try {
    const choices = await chooseRungs(plan, setting, (metric) => stored?.metrics[metric]?.rung);
    const gated: Gated[] = [];
    for (const { metric, rung, passedOver } of choices) {
      if (rung) {
        const threshold = plan.thresholds.byMetric[metric] ?? plan.thresholds.all ?? rung.threshold;
        gated.push({ metric, rung, threshold, stored: stored?.metrics[metric] });
        if (passedOver.length && !stored) outcome.notes.push(ladderNote(plan, rung, passedOver));
      } else {
        outcome.rows.push(unmeasurableRow(of, metric, passedOver.join("; ")));
      }
    }
    const begun = performance.now();
    for (const [source, part] of bySource(gated)) {
      const steady = part.every(({ rung }) => rung.steady);
      const series = openSeries(plan, part.map(({ rung }) => rung), { gauge: !steady }, setting);
      try {
        const limits = {
          warmups: source === "valgrind" ? 0 : 1,
          maxRuns: plan.maxRuns,
          budgetMs: Math.max(0, plan.budgetMs - (performance.now() - begun)),
        };
        const gates = await gate(part, gated.length, limits, {
          executor: series.executor,
          now: () => performance.now(),
          stopped: () => series.stopSignal() !== undefined,
          seed: crypto.getRandomValues(new Int32Array(1))[0],
          onRound: progress(plan, setting.io),
        });
        outcome.rows.push(...rowsOf(of, gates, gated.length, plan.budgetMs));
        outcome.stopSignal ??= series.stopSignal();
      } finally {
        series.close();
      }
    }
  } catch (error) {
    // one benchmark that cannot be run is no reason to leave out the others
    if (!(error instanceof CommandError || error instanceof UnsupportedError)) throw error;
    outcome.rows = plan.metrics.map((metric) => unmeasurableRow(of, metric, error.message));
  } finally {
    setting.io.status("");
  }
  return outcome;
}

/** Runs of a baseline that is to compare well, unless the budget ends it. */
const BASELINE_RUNS = 40;

/** Measures a benchmark for the baseline. Throws CommandError, UnsupportedError when that cannot be done. */
export async function measureBaseline(
  plan: Plan,
  shared: Setting,
): Promise<{ metrics: Record<string, StoredMetric>; notes: string[]; stopSignal?: number }> {
  const setting = { ...shared, note: once(shared.note) };
  const choices = await chooseRungs(plan, setting, () => undefined);
  const missing = choices.find(({ rung }) => !rung);
  if (missing) {
    throw new UnsupportedError({
      attempt: `measure ${missing.metric} of '${plan.name}'`,
      cause: missing.passedOver.join("; "),
    });
  }
  const chosen = choices as (Choice & { rung: Rung })[];
  const notes = chosen.filter(({ passedOver }) => passedOver.length)
    .map(({ rung, passedOver }) => ladderNote(plan, rung, passedOver));
  const metrics: Record<string, StoredMetric> = {};
  let stopSignal: number | undefined;
  const begun = performance.now();
  for (const [source, part] of bySource(chosen)) {
    const steady = part.every(({ rung }) => rung.steady);
    const series = openSeries(plan, part.map(({ rung }) => rung), { gauge: !steady }, setting);
    const most = source === "valgrind" ? STEADY_RUNS + 1 : Math.min(BASELINE_RUNS, plan.maxRuns);
    const draw = progress(plan, setting.io);
    try {
      let samples: Samples<Values> = [[], []];
      const steps = execute({
        commands: 2,
        warmups: source === "valgrind" ? 0 : 1,
        wantsMore: (all) => {
          const spent = performance.now() - begun;
          return all[NEW].length < Math.min(2, most) || (all[NEW].length < most && spent < plan.budgetMs);
        },
        stopped: () => series.stopSignal() !== undefined,
        seed: crypto.getRandomValues(new Int32Array(1))[0],
      }, series.executor);
      for await (const done of steps) {
        samples = done.samples;
        draw(samples[NEW].length, most);
      }
      stopSignal ??= series.stopSignal();
      for (const { metric, rung } of part) {
        const values = (command: number) => samples[command].map((run) => run.get(rung.name));
        const stored = values(NEW);
        const bad = stored.find((value) => !(value !== undefined && value > 0));
        if (stored.includes(bad) && stopSignal === undefined) {
          throw new UnsupportedError({
            attempt: `make a baseline of ${rung.name} of '${plan.name}'`,
            cause: bad === undefined
              ? "it is not known of every run"
              : "it was 0, and there is no ratio to 0",
          });
        }
        metrics[metric] = {
          rung: rung.name,
          samples: stored as number[],
          ...(rung.steady ? {} : { gauge: values(OLD) as number[] }),
        };
      }
      if (samples[NEW].length < most && stopSignal === undefined) {
        notes.push(`${plan.name}: the budget ended after ${samples[NEW].length} runs of ${most}`);
      }
    } finally {
      series.close();
      setting.io.status("");
    }
  }
  return { metrics, notes, stopSignal };
}

/** Runs of several kinds have the same things to say of events. */
function once(note: (line: string) => void): (line: string) => void {
  const told = new Set<string>();
  return (line) => {
    if (!told.has(line)) note(line);
    told.add(line);
  };
}

function ladderNote(plan: Plan, rung: Rung, passedOver: readonly string[]): string {
  return `${plan.name}: measured by ${rung.name}; better ones are not to be had: ${passedOver.join("; ")}`;
}

function bySource<T extends { rung: Rung }>(gated: readonly T[]): Map<Rung["source"], T[]> {
  return Map.groupBy(gated, ({ rung }) => rung.source);
}

/** The rung of each metric, found by a run of the command, and maybe another one under valgrind. */
async function chooseRungs(
  plan: Plan,
  setting: Setting,
  stored: (metric: string) => string | undefined,
): Promise<Choice[]> {
  const rungs = plan.metrics.flatMap((metric) => rungsOf(metric));
  const runner = newRunner(jobsOf(plan, (argv) => argv), rungs, setting, setting.note);
  try {
    await runner.prepare({ command: NEW });
    await runner.run({ command: NEW });
  } finally {
    runner.close();
  }
  const available = { absent: runner.absent, measured: runner.measured };
  const choices: Choice[] = [];
  for (const metric of plan.metrics) {
    const valgrind = () => tryValgrind(plan, setting, metric === BEST);
    choices.push(await chooseRung(metric, { ...available, valgrind }, stored(metric)));
  }
  return choices;
}

/**
 * Whether the command can be measured under valgrind: that there is one, that the command runs under it and, where that
 * is one choice of several, that enough runs fit into the budget.
 */
async function tryValgrind(
  plan: Plan,
  setting: Setting,
  hasChoice: boolean,
): Promise<{ version: string } | { reason: string }> {
  const version = await valgrindVersion();
  if (version === undefined) return { reason: "there is no valgrind (apt-get install valgrind)" };
  if (!hasChoice) return { version };
  const series = valgrindSeries({ ...plan, against: undefined }, "", setting, () => {});
  try {
    if (setting.io.stderrIsTerminal) setting.io.status(`${plan.name}: trying valgrind`);
    const begun = performance.now();
    const step: Step = { command: NEW, warmup: true, round: 0 };
    await series.executor.prepare?.(step);
    await series.executor.run(step);
    const seconds = (performance.now() - begun) / 1000;
    const expected = seconds * STEADY_RUNS * (plan.against ? 2 : 1);
    if (expected * 1000 <= plan.budgetMs) return { version };
    return {
      reason: `${Math.round(expected)} s under ${version} are more than the budget of ${
        plan.budgetMs / 1000
      } s`,
    };
  } catch (error) {
    if (error instanceof CommandError) return { reason: `${version}: ${error.message}` };
    throw error;
  } finally {
    series.close();
    setting.io.status("");
  }
}

function openSeries(
  plan: Plan,
  rungs: readonly Rung[],
  { gauge }: { gauge: boolean },
  setting: Setting,
): Series {
  return rungs[0].source === "valgrind"
    ? valgrindSeries(plan, rungs[0].name, setting, setting.note)
    : runSeries(plan, rungs, { gauge }, setting);
}

/** Runs of the commands themselves; with a baseline the gauge takes the place of the old one. */
function runSeries(
  plan: Plan,
  rungs: readonly Rung[],
  { gauge }: { gauge: boolean },
  setting: Setting,
): Series {
  const runner = newRunner(jobsOf(plan, (argv) => argv), rungs, setting, setting.note);
  const executor: Executor<Values> = {
    prepare: (step) => runner.prepare(step),
    run: async (step) => {
      if (step.command === OLD && !plan.against && !gauge) return new Map();
      const run = await runner.run(step);
      return run && valuesOf(run, rungs);
    },
  };
  return { executor, stopSignal: () => runner.stopSignal, close: () => runner.close() };
}

/** Runs under valgrind, whose counts need no gauge. */
function valgrindSeries(plan: Plan, rung: string, setting: Setting, note: Setting["note"]): Series {
  const counts = new ValgrindCounts();
  const runner = newRunner(jobsOf(plan, (argv) => counts.argv(argv)), [], setting, note);
  const executor: Executor<Values> = {
    prepare: (step) => runner.prepare(step),
    run: async (step) => {
      if (step.command === OLD && !plan.against) return new Map();
      const run = await runner.run(step);
      return run && new Map([[rung, counts.take()]]);
    },
  };
  return {
    executor,
    stopSignal: () => runner.stopSignal,
    close: () => {
      runner.close();
      counts.close();
    },
  };
}

/** How long one run takes, in ms. Throws CommandError when it fails. */
export async function timeOnce(argv: readonly string[], setting: Setting): Promise<number> {
  const runner = newRunner([{ name: quoteWords(argv), argv }], [], setting, setting.note);
  try {
    return ((await runner.run({ command: 0 }))?.wallNs ?? 0) / 1e6;
  } finally {
    runner.close();
  }
}

function jobsOf(plan: Plan, wrapped: (argv: readonly string[]) => readonly string[]): Job[] {
  const job = (argv: readonly string[]): Job => ({
    name: quoteWords(argv),
    argv: wrapped(argv),
    ...(plan.prepare ? { prepare: plan.prepare } : {}),
  });
  return [plan.against ? job(plan.against) : { name: "the gauge", argv: GAUGE }, job(plan.argv)];
}

function newRunner(
  jobs: readonly Job[],
  rungs: readonly Rung[],
  { standing, stopper }: Setting,
  note: Setting["note"],
): CommandRunner {
  const events = new Set(rungs.flatMap(({ event }) => event === undefined ? [] : [event]));
  const wishes = [...events].flatMap((event): Wish[] =>
    resolveEvents(event).flatMap((group) => group.events).map((resolved) => ({
      event: resolved,
      optional: true,
    }))
  );
  return new CommandRunner(jobs, { wishes, standing, stopper, note });
}

/** The rungs' values in a run, under their names. */
function valuesOf(run: MeasuredRun, rungs: readonly Rung[]): Values {
  return new Map(rungs.flatMap((rung) => {
    const value = rung.of ? rung.of(run) : run.counts.get(rung.event!)?.value;
    return value === undefined ? [] : [[rung.name, value] as const];
  }));
}

/** A line on a terminal of how far a benchmark is. */
function progress(plan: Plan, io: Io): (rounds: number, most: number) => void {
  if (!io.stderrIsTerminal) return () => {};
  const begun = performance.now();
  return (rounds, most) => {
    const seconds = (performance.now() - begun) / 1000;
    io.status(
      renderProgress(
        { done: rounds, expected: most, seconds, what: `${plan.name} (fewer once it is plain)` },
        io.columns,
      ),
    );
  };
}
