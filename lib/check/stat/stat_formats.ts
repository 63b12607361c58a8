/** Result of `stat` for programs and documents: JSON, CSV and Markdown. Pure. docs/stat.md describes the formats. */

import { JSON_SCHEMAS } from "../../base/text/json_schemas.ts";
import { formatScaled } from "../metrics/format_quantity.ts";
import type { CommandResult, MetricResult, StatResult } from "./stat.ts";
import { formatRatio, remarkLines, rowScale, shownMetrics } from "./stat_text.ts";
import type { Interval } from "../statistics/statistics.ts";
import { markdownCode, markdownText } from "../../base/text/markdown.ts";
import { jsonText } from "../../base/text/printable.ts";

/** Formats one JSON object and a line feed; `pmuctl` is its version. */
export function statJson(result: StatResult, pmuctl: string): string {
  const object = {
    schema: JSON_SCHEMAS.stat,
    pmuctl,
    confidence: result.confidence,
    warmups: result.warmups,
    control: result.control,
    commands: result.commands.map((command) => ({
      command: command.name,
      argv: command.argv,
      parameters: command.parameters,
      runs: command.runs.length,
      statuses: command.runs.map((run) => run.code),
      metrics: Object.fromEntries(command.metrics.map((metric) => [metric.metric.name, metricJson(metric)])),
      outliers: command.outliers.map(({ run, value, score, reasons }) => ({
        run,
        wall: value,
        score: Number(score.toFixed(2)),
        reasons,
      })),
    })),
    notCounted: Object.fromEntries(result.absent),
  };
  return jsonText(object, 2) + "\n";
}

function metricJson({ metric, samples, summary, ratio, running }: MetricResult) {
  const { median, mean, sd, min, max, interval, n } = summary;
  return {
    unit: metric.unit,
    n,
    median,
    mean,
    sd,
    min,
    max,
    interval: intervalJson(interval),
    ...(running < 1 ? { running: Number(running.toFixed(4)) } : {}),
    ...(ratio ? { ratio: { value: ratio.ratio, interval: intervalJson(ratio.interval) } } : {}),
    samples: samples.map((value) => value ?? null),
  };
}

function intervalJson({ low, high, confidence }: Interval) {
  return { low, high, confidence: Number(confidence.toFixed(4)) };
}

/** Formats CSV (RFC 4180), with a line for each command and metric. */
export function statCsv(result: StatResult): string {
  const parameters = parameterNames(result);
  const titles = ["command", ...parameters, "metric", "unit", "n", "median", "mean", "sd", "min", "max"];
  const rows = result.commands.flatMap((command) =>
    command.metrics.map(({ metric, summary: s, ratio }) => [
      ...commandCells(command, parameters),
      ...[metric.name, metric.unit, s.n, s.median, s.mean, s.sd, s.min, s.max],
      ...[s.interval.low, s.interval.high, Number(s.interval.confidence.toFixed(4))],
      ...(ratio ? [ratio.ratio, ratio.interval.low, ratio.interval.high] : ["", "", ""]),
    ])
  );
  const tail = ["ci_low", "ci_high", "ci_confidence", "ratio", "ratio_low", "ratio_high"];
  return csv([[...titles, ...tail], ...rows]);
}

/** Formats CSV (RFC 4180), with a line for each run. Unknown values are empty cells. */
export function statRunsCsv(result: StatResult): string {
  const parameters = parameterNames(result);
  const names = [...new Set(result.commands.flatMap((c) => c.metrics.map(({ metric }) => metric.name)))];
  const rows = result.commands.flatMap((command) =>
    command.runs.map((run, index) => [
      ...commandCells(command, parameters),
      index + 1,
      run.code,
      ...names.map((name) =>
        command.metrics.find(({ metric }) => metric.name === name)?.samples[index] ?? ""
      ),
    ])
  );
  return csv([["command", ...parameters, "run", "status", ...names], ...rows]);
}

/** Formats a table in GitHub's Markdown, with a row for each command and metric. */
export function statMarkdown(result: StatResult): string {
  const compared = result.commands.length > 1;
  const titles = ["command", "metric", "median", "mean ± sd", "min … max", "CI of median"];
  if (compared) titles.push("ratio of pairs");
  const rows = result.commands.flatMap((command) =>
    shownMetrics(command).map((metric) => [
      markdownCode(command.name),
      markdownText(metric.metric.name),
      ...markdownFigures(metric),
      ...(compared ? [ratioCell(metric)] : []),
    ])
  );
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |\n`;
  const rule = titles.map((_, i) => i < 2 ? "---" : "---:");
  const remarks = remarkLines(result).map((text) => `\n${markdownText(text)}\n`);
  return [line(titles), line(rule), ...rows.map(line), ...remarks].join("");
}

function markdownFigures(result: MetricResult): string[] {
  const { summary } = result;
  const scale = rowScale(result);
  const show = (value: number) => formatScaled(value, scale);
  const unit = scale.unit && ` ${scale.unit}`;
  return [
    show(summary.median) + unit,
    `${show(summary.mean)} ± ${show(summary.sd)}${unit}`,
    `${show(summary.min)} … ${show(summary.max)}${unit}`,
    `${show(summary.interval.low)} … ${show(summary.interval.high)}${unit}`,
  ];
}

function ratioCell({ ratio }: MetricResult): string {
  if (!ratio) return "";
  const { value, range } = formatRatio(ratio);
  return `${value} (${range})`;
}

function parameterNames(result: StatResult): string[] {
  return [...new Set(result.commands.flatMap((command) => Object.keys(command.parameters)))];
}

function commandCells({ name, parameters }: CommandResult, names: readonly string[]): string[] {
  return [name, ...names.map((parameter) => parameters[parameter] ?? "")];
}

function csv(rows: readonly (readonly (string | number)[])[]): string {
  return rows.map((row) => row.map((cell) => csvCell(String(cell))).join(",") + "\r\n").join("");
}

function csvCell(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
