/** Series of a history: the values of a benchmark over time, by one source on one machine. */

import { median } from "simple-statistics";
import { type Fingerprint, FINGERPRINT_KEYS } from "../baseline/fingerprint.ts";
import type { HistoryEntry, HistoryMetric } from "../history/history_line.ts";
import { isOfValgrind } from "../metrics/metric_sources.ts";
import type { MetricUnit } from "../metrics/metrics.ts";

/** Run in a series. */
export interface TrendPoint {
  /** Time of the run, in ms since 1970. */
  time: number;
  commit?: string;
  /** Whether it measured uncommitted changes as well. */
  dirty: boolean;
  /** Median of its samples. */
  value: number;
  /** Median of what the calibration workload took beside it, if that ran. */
  gauge?: number;
  machine: Fingerprint;
}

/** Values of a benchmark over time that compare with each other. */
export interface TrendSeries {
  benchmark: string;
  /** Format of the files, where another tool has measured. */
  from?: string;
  rung: string;
  unit: MetricUnit;
  /** Properties of the machine, or of runs under valgrind, that all its runs have in common. */
  machine: Record<string, string>;
  /** Runs, oldest commit first. */
  points: TrendPoint[];
  /** Runs of the benchmark, or commits that were measured at all, since its last run: whichever are more. */
  later: number;
}

/** Property of a machine that may differ within a series: its change is told where the values change. */
export type MachineKey = keyof Fingerprint;

/** Properties that never keep runs apart, because they are none of the machine. */
const NEVER_APART: readonly MachineKey[] = ["tool"];

/**
 * Returns the series of entries, by benchmark and source in the order in which they first come. Runs by different sources,
 * on different machines, or under different conditions of valgrind are never in one series.
 * @param across properties of the machine that may differ.
 */
export function seriesOf(entries: readonly HistoryEntry[], across: readonly MachineKey[]): TrendSeries[] {
  const apart = FINGERPRINT_KEYS.filter((key) => !NEVER_APART.includes(key) && !across.includes(key));
  const all = new Map<string, TrendSeries>();
  const later = laterRuns(entries);
  for (const [i, entry] of entries.entries()) {
    const rungs = new Set<string>();
    for (const metric of Object.values(entry.metrics)) {
      if (rungs.has(metric.rung)) continue; // requested by two names
      rungs.add(metric.rung);
      const machine = commonParts(entry, metric, apart);
      const { benchmark, from } = entry, { rung, unit } = metric;
      const key = JSON.stringify([benchmark, from, rung, unit, machine]);
      let series = all.get(key);
      if (series === undefined) {
        all.set(key, series = { benchmark, from, rung, unit, machine, points: [], later: 0 });
      }
      series.points.push(pointOf(entry, metric));
      series.later = later[i];
    }
  }
  return [...Map.groupBy(all.values(), nameOf).values()].flat();
}

/** Returns for each entry how many of its benchmark, or how many commits, came after it: whichever are more. */
function laterRuns(entries: readonly HistoryEntry[]): number[] {
  const ofBenchmark = new Map<string, number>();
  const commits = new Set<string>();
  const later: number[] = new Array(entries.length);
  for (let i = entries.length - 1; i >= 0; i--) {
    const { benchmark, from, commit } = entries[i], key = JSON.stringify([benchmark, from]);
    const isKnown = commit !== undefined && commits.has(commit);
    later[i] = Math.max(ofBenchmark.get(key) ?? 0, commits.size - (isKnown ? 1 : 0));
    ofBenchmark.set(key, (ofBenchmark.get(key) ?? 0) + 1);
    if (commit !== undefined) commits.add(commit);
  }
  return later;
}

/** Returns what all runs of the series of a metric share. */
function commonParts(
  { machine }: HistoryEntry,
  { rung, pinned }: HistoryMetric,
  apart: readonly MachineKey[],
): Record<string, string> {
  const keys = isOfValgrind(rung) ? apart.filter((key) => key === "arch") : apart;
  return {
    ...Object.fromEntries(keys.map((key) => [key, machine[key]])),
    ...(pinned ? { libc: pinned.libc, environment: pinned.environment.join(" ") } : {}),
  };
}

function pointOf(
  { time, commit, dirty = false, machine }: HistoryEntry,
  { samples, gauge }: HistoryMetric,
): TrendPoint {
  const isGauged = gauge !== undefined && gauge.every((value) => value > 0);
  return {
    ...{ time, ...(commit ? { commit } : {}), dirty, machine, value: median([...samples]) },
    ...(isGauged ? { gauge: median([...gauge]) } : {}),
  };
}

/** Returns the properties by which each series is told from others of its name, such as `kernel 6.1.0`; none where there is one. */
export function partsApart(all: readonly TrendSeries[]): Map<TrendSeries, string> {
  const apart = new Map<TrendSeries, string>();
  for (const group of Map.groupBy(all, nameOf).values()) {
    const differs = (key: string) => group.some(({ machine }) => machine[key] !== group[0].machine[key]);
    const keys = group.length > 1 ? Object.keys(group[0].machine).filter(differs) : [];
    for (const series of group) {
      if (keys.length > 0) apart.set(series, keys.map((key) => `${key} ${series.machine[key]}`).join(", "));
    }
  }
  return apart;
}

/** Returns the name of a series for people, without what tells it from others of that name. */
export function titleOf({ benchmark, rung }: TrendSeries): string {
  return `${benchmark}: ${rung}`;
}

function nameOf({ benchmark, from, rung }: TrendSeries): string {
  return JSON.stringify([benchmark, from, rung]);
}
