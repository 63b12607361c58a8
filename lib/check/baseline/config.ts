/** Configuration file `pmuctl.json`: several benchmarks that one `pmuctl check` runs. docs/check.md describes it. */

import { BadInputError, UsageError } from "../../base/system/errors.ts";
import { type ControlRequest, parseControl } from "../../base/system/control_option.ts";
import { isVariableName } from "../../run/run_options.ts";
import { MAX_RUNS } from "../statistics/sequential_looks.ts";
import { AUTO_FORMS, BUDGET_LIMITS, parseAutoBudget, type TimeBudget } from "./budget.ts";
import { JsonShape } from "./shape.ts";

/** Benchmark to check, from the command line or from the file. */
export interface Benchmark {
  name: string;
  /** Command as words, or as one text that is still to be split. */
  command: string[] | string;
  /** Old command, to be run side by side. Without it a baseline is compared with. */
  against?: string[] | string;
  /** Format of the results that the commands write, whose numbers are compared. */
  from?: string;
  /** Whether the name goes before those of the benchmarks in such results. Default: it does. */
  prefix?: boolean;
  /** Commands to run before each run, before the first one, and after the last one, unmeasured. */
  prepare?: string[] | string;
  setup?: string[] | string;
  cleanup?: string[] | string;
  /** Whether commands given as text are run with a shell. */
  shell?: boolean;
  /** FIFOs by which commands say which parts of them count, and whether nothing counts before the first of these. */
  control?: ControlRequest;
  /** File that commands read from standard input. */
  input?: string;
  /** Variables that commands under valgrind have, too. */
  keepEnv?: string[];
  /** Exit statuses besides 0 of runs that count. */
  allowStatus?: number[];
  /** Runs before those that count. */
  warmup?: number;
  metrics: string[];
  thresholds: Thresholds;
  maxRuns?: number;
  budget?: TimeBudget;
  /** Time limit of each run, in seconds. */
  timeout?: number;
}

/** Thresholds in percent. */
export interface Thresholds {
  /** Threshold of metrics without one of their own; undefined for the default of each source. */
  all?: number;
  /** Thresholds by metric. */
  byMetric: Record<string, number>;
}

/** Returns the threshold in percent for a metric, whose name another program may have chosen; undefined if none was given. */
export function thresholdFor({ byMetric, all }: Thresholds, metric: string): number | undefined {
  return Object.hasOwn(byMetric, metric) ? byMetric[metric] : all;
}

/** Contents of the configuration file. */
export interface CheckConfig {
  /** Path of the baseline file, relative to the configuration file. */
  baseline?: string;
  /** Path of the history, relative to the configuration file. */
  history?: string;
  /** Branch in the history that is compared with. */
  baselineBranch?: string;
  benchmarks: Benchmark[];
}

/** Limits of numbers, on the command line and in the file; times are in seconds. */
export const OPTION_LIMITS = {
  maxRuns: { min: 2, max: MAX_RUNS, integer: true },
  budget: BUDGET_LIMITS,
  timeout: { min: 0.001, max: 1e6 },
  warmup: { min: 0, max: 1e6, integer: true },
} as const;

const COMMON = [
  ...["metrics", "threshold", "thresholds", "maxRuns", "budget", "timeout", "warmup"] as const,
  ...[
    "from",
    "control",
    "delay",
    "prepare",
    "setup",
    "cleanup",
    "shell",
    "input",
    "keepEnv",
    "allowStatus",
  ] as const,
] as const;

/**
 * Parses the file. Options given for all apply to benchmarks without their own. Throws BadInputError with the place
 * of the error.
 */
export function parseConfig(file: string, text: string): CheckConfig {
  const root = JsonShape.parse(file, text);
  const members = root.members(["baseline", "history", "baselineBranch", "benchmarks", ...COMMON]);
  const common = commonOf(members);
  const benchmarks = root.need(members, "benchmarks").list().map((shape): Benchmark => {
    const own = shape.members(["name", "command", "against", ...COMMON]);
    const said = commonOf(own);
    return {
      name: shape.need(own, "name").text(),
      command: wordsOf(shape.need(own, "command")),
      ...(own.against ? { against: wordsOf(own.against) } : {}),
      ...common,
      ...said,
      metrics: said.metrics ?? common.metrics ?? [],
      thresholds: {
        all: said.thresholds?.all ?? common.thresholds?.all,
        byMetric: { ...common.thresholds?.byMetric, ...said.thresholds?.byMetric },
      },
    };
  });
  const names = benchmarks.map(({ name }) => name);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) throw new BadInputError(`${file}: two benchmarks are named '${twice}'`);
  if (benchmarks.length === 0) throw new BadInputError(`${file}: it has no benchmarks`);
  const { baseline, history, baselineBranch } = members;
  if (baselineBranch && (baseline || !history)) {
    throw new BadInputError(
      `${file}: baselineBranch is a branch of the history: give history, and leave baseline out`,
    );
  }
  return {
    ...{ baseline: baseline?.text(), history: history?.text(), baselineBranch: baselineBranch?.text() },
    benchmarks,
  };
}

function commonOf(members: Record<string, JsonShape | undefined>): Partial<Benchmark> {
  const { metrics, threshold, thresholds, maxRuns, budget, timeout, warmup } = members;
  const { from, control, delay, prepare, setup, cleanup, shell, input, keepEnv, allowStatus } = members;
  return {
    ...(from ? { from: from.text() } : {}),
    ...(control ? { control: controlOf(control, delay) } : {}),
    ...(metrics ? { metrics: metrics.list().map((metric) => metric.text()) } : {}),
    ...(maxRuns ? { maxRuns: maxRuns.number(OPTION_LIMITS.maxRuns) } : {}),
    ...(budget ? { budget: budgetOf(budget) } : {}),
    ...(timeout ? { timeout: timeout.number(OPTION_LIMITS.timeout) } : {}),
    ...(warmup ? { warmup: warmup.number(OPTION_LIMITS.warmup) } : {}),
    ...(prepare ? { prepare: wordsOf(prepare) } : {}),
    ...(setup ? { setup: wordsOf(setup) } : {}),
    ...(cleanup ? { cleanup: wordsOf(cleanup) } : {}),
    ...(shell ? { shell: shell.truth() } : {}),
    ...(input ? { input: input.text() } : {}),
    ...(keepEnv ? { keepEnv: keepEnv.list().map(variableOf) } : {}),
    ...(allowStatus
      ? {
        allowStatus: allowStatus.list().map((status) => status.number({ min: 1, max: 255, integer: true })),
      }
      : {}),
    thresholds: {
      all: threshold?.number({ above: 0 }),
      byMetric: Object.fromEntries(
        thresholds?.entries().map(([metric, shape]) => [metric, shape.number({ above: 0 })]) ?? [],
      ),
    },
  };
}

function budgetOf(shape: JsonShape): TimeBudget {
  if (!shape.isText) return { seconds: shape.number(OPTION_LIMITS.budget) };
  const { min, max } = OPTION_LIMITS.budget;
  return parseAutoBudget(shape.text()) ?? shape.refuse(`a number from ${min} to ${max}, or ${AUTO_FORMS}`);
}

function variableOf(shape: JsonShape): string {
  const name = shape.text();
  return isVariableName(name) ? name : shape.refuse("the name of a variable, without a value");
}

function controlOf(shape: JsonShape, delay: JsonShape | undefined): ControlRequest {
  const startDisabled = delay !== undefined && delay.number({ min: -1, max: -1, integer: true }) === -1;
  try {
    return { ...parseControl(shape.text()), startDisabled };
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    shape.refuse("fifo:CTL or fifo:CTL,ACK, paths of FIFOs");
  }
}

/** Reads a command. One without a program is refused here, where its place is known. */
function wordsOf(shape: JsonShape): string[] | string {
  const words = shape.isText
    ? shape.text({ mayBeEmpty: true })
    : shape.list().map((word) => word.text({ mayBeEmpty: true }));
  const [program = ""] = typeof words === "string" ? [words.trim()] : words;
  return program === "" ? shape.refuse("a command, or no such member") : words;
}
