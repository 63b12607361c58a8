/**
 * Series of runs in a check: the choice of metric sources, and runs of the commands, the calibration workload, or
 * valgrind.
 */

import { CommandError, UnsupportedError } from "../../base/system/errors.ts";
import type { ControlRequest } from "../../base/system/control_option.ts";
import { printable } from "../../base/text/printable.ts";
import { chooseSource, type SourceChoice } from "../metrics/choose_source.ts";
import type { PinnedRuns } from "../baseline/baseline.ts";
import type { Thresholds } from "../baseline/config.ts";
import { type GateLimits, NEW, OLD, type RunValues } from "../gate.ts";
import { BEST, type MetricSource, sourcesOf } from "../metrics/metric_sources.ts";
import type { ForeignFormat } from "../foreign/foreign_formats.ts";
import { execute, type Executor, type Step } from "../../run/schedule.ts";
import { STEADY_RUNS } from "../statistics/verdict.ts";
import { WALL_RUNS } from "../output/wall_note.ts";
import type { Io } from "../../cli/command.ts";
import { quoteWords } from "../../cli/shell_words.ts";
import type { StopRequests } from "../../cli/signals.ts";
import {
  CommandRunner,
  type Job,
  type RunLimit,
  TimedOutCommand,
  withSetup,
} from "../../run/command_runner.ts";
import type { MeasuredRun, RequestedEvent } from "../../run/measured_run.ts";
import { pinnedEnvironment, pinnedVariables } from "../../run/pinned_environment.ts";
import { environmentValue } from "../../base/system/launcher.ts";
import { libcVersion, ValgrindCounts, valgrindVersion } from "../../run/valgrind.ts";
import type { Standing } from "../../events/open.ts";
import { resolveEvents } from "../../events/resolve.ts";

/**
 * Calibration workload ("gauge"): fixed work that runs beside a command, both when a baseline is made and when it is
 * compared with. Its times tell how fast the machine was, and so how much of a change is not the command's. It computes,
 * starts a process and moves memory, as programs do, for about 20 ms, and needs only POSIX sh and dd.
 */
const CALIBRATION_WORKLOAD: readonly string[] = [
  "/bin/sh",
  "-c",
  "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done; dd if=/dev/zero of=/dev/null bs=2097152 count=32 2>/dev/null",
];

/** Benchmark with all defaults filled in. */
export interface BenchmarkPlan {
  name: string;
  argv: string[];
  /** Old command. Without it, a baseline is compared with or made. */
  against?: string[];
  /** Format of the results that both commands write, whose numbers are compared instead of what is measured here. */
  from?: ForeignFormat;
  /** Whether the name goes before those of the benchmarks in such results. */
  prefix?: boolean;
  /** Commands to run before each run, before the first one, and after the last one. */
  prepare?: string[];
  setup?: string[];
  cleanup?: string[];
  /** File that commands read from standard input. */
  input?: string;
  /** FIFOs by which commands say which parts of them count. */
  control?: ControlRequest;
  /** Exit statuses besides 0 of runs that count. */
  allowedStatuses?: number[];
  /** Variables that commands under valgrind have besides those that they always have. */
  keepEnv?: string[];
  /** Rounds before those that count; none under valgrind, whose counts need none. */
  warmups: number;
  metrics: string[];
  thresholds: Thresholds;
  maxRuns: number;
  budgetMs: number;
  /** Part of the budget that is spent in any case; the rest only as long as it will probably decide. Default: all of it. */
  minBudgetMs?: number;
  /** Time limit of each run, in ms. */
  timeoutMs?: number;
}

/** Context that all benchmarks share. */
export interface CheckContext {
  standing: Standing;
  stopper: StopRequests;
  io: Io;
  note: (line: string) => void;
  /** Width of the result in columns; Infinity for no limit. */
  width: number;
  /** Returns the time limit of the next run; see limitOf(). */
  limit?: () => RunLimit;
  /** Text after the error of a failed run. */
  failureHint?: string;
}

/** Text after the error of a failed run under valgrind. */
const PINNED_HINT = "; under valgrind its environment is pinned: --keep-env NAME adds a variable";
/** Fraction of the budget that a run needs at its start for its time limit to say anything about the command. */
const FAIR_SHARE = 0.9;

/**
 * The budget ended before each command had run once, and too early to conclude that one of them takes longer than the
 * budget allows.
 */
export class SmallBudget extends UnsupportedError {}

/**
 * Returns the time limit for the runs of a plan: the rest of its budget, which begins now, or its time limit for each
 * run.
 */
export function limitOf({ budgetMs, timeoutMs = Infinity }: BenchmarkPlan): () => RunLimit {
  const end = performance.now() + budgetMs;
  return () => {
    const left = end - performance.now();
    if (timeoutMs < left) return { ms: timeoutMs, text: `${timeoutMs / 1000} s (--timeout)`, of: "run" };
    const part = left < FAIR_SHARE * budgetMs ? "what was left of " : "";
    return { ms: left, text: `${part}the budget of ${budgetMs / 1000} s (--budget)`, of: "all" };
  };
}

/** Series of runs that share their measurement: either plain runs of the commands, or runs under valgrind. */
export interface RunSeries {
  executor: Executor<RunValues>;
  /** Wall times in ns of the runs that count, by command; empty under valgrind. */
  walls: readonly [old: number[], now: number[]];
  stopSignal(): number | undefined;
  /** Returns whether a run was ended because the budget was over. */
  isOver(): boolean;
  close(): void;
}

/** Sources chosen for a plan's metrics, and the time in ms of a round, measured while choosing. */
export interface ChosenSources {
  choices: SourceChoice[];
  roundMs: number;
}

/**
 * Chooses the source of each metric by a run of each command, and possibly one under valgrind. Throws CommandError
 * when a command fails, or uses up its share of the budget without ending; SmallBudget when the budget ends before
 * that.
 */
export async function chooseSources(
  plan: BenchmarkPlan,
  context: CheckContext,
  stored: (metric: string) => string | undefined,
): Promise<ChosenSources> {
  const sources = plan.metrics.flatMap((metric) => sourcesOf(metric));
  const runner = newRunner(plan, jobsOf(plan, (argv) => argv), sources, context);
  let roundMs: number;
  try {
    roundMs = await trialRound(plan, async (command) => {
      await runner.prepare({ command });
      await runner.run({ command });
    });
  } finally {
    runner.close();
  }
  const inParts = plan.control !== undefined;
  const available = { absent: runner.absent, measured: runner.measured, inParts };
  const choices: SourceChoice[] = [];
  for (const metric of plan.metrics) {
    const valgrind = () => tryValgrind(plan, context, metric === BEST);
    choices.push(await chooseSource(metric, { ...available, valgrind }, stored(metric)));
  }
  return { choices, roundMs };
}

/**
 * Runs each command once, by `run`: both, since what cannot measure one of them compares nothing. Returns the time in ms
 * that they took. Throws what `run` throws, but SmallBudget when the budget ended too early for a command.
 */
export async function trialRound(
  plan: BenchmarkPlan,
  run: (command: number) => Promise<void>,
): Promise<number> {
  const begun = performance.now();
  try {
    for (const command of plan.against ? [OLD, NEW] : [NEW]) await run(command);
  } catch (error) {
    throw error instanceof TimedOutCommand && !hadFairShare(error.limit, plan) ? smallBudget(plan) : error;
  }
  return performance.now() - begun;
}

/** Returns what is left of a plan's budget, which began at `begun`. */
export function budgetLeft(
  { budgetMs, minBudgetMs }: BenchmarkPlan,
  begun: number,
): Pick<GateLimits, "budgetMs" | "minBudgetMs"> {
  const spent = performance.now() - begun;
  return {
    budgetMs: Math.max(0, budgetMs - spent),
    ...(minBudgetMs === undefined ? {} : { minBudgetMs: Math.max(0, minBudgetMs - spent) }),
  };
}

/** Returns whether a run that was ended had the share of the budget that each command may use. */
function hadFairShare({ ms, of }: RunLimit, { budgetMs, against }: BenchmarkPlan): boolean {
  return of === "run" || ms >= FAIR_SHARE * budgetMs / (against ? 2 : 1);
}

function smallBudget({ name, budgetMs }: BenchmarkPlan): SmallBudget {
  return new SmallBudget({
    attempt: `measure '${name}'`,
    cause: `the budget of ${budgetMs / 1000} s ended before each command had run once`,
    remedy: "give a greater --budget",
  });
}

/**
 * Returns the version of valgrind if the command can be measured with it, otherwise the reason why not: it must be
 * installed, the command must run under it and, when there are other sources, enough runs must fit into the budget.
 */
async function tryValgrind(
  plan: BenchmarkPlan,
  context: CheckContext,
  hasChoice: boolean,
): Promise<{ version: string } | { reason: string }> {
  const version = await valgrindVersion();
  if (version === undefined) return { reason: "valgrind is not installed (apt-get install valgrind)" };
  if (!hasChoice) return { version };
  const ms = Math.min(plan.budgetMs / STEADY_RUNS / (plan.against ? 2 : 1), context.limit?.().ms ?? Infinity);
  const trial = { ...plan, against: undefined };
  const limit = (): RunLimit => ({ ms, text: "", of: "run" });
  const series = valgrindSeries(trial, "", { ...context, note: () => {}, limit });
  try {
    if (context.io.stderrIsTerminal) context.io.status(`${printable(plan.name)}: trying valgrind`);
    const step: Step = { command: NEW, warmup: true, round: 0 };
    await series.executor.prepare?.(step);
    await series.executor.run(step);
    return { version };
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    return {
      reason: error instanceof TimedOutCommand
        ? `a run under ${version} takes more than ${(ms / 1000).toFixed(1)} s, too long for the budget`
        : `${version}: ${error.message}`,
    };
  } finally {
    series.close();
    context.io.status("");
  }
}

/**
 * Opens a series for these sources, which are all of the same kind. With `gauge` the calibration workload runs beside
 * the command.
 */
export function openSeries(
  plan: BenchmarkPlan,
  sources: readonly MetricSource[],
  { gauge }: { gauge: boolean },
  context: CheckContext,
): RunSeries {
  return sources[0].kind === "valgrind"
    ? valgrindSeries(plan, sources[0].name, context)
    : runSeries(plan, sources, { gauge }, context);
}

/** Measures the wall times of a few runs of each command; fewer when the budget or the user ends them. */
export async function measureWallTimes(
  plan: BenchmarkPlan,
  context: CheckContext,
): Promise<RunSeries["walls"]> {
  const series = openSeries(plan, sourcesOf("wall"), { gauge: false }, context);
  try {
    const rounds = execute({
      commands: 2,
      warmups: 0,
      wantsMore: (all) => all[NEW].length < WALL_RUNS,
      stopped: () => series.stopSignal() !== undefined || series.isOver(),
    }, series.executor);
    for await (const _run of rounds);
    return series.walls;
  } finally {
    series.close();
  }
}

/** Opens a series of plain runs. With a baseline, the calibration workload takes the place of the old command. */
function runSeries(
  plan: BenchmarkPlan,
  sources: readonly MetricSource[],
  { gauge }: { gauge: boolean },
  context: CheckContext,
): RunSeries {
  const runner = newRunner(plan, jobsOf(plan, (argv) => argv), sources, context);
  const budget = new SeriesBudget();
  const walls: RunSeries["walls"] = [[], []];
  const executor: Executor<RunValues> = {
    prepare: (step) => budget.within(() => runner.prepare(step)),
    run: async (step) => {
      if (step.command === OLD && !plan.against && !gauge) return new Map();
      const run = await budget.within(() => runner.run(step));
      if (run && !step.warmup) walls[step.command].push(run.wallNs);
      return run && valuesOf(run, sources);
    },
  };
  return {
    executor,
    walls,
    stopSignal: () => runner.stopSignal,
    isOver: () => budget.isOver,
    close: () => runner.close(),
  };
}

/** Budget of a series. When it ends a run, the series ends, and the command is not at fault. */
export class SeriesBudget {
  isOver = false;

  /** Makes a run. Returns undefined when the budget ended it. */
  async within<T>(run: () => Promise<T>): Promise<T | undefined> {
    try {
      return await run();
    } catch (error) {
      if (!(error instanceof TimedOutCommand) || error.limit.of !== "all") throw error;
      this.isOver = true;
      return undefined;
    }
  }
}

/** Opens a series of runs under valgrind, whose counts need no calibration. */
function valgrindSeries(
  plan: BenchmarkPlan,
  source: string,
  context: CheckContext,
): RunSeries {
  const counts = new ValgrindCounts();
  const jobs = jobsOf(plan, (argv) => counts.argv(argv), (argv) => pinnedEnvironmentOf(plan, argv));
  const runner = newRunner(plan, jobs, [], { ...context, failureHint: PINNED_HINT });
  const budget = new SeriesBudget();
  const executor: Executor<RunValues> = {
    prepare: (step) => budget.within(() => runner.prepare(step)),
    run: async (step) => {
      if (step.command === OLD && !plan.against) return new Map();
      const run = await budget.within(() => runner.run(step));
      return run && new Map([[source, counts.take()]]);
    },
  };
  return {
    executor,
    walls: [[], []],
    stopSignal: () => runner.stopSignal,
    isOver: () => budget.isOver,
    close: () => {
      runner.close();
      counts.close();
    },
  };
}

/** Opens a runner of one command of a plan and its preparation, which measures only the time. */
export function openRunner(
  argv: readonly string[],
  plan: BenchmarkPlan,
  context: CheckContext,
): CommandRunner {
  return newRunner(plan, [{ name: quoteWords(argv), argv, prepare: plan.prepare }], [], context);
}

/** Does `work` between what a plan has for before its first run and after its last one. Throws CommandError. */
export async function withSetupOf<T>(
  plan: BenchmarkPlan,
  context: CheckContext,
  work: () => Promise<T>,
): Promise<T> {
  const { setup, cleanup } = plan;
  if (!setup && !cleanup) return await work();
  // the FIFOs are for the runs in between
  const runner = newRunner(
    { ...plan, control: undefined },
    [{ name: plan.name, argv: plan.argv, setup, cleanup }],
    [],
    {
      ...context,
      // what runs after the last run has to come to its end, however little of the budget is left
      limit: undefined,
    },
  );
  try {
    return await withSetup(runner, work, context.note);
  } finally {
    runner.close();
  }
}

/** Returns the conditions of a plan's runs under valgrind. */
export async function pinnedRunsOf({ keepEnv = [] }: BenchmarkPlan): Promise<PinnedRuns> {
  return { libc: await libcVersion(), environment: pinnedVariables(keepEnv) };
}

function pinnedEnvironmentOf(
  { keepEnv = [] }: BenchmarkPlan,
  argv: readonly string[],
): Record<string, string> {
  return pinnedEnvironment(argv, keepEnv, environmentValue);
}

function jobsOf(
  plan: BenchmarkPlan,
  wrapped: (argv: readonly string[]) => readonly string[],
  envOf?: (argv: readonly string[]) => Record<string, string>,
): Job[] {
  const job = (argv: readonly string[]): Job => ({
    name: quoteWords(argv),
    argv: wrapped(argv),
    ...(envOf ? { env: envOf(argv) } : {}),
    ...(plan.prepare ? { prepare: plan.prepare } : {}),
  });
  return [
    plan.against
      ? job(plan.against)
      : { name: "the calibration workload", argv: CALIBRATION_WORKLOAD, whole: true },
    job(plan.argv),
  ];
}

function newRunner(
  { input, allowedStatuses, control }: BenchmarkPlan,
  jobs: readonly Job[],
  sources: readonly MetricSource[],
  { standing, stopper, limit, note, failureHint }: CheckContext,
): CommandRunner {
  const events = new Set(sources.flatMap(({ event }) => event === undefined ? [] : [event]));
  const requestedEvents = [...events].flatMap((event): RequestedEvent[] =>
    resolveEvents(event).flatMap((group) => group.events).map((resolved) => ({
      event: resolved,
      optional: true,
    }))
  );
  const own = { standing, stopper, note, limit, failureHint };
  return new CommandRunner(jobs, { ...own, requestedEvents, input, allowedStatuses, control });
}

/** Returns the values of the sources, and of those that may decide in their place, in a run, by name. */
function valuesOf(run: MeasuredRun, sources: readonly MetricSource[]): RunValues {
  const all = sources.flatMap((source) => [source, ...(source.standIn ? Object.values(source.standIn) : [])]);
  return new Map(all.flatMap((source) => {
    const value = source.of ? source.of(run) : run.counts.get(source.event!)?.value;
    return value === undefined ? [] : [[source.name, value] as const];
  }));
}
