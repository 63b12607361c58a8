/**
 * Lines of a history: what one run has measured of one benchmark, as JSON on a line of its own, so that git merges two
 * histories by taking the lines of both. docs/trend.md describes the format.
 */

import { thinValues } from "../statistics/thin_values.ts";
import { jsonText } from "../../base/text/printable.ts";
import type { StoredMetric } from "../baseline/baseline.ts";
import { type Fingerprint, FINGERPRINT_KEYS } from "../baseline/fingerprint.ts";
import type { MetricUnit } from "../metrics/metrics.ts";
import type { Commit } from "./repository.ts";

/** Name and version of the format, in each line. The version changes when the meaning does. */
export const HISTORY_SCHEMA = "pmuctl-history/1";

/** Measurements of a metric in one run. */
export interface HistoryMetric extends StoredMetric {
  unit: MetricUnit;
}

/** Measurements of one benchmark in one run. */
export interface HistoryEntry extends Commit {
  /** Time of the run, in ms since 1970. */
  time: number;
  benchmark: string;
  /** Format of the file that another tool has measured; absent for pmuctl's own runs. */
  from?: string;
  /** Words of the command; absent for another tool's benchmark. */
  command?: string[];
  machine: Fingerprint;
  /** Metrics by requested name. */
  metrics: Record<string, HistoryMetric>;
  /** Runs before those that counted, and the file that commands read, as in a baseline. */
  warmups?: number;
  input?: string;
  /** Wall times in ns of some runs. */
  wall?: number[];
}

/** Samples of a metric that are kept, spread over those that there are. */
const MAX_SAMPLES = 100;
/** Length of a line that is read, in UTF-16 units. */
const MAX_LINE = 1 << 20;
/** Size of a value that is read: the squares of many have a sum. */
const MAX_VALUE = 1e150;
/** Metrics of a benchmark that are read. */
const MAX_METRICS = 1000;

/** Formats an entry as a line, without the line end. */
export function historyLine(entry: HistoryEntry): string {
  const { time, commit, committed, branch, dirty, benchmark, from, command, machine } = entry;
  const { warmups, input, wall, metrics } = entry;
  const isoTime = (ms: number | undefined) => ms === undefined ? undefined : new Date(ms).toISOString();
  return jsonText({
    schema: HISTORY_SCHEMA,
    time: isoTime(time),
    ...{ commit, committed: isoTime(committed), branch, dirty: dirty || undefined },
    ...{ benchmark, from, command, machine, warmups, input },
    metrics: Object.fromEntries(
      Object.entries(metrics).map(([name, { rung, unit, samples, gauge, pinned }]) => [name, {
        ...{ rung, unit, samples: thinValues(samples, MAX_SAMPLES) },
        ...{ gauge: gauge && thinValues(gauge, MAX_SAMPLES), pinned },
      }]),
    ),
    wall: wall && thinValues(wall, MAX_SAMPLES),
  });
}

/** Parses a line. Returns why it is none of this format when it is not. */
export function parseHistoryLine(line: string): HistoryEntry | string {
  if (line.length > MAX_LINE) return `longer than ${MAX_LINE} characters`;
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return /^(<{7}|={7}|>{7})/.test(line)
      ? "a mark of a conflict, which merge=union in .gitattributes avoids"
      : "not JSON";
  }
  if (!isObject(value)) return "not an object";
  if (value.schema !== HISTORY_SCHEMA) {
    return `of the schema '${String(value.schema).slice(0, 100)}', not ${HISTORY_SCHEMA}`;
  }
  const time = timeOf(value.time);
  if (time === undefined) return "without a time";
  if (!isText(value.benchmark)) return "without a benchmark";
  const metrics = metricsOf(value.metrics);
  if (metrics === undefined) return "without metrics";
  const { commit, branch, from, command, warmups, input, wall } = value;
  return {
    ...{ time, benchmark: value.benchmark, machine: machineOf(value.machine), metrics },
    ...(isText(commit) ? { commit } : {}),
    committed: timeOf(value.committed),
    ...(isText(branch) ? { branch } : {}),
    dirty: value.dirty === true,
    ...(isText(from) ? { from } : {}),
    ...(isTexts(command) ? { command } : {}),
    ...(Number.isInteger(warmups) ? { warmups: warmups as number } : {}),
    ...(isText(input) ? { input } : {}),
    ...(isNumbers(wall) ? { wall } : {}),
  };
}

/** Returns the metrics that can be read; undefined when there are none. */
function metricsOf(value: unknown): Record<string, HistoryMetric> | undefined {
  if (!isObject(value)) return undefined;
  const metrics = Object.entries(value).slice(0, MAX_METRICS).flatMap(([name, metric]) => {
    if (!isObject(metric) || !isText(metric.rung) || !isNumbers(metric.samples)) return [];
    const { rung, samples, gauge, pinned } = metric;
    const unit = isText(metric.unit) ? metric.unit : "count";
    const read: HistoryMetric = { rung, unit, samples };
    if (isNumbers(gauge)) read.gauge = gauge;
    if (isObject(pinned) && isText(pinned.libc) && isTexts(pinned.environment)) {
      read.pinned = { libc: pinned.libc, environment: pinned.environment };
    }
    return [[name, read] as const];
  });
  return metrics.length > 0 ? Object.fromEntries(metrics) : undefined;
}

function machineOf(value: unknown): Fingerprint {
  const parts = isObject(value) ? value : {};
  const part = (key: string) => isText(parts[key]) ? parts[key] : "unknown";
  return Object.fromEntries(FINGERPRINT_KEYS.map((key) => [key, part(key)])) as unknown as Fingerprint;
}

/** Returns a time in ms since 1970; undefined for anything that is none. */
function timeOf(value: unknown): number | undefined {
  const time = isText(value) ? Date.parse(value) : NaN;
  return Number.isNaN(time) ? undefined : time;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value !== "";
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((word) => typeof word === "string");
}

function isNumbers(value: unknown): value is number[] {
  return Array.isArray(value) && value.length > 0 &&
    value.every((each) => typeof each === "number" && Math.abs(each) <= MAX_VALUE);
}
