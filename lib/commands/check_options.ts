/** What a check is asked for, on the command line or in pmuctl.json. */

import { BadInputError, UsageError } from "../base/system/errors.ts";
import { readNamedText } from "../base/files/file_bytes.ts";
import { type Benchmark, parseConfig, type Thresholds } from "../check/baseline/config.ts";
import { BEST, METRIC_NAMES } from "../check/metrics/metric_sources.ts";
import type { OptionSpec, ParsedArgs } from "../cli/command.ts";
import { quoteWords, splitWords } from "../cli/shell_words.ts";
import type { BenchmarkPlan } from "../check/series/series.ts";

export const DEFAULT_CONFIG = "pmuctl.json";
export const DEFAULT_BASELINE = "pmuctl.baseline.json";
const DEFAULT_MAX_RUNS = 1000;
const DEFAULT_BUDGET = 120;

export const CHECK_OPTIONS: OptionSpec[] = [
  { name: "against", value: "CMD", help: "compare with this command, both run in turns on this machine" },
  { name: "baseline", value: "FILE", help: "compare with what was measured before" },
  { name: "update", help: "measure, and write the baseline" },
  {
    name: "config",
    value: "FILE",
    help: `check all benchmarks of this file (without a command: ${DEFAULT_CONFIG})`,
  },
  {
    name: "name",
    value: "NAME",
    help: "what the benchmark is called (default: the command with its arguments)",
  },
  {
    name: "metric",
    short: "m",
    value: "METRIC",
    values: METRIC_NAMES,
    repeat: true,
    help: `what is compared: ${
      METRIC_NAMES.join(", ")
    } or an event (default: ${BEST}, the best there is here)`,
  },
  {
    name: "threshold",
    short: "t",
    value: "PCT",
    repeat: true,
    help:
      "how much worse it may be, METRIC=PCT for one metric (default: 1 for instructions, 2 for times, else 5)",
  },
  {
    name: "max-runs",
    value: "N",
    help: `run each command no more than so often (default: ${DEFAULT_MAX_RUNS})`,
  },
  {
    name: "budget",
    value: "SEC",
    help: `for each benchmark no longer than this (default: ${DEFAULT_BUDGET})`,
  },
  {
    name: "timeout",
    value: "SEC",
    help: "end a run that takes longer, and all it has started: the benchmark is then unmeasurable",
  },
  { name: "prepare", value: "CMD", help: "what is run before each run, and is no part of it" },
  { name: "strict", help: "inconclusive ends with 1, as regressed does, rather than with 5" },
  { name: "allow-mismatch", help: "compare with a baseline of another machine all the same" },
  {
    name: "profile",
    help: "with --update keep a profile, too; when it regressed, say by symbol where the time went",
  },
  { name: "junit", value: "FILE", help: "write the verdicts as JUnit XML" },
  { name: "json", help: "print the result as a JSON object (docs/formats.md)" },
];

/** What is to be checked, and with what it is compared. */
export interface CheckRequest {
  plans: BenchmarkPlan[];
  /** Where the baseline is, or will be; undefined when none is needed. */
  baseline?: string;
  /** The config file, where there is one. */
  config?: string;
}

/** Throws UsageError, and BadInputError for a config file that is wrong. */
export function requestOf(args: ParsedArgs): CheckRequest {
  if (args.has("update") && args.has("against")) {
    throw new UsageError("check: --update makes a baseline, and --against needs none: give one of them");
  }
  if (args.has("baseline") && args.has("against")) {
    throw new UsageError("check: --baseline or --against, not both");
  }
  return args.command.length > 0 ? commandRequest(args) : configRequest(args);
}

function commandRequest(args: ParsedArgs): CheckRequest {
  if (args.has("config")) throw new UsageError("check: a command, or --config, not both");
  const baseline = args.text("baseline") ?? (args.has("update") ? DEFAULT_BASELINE : undefined);
  if (baseline === undefined && !args.has("against")) {
    throw new UsageError(
      "check: compare with what? --against 'OLD COMMAND' runs both; --baseline FILE has it from before, " +
        "and --update --baseline FILE makes that file",
    );
  }
  const benchmark: Benchmark = {
    name: args.text("name") ?? quoteWords(args.command),
    command: args.command,
    against: args.text("against"),
    prepare: args.text("prepare"),
    metrics: [],
    thresholds: { byMetric: {} },
  };
  return { plans: [planOf(benchmark, args, "--against")], baseline };
}

function configRequest(args: ParsedArgs): CheckRequest {
  for (const name of ["against", "name", "prepare"]) {
    if (args.has(name)) {
      throw new UsageError(`check: --${name} is for a command: pmuctl check --${name} ... -- COMMAND`);
    }
  }
  const config = args.text("config") ?? DEFAULT_CONFIG;
  const text = readNamedText(config);
  if (typeof text !== "string") {
    if (args.has("config") || text.kind !== "missing") {
      throw new BadInputError(`cannot read ${config}: ${text.cause}`);
    }
    throw new UsageError(
      `check: what to check? There is no ${config} here, and no command: pmuctl check --against 'OLD' -- NEW`,
    );
  }
  const { baseline, benchmarks } = parseConfig(config, text);
  const folder = config.includes("/") ? config.slice(0, config.lastIndexOf("/") + 1) : "";
  const besideConfig = (path: string) => path.startsWith("/") ? path : folder + path;
  const plans = benchmarks.map((benchmark) => planOf(benchmark, args, `${config}: ${benchmark.name}:`))
    .filter(({ against }) => against === undefined || !args.has("update"));
  const needsBaseline = plans.some(({ against }) => against === undefined);
  return {
    plans,
    config,
    baseline: needsBaseline ? args.text("baseline") ?? besideConfig(baseline ?? DEFAULT_BASELINE) : undefined,
  };
}

/** A benchmark with what the command line says of all, and the defaults. */
function planOf(benchmark: Benchmark, args: ParsedArgs, where: string): BenchmarkPlan {
  const wordsOf = (command: string[] | string) =>
    typeof command === "string" ? splitWords(command, where) : command;
  const said = thresholdsOf(args);
  const metrics = args.has("metric") ? args.texts("metric") : benchmark.metrics;
  const { against, prepare } = benchmark;
  return {
    name: benchmark.name,
    argv: wordsOf(benchmark.command),
    ...(against === undefined ? {} : { against: wordsOf(against) }),
    ...(prepare === undefined ? {} : { prepare: wordsOf(prepare) }),
    metrics: [...new Set(metrics)],
    thresholds: {
      all: said.all ?? benchmark.thresholds.all,
      byMetric: { ...(said.all === undefined ? benchmark.thresholds.byMetric : {}), ...said.byMetric },
    },
    maxRuns: args.number("max-runs", { min: 2, max: 1000, integer: true }) ?? benchmark.maxRuns ??
      DEFAULT_MAX_RUNS,
    timeoutMs: 1000 * (args.number("timeout", { min: 0.001, max: 1e6 }) ?? benchmark.timeout ?? Infinity),
    budgetMs: 1000 * (args.number("budget", { min: 0.1, max: 1e6 }) ?? benchmark.budget ?? DEFAULT_BUDGET),
  };
}

/** `--threshold 2 --threshold wall=5`. */
function thresholdsOf(args: ParsedArgs): Thresholds {
  const thresholds: Thresholds = { byMetric: {} };
  for (const text of args.texts("threshold")) {
    const [, metric, number] = /^(?:(.+)=)?([^=]+)$/.exec(text) ?? [];
    const percent = Number((number ?? "").replace(/%$/, ""));
    if (!(percent > 0) || !Number.isFinite(percent)) {
      throw new UsageError(`--threshold '${text}': a percentage above 0 is wanted, as in 2 or wall=5`);
    }
    if (metric === undefined) thresholds.all = percent;
    else thresholds.byMetric[metric] = percent;
  }
  return thresholds;
}
