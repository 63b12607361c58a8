/** Options of `pmuctl check`, from the command line and pmuctl.json. */

import { BadInputError, UsageError } from "../base/system/errors.ts";
import { readNamedText } from "../base/files/file_bytes.ts";
import { AUTO_FORMS, AUTO_SECONDS, DEFAULT_SECONDS, parseAutoBudget } from "../check/baseline/budget.ts";
import { type Benchmark, OPTION_LIMITS, parseConfig, type Thresholds } from "../check/baseline/config.ts";
import { FOREIGN_FORMATS, type ForeignFormat } from "../check/foreign/foreign_formats.ts";
import { BEST, METRIC_NAMES } from "../check/metrics/metric_sources.ts";
import type { OptionGroup, OptionSpec, ParsedArgs } from "../cli/command.ts";
import { quoteWords, splitWords } from "../cli/shell_words.ts";
import type { BenchmarkPlan } from "../check/series/series.ts";
import { CONTROL_OPTIONS, controlOf } from "./control_options.ts";
import { isVariableName, parseStatuses, shellCommand } from "../run/run_options.ts";

/** Config file that is read without a command. */
const DEFAULT_CONFIG = "pmuctl.json";
/** Baseline file unless --baseline or the config names another. */
const DEFAULT_BASELINE = "pmuctl.baseline.json";
const DEFAULT_MAX_RUNS = 10_000;
/** Rounds before those that count. */
export const DEFAULT_WARMUPS = 1;

/** Options of `check`. */
export const CHECK_OPTIONS: OptionSpec[] = [
  {
    name: "from",
    value: "FORMAT",
    values: FOREIGN_FORMATS,
    help:
      "compare the numbers of another benchmark tool: of two files, OLD NEW, or of what the commands write " +
      "into the file {} or to standard output (docs/check.md)",
  },
  { name: "against", value: "CMD", help: "compare with this command; both run in turns on this machine" },
  { name: "baseline", value: "FILE", help: "compare with earlier measurements in this file" },
  { name: "update", help: "measure, and write the baseline instead of comparing" },
  {
    name: "history",
    value: "FILE",
    help:
      "add what is measured to this file, for 'trend', and compare with what it has, without another baseline",
  },
  {
    name: "baseline-branch",
    value: "NAME",
    help: "compare with the newest runs of this branch in the history (default: the branch checked out)",
  },
  {
    name: "config",
    value: "FILE",
    help: `check all benchmarks of this file (without a command: ${DEFAULT_CONFIG})`,
  },
  {
    name: "name",
    value: "NAME",
    help: "name the benchmark (default: the command with its arguments)",
  },
  {
    name: "metric",
    short: "m",
    value: "METRIC",
    values: METRIC_NAMES,
    repeat: true,
    help: `compare ${
      METRIC_NAMES.join(", ")
    } or an event (default: ${BEST}, the most precise metric available here)`,
  },
  {
    name: "threshold",
    short: "t",
    value: "PCT",
    repeat: true,
    help:
      "allow a metric to get this much worse, METRIC=PCT for one of them (default: 1 for instructions, 2 for times, else 5)",
  },
  {
    name: "max-runs",
    value: "N",
    help: `run each command at most N times (default: ${DEFAULT_MAX_RUNS})`,
  },
  {
    name: "budget",
    value: "SEC",
    values: ["auto"],
    help:
      `spend at most SEC seconds on each benchmark (default: ${DEFAULT_SECONDS}); with auto, or auto:SEC, more than ` +
      `${DEFAULT_SECONDS} only while it will probably decide, up to ${AUTO_SECONDS} or SEC`,
  },
  {
    name: "timeout",
    value: "SEC",
    help: "kill a run that takes longer, and everything it started; the benchmark is then unmeasurable",
  },
  {
    name: "warmup",
    short: "w",
    value: "RUNS",
    help: `run each command RUNS times before, unmeasured (default: ${DEFAULT_WARMUPS})`,
  },
  { name: "prepare", value: "CMD", help: "run CMD before each run, unmeasured" },
  { name: "setup", value: "CMD", help: "run CMD once, before the first run" },
  { name: "cleanup", value: "CMD", help: "run CMD once, after the last run, even if one fails" },
  { name: "shell", help: "run commands with /bin/sh -c, and measure the shell too" },
  {
    name: "input",
    value: "FILE",
    values: "file",
    help: "let commands read FILE from standard input (default: nothing)",
  },
  ...CONTROL_OPTIONS,
  {
    name: "keep-env",
    value: "NAME",
    repeat: true,
    help: "under valgrind, let commands have this variable, too",
  },
  { name: "allow-status", value: "N,N", help: "also count runs that exit with one of these statuses" },
  { name: "strict", help: "exit with 1 instead of 5 if the result is inconclusive" },
  { name: "allow-mismatch", help: "compare even with a baseline of another machine, or of other conditions" },
  {
    name: "profile",
    help: "with --update, also keep a profile; after a regression, show by symbol where the time went",
  },
  { name: "junit", value: "FILE", help: "write the verdicts as JUnit XML" },
  {
    name: "comment",
    value: "FILE",
    values: "file",
    help: "write the verdicts as a comment for a pull request, in GitHub's Markdown",
  },
  { name: "json", help: "print the result as a JSON object (docs/formats.md)" },
];

/** Options that the config file has for each benchmark. */
const COMMAND_OPTIONS = ["prepare", "setup", "cleanup", "shell", "input", "allow-status", "control", "delay"];

/** Order of the options in the help. */
export const CHECK_GROUPS: readonly OptionGroup[] = [
  {
    title: "what to compare",
    options: [
      ...["against", "baseline", "update", "history", "baseline-branch", "config", "from", "name"],
      "allow-mismatch",
    ],
  },
  { title: "what to measure", options: ["metric", "threshold", "profile"] },
  {
    title: "how to run it",
    options: [
      "prepare",
      "setup",
      "cleanup",
      "shell",
      "input",
      "control",
      "delay",
      "keep-env",
      "allow-status",
    ],
  },
  { title: "how long", options: ["warmup", "max-runs", "budget", "timeout"] },
  { title: "result", options: ["strict", "json", "junit", "comment"] },
];

/** History to add to. */
export interface HistoryRequest {
  file: string;
  /** Branch to compare with; undefined for the one that is checked out. */
  branch?: string;
}

/** Benchmarks to check, and what to compare them with. */
export interface CheckRequest {
  plans: BenchmarkPlan[];
  /** Baseline file to read or write; undefined when none is needed. Without one, a history is compared with. */
  baseline?: string;
  history?: HistoryRequest;
  /** Config file, if one is used. */
  config?: string;
}

/**
 * Reads the request from the command line, and from the config file where one is used. Throws UsageError, and
 * BadInputError for an invalid config file.
 */
export function requestOf(args: ParsedArgs): CheckRequest {
  if (args.has("update") && args.has("against")) {
    throw new UsageError("check: --update writes a baseline, and --against needs none: use one of them");
  }
  if (args.has("baseline") && args.has("against")) {
    throw new UsageError("check: --baseline and --against exclude each other: use one of them");
  }
  const request = args.command.length > 0 ? commandRequest(args) : configRequest(args);
  const isHistoryAlone = request.baseline === undefined && request.plans.some(({ against }) => !against);
  if (args.has("profile") && isHistoryAlone) {
    throw new UsageError(
      "check: --profile keeps a profile beside a baseline file, and a history has none: give --baseline FILE, or --against",
    );
  }
  return request;
}

/**
 * Returns the history on the command line. Throws UsageError for a branch of it that nothing would be compared with.
 * @param inConfig history of the config file, if there is one.
 */
export function historyOf(args: ParsedArgs, inConfig?: HistoryRequest): HistoryRequest | undefined {
  const file = args.text("history") ?? inConfig?.file;
  if (args.has("baseline-branch")) {
    if (file === undefined) {
      throw new UsageError("check: --baseline-branch is a branch of the history: give --history FILE");
    }
    const other = ["against", "baseline", "update"].find((name) => args.has(name));
    if (other !== undefined) {
      throw new UsageError(`check: --baseline-branch and --${other} exclude each other: use one of them`);
    }
  }
  return file === undefined ? undefined : { file, branch: args.text("baseline-branch") ?? inConfig?.branch };
}

function commandRequest(args: ParsedArgs): CheckRequest {
  if (args.has("config")) {
    throw new UsageError("check: a command and --config exclude each other: use one of them");
  }
  const history = historyOf(args);
  const baseline = args.text("baseline") ?? (args.has("update") && !history ? DEFAULT_BASELINE : undefined);
  if (baseline === undefined && !history && !args.has("against")) {
    throw new UsageError(
      "check: nothing to compare with: use --against 'OLD COMMAND' to run both, or --baseline FILE to compare with " +
        "earlier measurements; --update --baseline FILE makes that file, and --history FILE keeps those of each run",
    );
  }
  const shell = args.has("shell");
  const command = shell ? args.command.join(" ") : args.command;
  const statuses = args.text("allow-status");
  const benchmark: Benchmark = {
    name: args.text("name") ?? (shell ? args.command.join(" ") : quoteWords(args.command)),
    ...{ command, shell },
    against: args.text("against"),
    from: args.choice("from", FOREIGN_FORMATS),
    prefix: args.has("name"),
    prepare: args.text("prepare"),
    setup: args.text("setup"),
    cleanup: args.text("cleanup"),
    input: args.text("input"),
    control: controlOf(args, "check"),
    allowStatus: statuses === undefined ? undefined : parseStatuses(statuses, "check: --allow-status"),
    metrics: [],
    thresholds: { byMetric: {} },
  };
  return { plans: [planOf(benchmark, args, "--against")], baseline, history };
}

function configRequest(args: ParsedArgs): CheckRequest {
  for (const name of ["against", "name", ...COMMAND_OPTIONS]) {
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
      `check: nothing to check: give a command (pmuctl check --against 'OLD' -- NEW), or write ${config}`,
    );
  }
  const { baseline, benchmarks, ...named } = parseConfig(config, text);
  const folder = config.includes("/") ? config.slice(0, config.lastIndexOf("/") + 1) : "";
  const besideConfig = (path: string) => path.startsWith("/") ? path : folder + path;
  const plans = benchmarks.map((benchmark) => planOf(benchmark, args, `${config}: ${benchmark.name}:`))
    .filter(({ against }) => against === undefined || !args.has("update"));
  const history = historyOf(
    args,
    named.history === undefined
      ? undefined
      : { file: besideConfig(named.history), branch: named.baselineBranch },
  );
  // a history takes the place of the default file, and a branch of it that of any
  const file = args.has("baseline-branch") ? undefined : baseline ?? (history ? undefined : DEFAULT_BASELINE);
  const needsBaseline = plans.some(({ against }) => against === undefined);
  return {
    ...{ plans, config, history },
    baseline: needsBaseline
      ? args.text("baseline") ?? (file === undefined ? undefined : besideConfig(file))
      : undefined,
  };
}

/** Returns a value of --keep-env if it is a name. Throws UsageError for others, such as NAME=VALUE. */
function variableOf(name: string): string {
  if (isVariableName(name)) return name;
  throw new UsageError(
    `check: --keep-env '${name}': expected the name of a variable, which keeps its value: NAME`,
  );
}

/** Options that say how pmuctl itself measures, or that need a baseline. */
const NOT_FROM = ["baseline", "update", "allow-mismatch", "keep-env", "control"];

/** Returns the format of the results that a benchmark's commands write, if they do. Throws UsageError, BadInputError. */
function formatOf({ from, against }: Benchmark, args: ParsedArgs, where: string): ForeignFormat | undefined {
  if (from === undefined) return undefined;
  const format = FOREIGN_FORMATS.find((known) => known === from);
  if (format === undefined) {
    throw new BadInputError(`${where} from: expected one of ${FOREIGN_FORMATS.join(", ")}`);
  }
  const other = NOT_FROM.find((name) => args.has(name) && args.command.length > 0);
  if (other !== undefined) {
    throw new UsageError(
      `check: --from takes the numbers of the commands, and --${other} is for others: leave it out`,
    );
  }
  if (against === undefined) {
    throw new BadInputError(
      `${where} from: expected 'against' as well: what commands write is compared side by side`,
    );
  }
  return format;
}

/** Applies the command line's settings for all benchmarks, and the defaults, to a benchmark. */
function planOf(benchmark: Benchmark, args: ParsedArgs, where: string): BenchmarkPlan {
  const wordsOf = (command: string[] | string) => {
    if (typeof command !== "string") return command;
    return benchmark.shell ? shellCommand(command) : splitWords(command, where);
  };
  const said = thresholdsOf(args);
  const metrics = args.has("metric") ? args.texts("metric") : benchmark.metrics;
  const { against, prepare, setup, cleanup, input, control, allowStatus } = benchmark;
  const from = formatOf(benchmark, args, where);
  return {
    name: benchmark.name,
    argv: wordsOf(benchmark.command),
    ...(against === undefined ? {} : { against: wordsOf(against) }),
    ...(from === undefined ? {} : { from, prefix: benchmark.prefix ?? true }),
    ...(prepare === undefined ? {} : { prepare: wordsOf(prepare) }),
    ...(setup === undefined ? {} : { setup: wordsOf(setup) }),
    ...(cleanup === undefined ? {} : { cleanup: wordsOf(cleanup) }),
    ...(input === undefined ? {} : { input }),
    ...(control === undefined ? {} : { control }),
    keepEnv: args.has("keep-env") ? args.texts("keep-env").map(variableOf) : benchmark.keepEnv ?? [],
    ...(allowStatus === undefined ? {} : { allowedStatuses: allowStatus }),
    warmups: args.number("warmup", OPTION_LIMITS.warmup) ?? benchmark.warmup ??
      DEFAULT_WARMUPS,
    metrics: [...new Set(metrics)],
    thresholds: {
      all: said.all ?? benchmark.thresholds.all,
      byMetric: { ...(said.all === undefined ? benchmark.thresholds.byMetric : {}), ...said.byMetric },
    },
    maxRuns: args.number("max-runs", OPTION_LIMITS.maxRuns) ?? benchmark.maxRuns ??
      DEFAULT_MAX_RUNS,
    timeoutMs: 1000 * (args.number("timeout", OPTION_LIMITS.timeout) ?? benchmark.timeout ?? Infinity),
    ...budgetOf(args, benchmark),
  };
}

function budgetOf(args: ParsedArgs, benchmark: Benchmark): Pick<BenchmarkPlan, "budgetMs" | "minBudgetMs"> {
  const text = args.text("budget");
  const said = text === undefined ? benchmark.budget : parseAutoBudget(text);
  if (text?.startsWith("auto") && !said) {
    throw new UsageError(`check: --budget '${text}': expected SEC, ${AUTO_FORMS}`);
  }
  const { seconds, minSeconds } = said ??
    { seconds: args.number("budget", OPTION_LIMITS.budget) ?? DEFAULT_SECONDS };
  return {
    budgetMs: 1000 * seconds,
    ...(minSeconds === undefined ? {} : { minBudgetMs: 1000 * minSeconds }),
  };
}

/** Parses the thresholds on the command line: `--threshold 2 --threshold wall=5`. */
export function thresholdsOf(args: ParsedArgs): Thresholds {
  const thresholds: Thresholds = { byMetric: {} };
  for (const text of args.texts("threshold")) {
    const [, metric, number] = /^(?:(.+)=)?([^=]+)$/.exec(text) ?? [];
    const percent = Number((number ?? "").replace(/%$/, ""));
    if (!(percent > 0) || !Number.isFinite(percent)) {
      throw new UsageError(`--threshold '${text}': expected a percentage above 0, as in 2 or wall=5`);
    }
    if (metric === undefined) thresholds.all = percent;
    else thresholds.byMetric[metric] = percent;
  }
  return thresholds;
}
