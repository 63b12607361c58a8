/** What repeated runs of commands come to: a summary for each metric, ratios, and the runs that stand out. */

import { least } from "../../base/bytes/lists.ts";
import { type ExplainedOutlier, explainOutliers } from "./outlier_causes.ts";
import type { Metric, RunFacts } from "../metrics/metrics.ts";
import type { SamplesByCommand } from "../../run/schedule.ts";
import { pairedRatio, type Ratio, summarize, type Summary } from "../statistics/statistics.ts";

/** A command that was measured. */
export interface StatCommand {
  /** As it was written. */
  name: string;
  argv: readonly string[];
  /** The values that stand in it for `{name}`. */
  parameters: Readonly<Record<string, string>>;
}

/** A metric over the runs of a command. */
export interface MetricResult {
  metric: Metric;
  /** By run; undefined where it is not known. */
  samples: readonly (number | undefined)[];
  summary: Summary;
  /** Compared with the first command, in pairs of runs of one round; undefined for that, and where values are 0. */
  ratio?: Ratio;
  /** The smallest part of a run's time that the event was on a counter; below 1 its values are estimates. */
  running: number;
}

export interface CommandResult extends StatCommand {
  runs: readonly RunFacts[];
  /** In the order of tables; those of which nothing is known are not in it. */
  metrics: MetricResult[];
  /** Of the wall time. */
  outliers: ExplainedOutlier[];
}

export interface StatResult {
  /** Of the intervals, 0 to 1. */
  confidence: number;
  /** Rounds that went before and are in nothing. */
  warmups: number;
  /** With at least one run each; the first is what the others are compared with. */
  commands: CommandResult[];
  /** Why an event was not counted, by its name. */
  absent: ReadonlyMap<string, string>;
}

/** Sums up the runs. Commands without a run are left out, which is all of them where there were none. */
export function statResult(
  commands: readonly StatCommand[],
  samples: SamplesByCommand<RunFacts>,
  metrics: readonly Metric[],
  { warmups, absent, confidence = 0.95 }: {
    warmups: number;
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
  return { confidence, warmups, commands: results, absent };
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

/** Of the rounds that have both. */
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
