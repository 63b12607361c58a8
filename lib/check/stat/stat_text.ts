/** Result of `stat` as text for a terminal. Pure. */

import { counted } from "../../base/text/plural.ts";
import { bold, cyan, green, red } from "@std/fmt/colors";
import { columnWidths, least } from "../../base/bytes/lists.ts";
import { printable } from "../../base/text/printable.ts";
import { wrap } from "../../base/text/wrap.ts";
import type { RunFacts } from "../metrics/metrics.ts";
import { formatQuantity, formatScaled, type Scale, scaleFor } from "../metrics/format_quantity.ts";
import type { CommandResult, MetricResult, StatResult } from "./stat.ts";
import { fewestPairs } from "../statistics/signed_rank.ts";
import type { Ratio } from "../statistics/statistics.ts";

/** Limit of outliers that are listed one by one. */
const MAX_OUTLIERS = 5;

/** Ten ticks at 250 Hz, the rate in most distributions' kernels. */
const FEW_TICKS_NS = 40e6;

/** Returns the result with control characters escaped in all texts: arguments may hold them. */
function withPrintableNames(result: StatResult): StatResult {
  return {
    ...result,
    commands: result.commands.map((command) => ({ ...command, name: printable(command.name) })),
    control: result.control && printable(result.control),
    absent: new Map([...result.absent].map(([name, cause]) => [printable(name), printable(cause)])),
  };
}

/** Options of statText(). */
export interface StatTextOptions {
  colors: boolean;
  /** Width in columns of lines; Infinity does not wrap them. */
  width?: number;
}

/** Formats tables, outliers, ratios, and what was not counted; on a terminal in color, and wrapped to its width. */
export function statText(given: StatResult, { colors, width = Infinity }: StatTextOptions): string {
  const result = withPrintableNames(given);
  const paint = (text: string, how: (text: string) => string) => colors ? how(text) : text;
  const blocks = result.commands.map((command) => [
    `${paint(command.name, bold)}  ${runsText(command, result)}`,
    ...tableLines(command, result.confidence, { paint: (text) => paint(text, cyan), width }),
    ...outlierLines(command),
    ...sharedLines(command),
    ...tickLines(command),
  ]);
  const [first, ...others] = result.commands;
  if (others.length > 0) {
    blocks.push([
      `compared with ${paint(first.name, bold)}: median ratio of the runs of a round (${
        percentText(result.confidence)
      } CI)`,
      ...others.flatMap((other) => ratioLines(other, result.confidence, paint)),
    ]);
  }
  const remarks = remarkLines(result);
  if (remarks.length > 0) blocks.push(remarks);
  const fitting = (line: string) => wrap(line.trimEnd(), width, "    ").map((line) => `${line}\n`).join("");
  return blocks.map((lines) => lines.map(fitting).join("")).join("\n");
}

/**
 * Returns `slower` for times, `more` for the rest, or their opposites; undefined when neither can be concluded: the
 * interval includes 1, or too few runs make it less sure than `confidence`.
 */
function verdictOf(
  { ratio, interval }: Ratio,
  isTime: boolean,
  confidence: number,
): string | undefined {
  if (interval.confidence < confidence || (interval.low <= 1 && interval.high >= 1)) return undefined;
  if (ratio > 1) return isTime ? "slower" : "more";
  return isTime ? "faster" : "less";
}

/** Formats lines on what was not counted, with a line for each cause, or not in whole runs. */
export function remarkLines({ absent, control }: Pick<StatResult, "absent" | "control">): string[] {
  const byCause = new Map<string, string[]>();
  for (const [name, cause] of absent) byCause.set(cause, [...(byCause.get(cause) ?? []), name]);
  return [
    ...(control === undefined ? [] : [
      `events were counted while the command had them enabled through ${control}; wall, user, sys, max-rss and what is ` +
      "of rusage are of whole runs",
    ]),
    ...[...byCause].map(([cause, names]) => `not counted: ${names.join(", ")}: ${cause}`),
  ];
}

/** Returns the metrics that belong in a table. */
export function shownMetrics(command: CommandResult): MetricResult[] {
  return command.metrics.filter(({ metric, summary }) => !metric.onlyWhenAny || summary.max > 0);
}

/** Returns the scale of a metric's row. */
export function rowScale({ metric, summary, samples }: MetricResult): Scale {
  const typical = summary.median || summary.mean; // the median of user or sys may be 0, when no tick fell into it
  const whole = metric.unit !== "ns" && samples.every((value) => Number.isInteger(value));
  return scaleFor(metric.unit, typical, whole);
}

function runsText(
  { runs }: CommandResult,
  { warmups, allowedStatuses }: Pick<StatResult, "warmups" | "allowedStatuses">,
): string {
  const [allowed, failed] = [true, false].map((isAllowed) =>
    runs.filter(({ code }) => code !== 0 && allowedStatuses.includes(code) === isAllowed)
  );
  const parts = [
    counted(runs.length, "run"),
    ...(warmups > 0 ? [`${counted(warmups, "run")} before to warm up`] : []),
    ...(allowed.length > 0 ? [`${allowed.length} with ${statusesText(allowed)}, as allowed`] : []),
    ...(failed.length > 0 ? [`${failed.length} failed (${statusesText(failed)})`] : []),
  ];
  return parts.join(", ");
}

function statusesText(failed: readonly RunFacts[]): string {
  const codes = [...new Set(failed.map((run) => run.code))].sort((a, b) => a - b);
  return `status ${codes.join(", ")}`;
}

/** Columns that are dropped when a table is too wide: the range first, then the mean. */
const DROPPABLE_COLUMNS = [4, 3];

function tableLines(
  command: CommandResult,
  confidence: number,
  { paint, width }: { paint: (text: string) => string; width: number },
): string[] {
  const rows = shownMetrics(command).map((result) => {
    const { metric, summary } = result;
    const scale = rowScale(result);
    const show = (value: number) => formatScaled(value, scale);
    // the mean of whole numbers is not one
    const mean = (value: number) => formatScaled(value, { ...scale, decimals: Math.max(scale.decimals, 1) });
    return [
      metric.name,
      scale.unit,
      show(summary.median),
      `${mean(summary.mean)} ± ${mean(summary.sd)}`,
      `${show(summary.min)} … ${show(summary.max)}`,
      `${show(summary.interval.low)} … ${show(summary.interval.high)}`,
    ];
  });
  const sure = Math.min(confidence, command.metrics[0].summary.interval.confidence);
  const titles = ["", "", "median", "mean ± sd", "min … max", `${percentText(sure)} CI of median`];
  const widths = columnWidths([titles, ...rows]);
  const gone = new Set<number>();
  const taken = () => widths.reduce((sum, wide, i) => gone.has(i) ? sum : sum + 2 + wide, 0);
  for (const column of DROPPABLE_COLUMNS) if (taken() > width) gone.add(column);
  const line = (cells: readonly string[]) => {
    const set = cells.map((cell, i) => i < 2 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]));
    return "  " + set.filter((_, i) => !gone.has(i)).join("  ");
  };
  const left = [...gone].map((column) => titles[column]).join(", ");
  const note = gone.size > 0 ? [`  no room for ${left}: widen the terminal, or use --json`] : [];
  return command.runs.length === 1
    ? rows.map((row) => line(row.slice(0, 3))) // nothing else can be said about a single run
    : [paint(line(titles)), ...rows.map(line), ...note];
}

function outlierLines({ outliers, runs }: CommandResult): string[] {
  const worst = outliers.toSorted((a, b) => Math.abs(b.score) - Math.abs(a.score)).slice(0, MAX_OUTLIERS);
  const lines = worst.toSorted((a, b) => a.run - b.run).map(({ run, value, reasons, score }) => {
    const why = reasons.length > 0 ? `: ${reasons.join("; ")}` : score < 0 ? ": faster than the rest" : "";
    return `  outlier: run ${run + 1} took ${formatQuantity(value, "ns")}${why}`;
  });
  const more = outliers.length - worst.length;
  return more > 0
    ? [...lines, `  and ${counted(more, "more outlier")} in ${counted(runs.length, "run")} (--json has all)`]
    : lines;
}

/** Formats lines about counters that were shared. */
function sharedLines({ metrics }: CommandResult): string[] {
  return metrics.filter(({ running }) => running < 1).map(({ metric, running }) =>
    `  ${metric.name} shared its counter and is an estimate: counted ${
      (100 * running).toFixed(0)
    }% of a run or more`
  );
}

/**
 * Returns a warning when user and sys are inaccurate: the kernel splits CPU time by what each tick of its clock
 * interrupted, and short runs have few ticks.
 */
function tickLines({ runs }: CommandResult): string[] {
  const shortest = least(runs.map(({ usage }) => usage.utimeNs + usage.stimeNs));
  if (shortest >= FEW_TICKS_NS) return [];
  return [
    "  user and sys are split by clock ticks, and these runs are too short for that: only their sum is exact",
  ];
}

function ratioLines(
  command: CommandResult,
  confidence: number,
  paint: (text: string, how: (text: string) => string) => string,
): string[] {
  const rows = shownMetrics(command).flatMap(({ metric, ratio }) => {
    if (!ratio) return [];
    const verdict = verdictOf(ratio, metric.unit === "ns", confidence);
    const few = ratio.interval.confidence < confidence;
    const same = ratio.interval.low === 1 && ratio.interval.high === 1;
    const words = verdict ?? (few ? "too few runs to tell" : same ? "the same" : "no difference detected");
    const how = verdict === undefined ? (text: string) => text : ratio.ratio > 1 ? red : green;
    const { value, range } = formatRatio(ratio);
    return [[metric.name, `${value}x`, range, paint(words, how)]];
  });
  const widths = columnWidths(rows);
  const sure = command.metrics.find(({ ratio }) => ratio)?.ratio?.interval.confidence ?? 1;
  const only = sure < confidence
    ? `  (so few runs give the intervals ${percentText(sure)} confidence; ` +
      `-r ${fewestPairs(confidence)} or more: ${percentText(confidence)})`
    : "";
  return [
    `  ${command.name}${only}`,
    ...rows.map(([name, ratio, range, words]) => {
      const cells = [name.padEnd(widths[0]), ratio.padStart(widths[1]), range.padStart(widths[2]), words];
      return `    ${cells.join("  ")}`;
    }),
  ];
}

/** Decimals of a ratio, and as many at most where it takes more to tell it from 1. */
const RATIO_DECIMALS = 3, MAX_RATIO_DECIMALS = 9;

/** Formats a ratio and its interval, all with as many decimals as it takes to see on which side of 1 each of them is. */
export function formatRatio({ ratio, interval: { low, high } }: Ratio): { value: string; range: string } {
  const all = [ratio, low, high];
  const tells = (decimals: number) =>
    all.every((value) => Math.sign(Number(value.toFixed(decimals)) - 1) === Math.sign(value - 1));
  let decimals = RATIO_DECIMALS;
  while (decimals < MAX_RATIO_DECIMALS && !tells(decimals)) decimals++;
  const [value, from, to] = all.map((each) => each.toFixed(decimals));
  return { value, range: `${from} … ${to}` };
}

function percentText(part: number): string {
  return `${Number((100 * part).toFixed(1))}%`;
}
