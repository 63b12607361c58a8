/** Statistics of repeated runs: a summary of each metric, ratios between commands, and outliers. */

import { least } from "../../base/bytes/lists.ts";
import { type ExplainedOutlier, explainOutliers } from "./outlier_causes.ts";
import type { Metric, RunFacts } from "../metrics/metrics.ts";
import type { SamplesByCommand } from "../../run/schedule.ts";
import { pairedRatio, type Ratio, summarize, type Summary } from "../statistics/statistics.ts";

/** Command that was measured. */
export interface StatCommand {
  /** Command as the user wrote it. */
  name: string;
  argv: readonly string[];
  /** Values of the parameters in it. */
  parameters: Readonly<Record<string, string>>;
}

/** Metric over the runs of a command. */
export interface MetricResult {
  metric: Metric;
  /** Values by run; undefined where unknown. */
  samples: readonly (number | undefined)[];
  summary: Summary;
  /**
   * Ratio to the first command, by pairs of runs of the same round; undefined for the first command, and when values
   * are 0.
   */
  ratio?: Ratio;
  /** Smallest fraction of a run's time that the event was on a counter. Below 1 its values are estimates. */
  running: number;
}

/** Statistics of a command's runs. */
export interface CommandResult extends StatCommand {
  runs: readonly RunFacts[];
  /** Metrics in the order of tables; unknown ones are omitted. */
  metrics: MetricResult[];
  /** Outliers of the wall time. */
  outliers: ExplainedOutlier[];
}

/** Statistics of all commands. */
export interface StatResult {
  /** Confidence of the intervals, 0 to 1. */
  confidence: number;
  /** Number of warm-up rounds, which are not included. */
  warmups: number;
  /** Exit statuses besides 0 that the user expects. */
  allowedStatuses: readonly number[];
  /** FIFO through which commands enabled the events; undefined where they counted in whole runs. */
  control?: string;
  /** Commands with at least one run each. The others are compared with the first. */
  commands: CommandResult[];
  /** Reasons why events were not counted, by event name. */
  absent: ReadonlyMap<string, string>;
}

/** Computes the statistics. Commands without a run are omitted; these are all commands when there was no run. */
export function statResult(
  commands: readonly StatCommand[],
  samples: SamplesByCommand<RunFacts>,
  metrics: readonly Metric[],
  { warmups, absent, allowedStatuses = [], control, confidence = 0.95 }: {
    warmups: number;
    allowedStatuses?: readonly number[];
    control?: string;
    absent: ReadonlyMap<string, string>;
    confidence?: number;
  },
): StatResult {
  const results = commands.flatMap((command, index): CommandResult[] => {
    const runs = samples[index];
    if (runs.length === 0) return [];
    const base = index > 0 ? samples[0] : undefined;
    return [{
      ...command,
      runs,
      metrics: metrics.flatMap((metric) => metricResult(metric, runs, base, confidence) ?? []),
      outliers: explainOutliers(runs, warmups > 0),
    }];
  });
  return { confidence, warmups, allowedStatuses, control, commands: results, absent };
}

function metricResult(
  metric: Metric,
  runs: readonly RunFacts[],
  base: readonly RunFacts[] | undefined,
  confidence: number,
): MetricResult | undefined {
  const samples = runs.map((run) => metric.of(run));
  const known = samples.filter((value) => value !== undefined);
  if (known.length === 0) return undefined;
  const running = Math.min(1, least(runs.map((run) => run.counts.get(metric.event ?? "")?.running ?? 1)));
  const ratio = base && ratioOf(base.map((run) => metric.of(run)), samples, confidence);
  return { metric, samples, summary: summarize(known, confidence), ...(ratio ? { ratio } : {}), running };
}

/** Returns the paired ratio over the rounds in which both values are known. */
function ratioOf(
  base: readonly (number | undefined)[],
  samples: readonly (number | undefined)[],
  confidence: number,
): Ratio | undefined {
  const a: number[] = [], b: number[] = [];
  samples.forEach((value, round) => {
    const other = base[round];
    if (value === undefined || other === undefined) return;
    a.push(other);
    b.push(value);
  });
  if (a.length === 0 || ![...a, ...b].every((value) => value > 0)) return undefined;
  return pairedRatio(a, b, confidence);
}
