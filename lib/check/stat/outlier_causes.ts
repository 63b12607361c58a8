/** Likely causes of outliers, from what was counted beside the time. */

import { median } from "simple-statistics";
import type { RunFacts } from "../metrics/metrics.ts";
import { type Outlier, outliersOf } from "../statistics/statistics.ts";
import { counted } from "../../base/text/plural.ts";

/** Run whose wall time is far from the others. */
export interface ExplainedOutlier extends Outlier {
  /** Anything unusual in it, the likeliest cause first; empty for a fast run. */
  reasons: string[];
}

/** Possible causes of a slow run: the count, and a description of `n` of them where `usual` is the median. */
const CAUSES: readonly {
  of: (run: RunFacts) => number | undefined;
  describe: (n: number, usual: number) => string;
}[] = [
  {
    of: (run) => run.usage.nivcsw,
    describe: (n, usual) => `a context-switch storm: others took its CPU ${times(n)} (usually ${usual})`,
  },
  {
    of: (run) => run.usage.majflt,
    describe: (n, usual) => `${counted(n, "page fault")} read from a disk (usually ${usual})`,
  },
  {
    of: (run) => run.usage.inblock,
    describe: (n, usual) => `${counted(n, "block")} read from a disk (usually ${usual})`,
  },
  {
    of: (run) => run.counts.get("cpu-migrations")?.value,
    describe: (n, usual) => `it moved to another CPU ${times(n)} (usually ${usual})`,
  },
];

/** A count is unusual at twice the median and this many more: 1 instead of 0 slows nothing. */
const MIN_EXCESS = 5;

/** Among fewer runs no one can be called an outlier. */
const MIN_RUNS = 5;

/** Returns the runs whose wall time is an outlier, with causes. `warmed` tells that warm-up runs preceded them. */
export function explainOutliers(runs: readonly RunFacts[], warmed: boolean): ExplainedOutlier[] {
  if (runs.length < MIN_RUNS) return [];
  const outliers = outliersOf(runs.map((run) => run.wallNs));
  return outliers.map((outlier) => ({
    ...outlier,
    reasons: outlier.score > 0 ? reasonsFor(outlier.run, runs, warmed) : [],
  }));
}

function reasonsFor(index: number, runs: readonly RunFacts[], warmed: boolean): string[] {
  const run = runs[index];
  const reasons = CAUSES.flatMap(({ of, describe }) => {
    const value = of(run);
    if (value === undefined) return [];
    const usual = median(runs.map((other) => of(other) ?? 0));
    return value >= 2 * usual + MIN_EXCESS ? [describe(value, usual)] : [];
  });
  if (index === 0 && !warmed) return ["the first run: caches were cold (-w 1 warms up)", ...reasons];
  return reasons.length > 0 ? reasons : [byCpuTime(run, runs)];
}

/** Explains by CPU time a run with nothing else unusual: the CPU was slow, or the run waited. */
function byCpuTime(run: RunFacts, runs: readonly RunFacts[]): string {
  const more = (of: (run: RunFacts) => number) => of(run) - median(runs.map(of));
  const cpuNs = ({ usage }: RunFacts) => usage.utimeNs + usage.stimeNs;
  return more(cpuNs) >= more(({ wallNs }) => wallNs) / 2
    ? "it used more CPU time: lower frequency, other guests of the hypervisor, or other processes in its caches"
    : "it waited: its CPU time was as usual";
}

function times(n: number): string {
  return n === 1 ? "once" : `${n} times`;
}
