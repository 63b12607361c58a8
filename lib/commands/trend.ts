/** Implementation of `pmuctl trend`: shows how benchmarks went over time, and where they changed. */

import { BadInputError, UsageError } from "../base/system/errors.ts";
import { VERSION } from "../base/system/version.ts";
import { FINGERPRINT_KEYS } from "../check/baseline/fingerprint.ts";
import type { HistoryEntry } from "../check/history/history_line.ts";
import { readHistory } from "../check/history/read_history.ts";
import { commitsBetween } from "../check/history/repository.ts";
import { CHANGE_POINT_DEFAULTS } from "../check/statistics/change_points.ts";
import {
  type Trend,
  type TrendChange,
  trendExitStatus,
  type TrendOptions,
  trendsOf,
} from "../check/trend/trend.ts";
import type { TrendReport } from "../check/trend/trend_report.ts";
import { type MachineKey, seriesOf } from "../check/trend/trend_series.ts";
import type { CommandSpec, Io, ParsedArgs } from "../cli/command.ts";
import { refuseSameFile, writeOutputFile } from "../cli/output_file.ts";
import { page, print } from "../cli/pager.ts";
import { counted } from "../base/text/plural.ts";

const FORMATS = ["text", "json", "html"] as const;
const DEFAULT_RECENT = 30;
const DEFAULT_THRESHOLD = 0.1;
/** Commits of a change that are named. */
const MAX_COMMITS = 10;
/** Changes of a series, the newest ones, whose commits are asked of git, and all of them. */
const MAX_NAMED = 5, MAX_RANGES = 200;
/** Processes of git at a time. */
const AT_ONCE = 4;

/** The `trend` command. */
export const command: CommandSpec = {
  name: "trend",
  summary: "show how benchmarks went over time, from a history of 'check', and where they changed",
  usage: ["[--branch NAME] [--recent N] [-t PCT] [--json | --format FORMAT] [-o FILE] FILE"],
  options: [
    {
      name: "branch",
      value: "NAME",
      help: "show the runs of this branch (default: the one with the most runs)",
    },
    { name: "name", value: "NAME", repeat: true, help: "show only this benchmark" },
    {
      name: "across",
      value: "PROPERTY",
      values: FINGERPRINT_KEYS,
      repeat: true,
      help: "take runs together although this property of their machines differs: kernel, cpu, ...",
    },
    {
      name: "recent",
      value: "N",
      help: `exit with 1 if a benchmark got slower within its last N runs (default: ${DEFAULT_RECENT})`,
    },
    {
      name: "threshold",
      short: "t",
      value: "PCT",
      help: `allow a benchmark to get this much slower within these runs (default: ${DEFAULT_THRESHOLD})`,
    },
    {
      name: "accept",
      value: "COMMIT",
      repeat: true,
      help: "take all changes up to this commit as intended: they decide nothing",
    },
    {
      name: "window",
      value: "N",
      help: `look for changes among N runs at a time (default: ${CHANGE_POINT_DEFAULTS.window})`,
    },
    {
      name: "max-p",
      value: "P",
      help:
        `accept changes with a probability of up to P by chance (default: ${CHANGE_POINT_DEFAULTS.maxProbability})`,
    },
    {
      name: "min-change",
      value: "PCT",
      help: "pass over changes up to this size, whatever their direction (default: 0)",
    },
    { name: "json", help: "print the result as a JSON object (docs/formats.md)" },
    {
      name: "format",
      value: "FORMAT",
      values: FORMATS,
      help: `print in FORMAT: ${FORMATS.join(", ")} (default: text)`,
    },
    {
      name: "output",
      short: "o",
      value: "FILE",
      help: "write the result to a file; one named *.html becomes a page",
    },
    { name: "no-pager", help: "don't show long output on a terminal through $PAGER (less)" },
  ],
  groups: [
    { title: "which runs", options: ["branch", "name", "across"] },
    {
      title: "what is a change",
      options: ["recent", "threshold", "accept", "window", "max-p", "min-change"],
    },
    { title: "output", options: ["format", "json", "output", "no-pager"] },
  ],
  examples: [
    "pmuctl check --update --history perf.jsonl -- ./bench   # after each commit",
    "pmuctl trend perf.jsonl",
    "pmuctl trend -o trend.html perf.jsonl",
  ],
  maxPositionals: 1,
  operands: "file",
  run,
};

async function run(args: ParsedArgs, io: Io): Promise<number> {
  const [file] = args.positionals;
  if (file === undefined) {
    throw new UsageError(
      "trend: expected a history, which 'pmuctl check --history FILE' makes: pmuctl trend FILE",
    );
  }
  const format = formatOf(args);
  const output = args.text("output") === "-" ? undefined : args.text("output");
  if (output !== undefined) refuseSameFile(output, file, "history");
  if (format === "html" && args.text("output") === undefined && io.stdoutIsTerminal) {
    throw new UsageError("trend: --format html is not for a terminal: write it to a file with -o trend.html");
  }
  const report = await reportOf(file, args);
  const status = trendExitStatus(report.trends);
  const content = await rendered(report, { format, status, io, toFile: output !== undefined });
  if (output !== undefined) writeOutputFile(output, content);
  else if (format === "text") await page(content, io, { paged: !args.has("no-pager") });
  else print(content, io);
  return status;
}

/** Reads the history, and finds the changes of each series. Throws BadInputError when it has no runs to show. */
async function reportOf(file: string, args: ParsedArgs): Promise<TrendReport> {
  const options = optionsOf(args);
  const across = args.texts("across").map(machineKey);
  const { entries, notes } = readHistory(file);
  const names = args.texts("name");
  const branch = args.text("branch") ?? mainBranch(entries);
  const chosen = entries.filter((entry) =>
    entry.branch === branch && (names.length === 0 || names.includes(entry.benchmark))
  );
  if (chosen.length === 0) throw new BadInputError(nothingIn(file, entries, { branch, names, notes }));
  const trends = trendsOf(seriesOf(chosen, across), options);
  await nameCommits(trends);
  const others = new Set(entries.map((entry) => entry.branch)).size - 1;
  const left = others > 0 && !args.has("branch")
    ? [`${counted(others, "other branch")} left out: --branch NAME shows one`]
    : [];
  return { file, branch, trends, recent: options.recent, notes: [...notes, ...left] };
}

/** Returns the branch with the most entries; undefined for those of none. */
function mainBranch(entries: readonly HistoryEntry[]): string | undefined {
  const counts = new Map<string | undefined, number>();
  for (const { branch } of entries) counts.set(branch, (counts.get(branch) ?? 0) + 1);
  return [...counts].sort(([, a], [, b]) => b - a)[0]?.[0];
}

/** Returns the message that a history has none of the runs that were asked for. */
function nothingIn(
  file: string,
  entries: readonly HistoryEntry[],
  { branch, names, notes }: { branch?: string; names: readonly string[]; notes: readonly string[] },
): string {
  const some = (all: readonly string[]) => [...new Set(all)].slice(0, 10).join(", ");
  if (entries.length === 0) {
    return `cannot show a trend: ${file} has no runs${notes.length > 0 ? ` (${notes[0]})` : ""}: ` +
      "'pmuctl check --history FILE' adds some";
  }
  const there = entries.filter((entry) => entry.branch === branch);
  if (there.length > 0) {
    return `cannot show a trend: ${file} has no runs of ${some(names)} on branch ${
      branch ?? "none"
    }: it has ` +
      some(there.map(({ benchmark }) => benchmark));
  }
  return `cannot show a trend: ${file} has no runs on branch ${branch}: it has ` +
    some(entries.map((entry) => entry.branch ?? "runs of none"));
}

/** Asks git for the commits of the newest changes, as far as the repository of the working directory has them. */
async function nameCommits(trends: readonly Trend[]): Promise<void> {
  const changesOf = new Map<string, TrendChange[]>();
  for (const { series: { points }, changes } of trends) {
    for (const change of changes.slice(-MAX_NAMED)) {
      const [from, to] = [points[change.at - 1].commit, points[change.at].commit];
      if (from === undefined || to === undefined || from === to) continue;
      const key = `${from}..${to}`, same = changesOf.get(key);
      if (same) same.push(change);
      else if (changesOf.size < MAX_RANGES) changesOf.set(key, [change]);
    }
  }
  const waiting = [...changesOf];
  const work = async () => {
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      const [[from, to], changes] = [next[0].split(".."), next[1]];
      const range = await commitsBetween(from, to, MAX_COMMITS);
      for (const change of changes) change.range = range;
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
}

/** Formats the report. Only the renderer that is needed is loaded. */
async function rendered(
  report: TrendReport,
  { format, status, io, toFile }: { format: typeof FORMATS[number]; status: number; io: Io; toFile: boolean },
): Promise<Iterable<string>> {
  switch (format) {
    case "html":
      return (await import("../check/trend/trend_html.ts")).trendHtml(report);
    case "json":
      return (await import("../check/trend/trend_json.ts")).trendJson(report, { status, version: VERSION });
    case "text": {
      const { trendText } = await import("../check/trend/trend_text.ts");
      const colors = io.stdoutIsTerminal && !toFile && !io.env("NO_COLOR");
      return [trendText(report, { colors, width: toFile ? 80 : io.columns })];
    }
  }
}

function formatOf(args: ParsedArgs): typeof FORMATS[number] {
  const format = args.choice("format", FORMATS);
  if (args.has("json") && format !== undefined && format !== "json") {
    throw new UsageError(`trend: --json and --format ${format} exclude each other: use one of them`);
  }
  const byEnding = /\.html?$/.test(args.text("output") ?? "") ? "html" : "text";
  return args.has("json") ? "json" : format ?? byEnding;
}

function optionsOf(args: ParsedArgs): TrendOptions {
  return {
    window: args.number("window", { min: 2, max: 1000, integer: true }) ?? CHANGE_POINT_DEFAULTS.window,
    maxProbability: args.number("max-p", { min: 1e-9, max: 1 }) ?? CHANGE_POINT_DEFAULTS.maxProbability,
    minChange: (args.number("min-change", { min: 0, max: 1e6 }) ?? 0) / 100,
    recent: args.number("recent", { min: 1, max: 1e6, integer: true }) ?? DEFAULT_RECENT,
    accepted: args.texts("accept").map(commitOf),
    threshold: (args.number("threshold", { min: 0, max: 1e6 }) ?? DEFAULT_THRESHOLD) / 100,
  };
}

/** Returns the name of a commit as histories have it. Throws UsageError for a branch, a tag and the like. */
function commitOf(name: string): string {
  if (/^[0-9a-f]{4,64}$/i.test(name)) return name.toLowerCase();
  throw new UsageError(`trend: --accept '${name}': expected the name of a commit in hexadecimal digits`);
}

function machineKey(name: string): MachineKey {
  const key = FINGERPRINT_KEYS.find((each) => each === name);
  if (key !== undefined) return key;
  throw new UsageError(`trend: --across '${name}': expected one of ${FINGERPRINT_KEYS.join(", ")}`);
}
