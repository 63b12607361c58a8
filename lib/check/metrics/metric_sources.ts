/**
 * What a check can go by, best first: the fewer things besides the command move a number, the smaller the change it can
 * show. A metric is what the user asks for; a source is one way to get it, and its name stands beside every number, because
 * numbers from different sources are not the same thing.
 */

import type { RunFacts, Unit } from "./metrics.ts";

/** How a source gets its numbers: off a run of the command, or from another run of it under valgrind. */
export type SourceKind = "run" | "valgrind";

export interface MetricSource {
  /** As printed, stored and compared: `task-clock`, `instructions(valgrind-3.19.0)`. */
  name: string;
  kind: SourceKind;
  unit: Unit;
  /** The event to be counted, as it is asked for. */
  event?: string;
  /**
   * It counts what the program does, not how fast: the same in every run, but for what the program does differently,
   * and independent of what else the machine runs.
   */
  steady: boolean;
  /** By how many percent it may be worse, unless the user says. */
  threshold: number;
  /** Its value in a run of source `run`, unless it is an event's; undefined when nobody knows. */
  of?(run: RunFacts): number | undefined;
}

const INSTRUCTIONS_PMU = eventSource("instructions:u", { steady: true, threshold: 1 });
const INSTRUCTIONS_VALGRIND: MetricSource = {
  name: "instructions(valgrind)",
  kind: "valgrind",
  unit: "count",
  steady: true,
  threshold: 1,
};
const TASK_CLOCK = eventSource("task-clock", { unit: "ns", threshold: 2 });
const CPU_TIME: MetricSource = {
  name: "task-clock(rusage)",
  kind: "run",
  unit: "ns",
  steady: false,
  threshold: 2,
  of: ({ usage }) => usage.utimeNs + usage.stimeNs,
};
const WALL: MetricSource = {
  name: "wall",
  kind: "run",
  unit: "ns",
  steady: false,
  threshold: 2,
  of: (run) => run.wallNs,
};
const MAX_RSS: MetricSource = {
  name: "max-rss",
  kind: "run",
  unit: "bytes",
  steady: true,
  threshold: 5,
  of: (run) => run.ownMemory ? run.usage.maxrssBytes : undefined,
};
const PAGE_FAULTS = eventSource("page-faults", { steady: true });
const PAGE_FAULTS_RUSAGE: MetricSource = {
  name: "page-faults(rusage)",
  kind: "run",
  unit: "count",
  steady: true,
  threshold: 5,
  of: ({ usage }) => usage.minflt + usage.majflt,
};

/** The metric that is the best source there is. */
export const BEST = "best";

/** The sources of each metric that is more than an event, best first. */
const SOURCES: Record<string, readonly MetricSource[]> = {
  [BEST]: [INSTRUCTIONS_PMU, INSTRUCTIONS_VALGRIND, TASK_CLOCK, CPU_TIME, WALL],
  instructions: [INSTRUCTIONS_PMU, INSTRUCTIONS_VALGRIND],
  "task-clock": [TASK_CLOCK, CPU_TIME],
  wall: [WALL],
  "max-rss": [MAX_RSS],
  "page-faults": [PAGE_FAULTS, PAGE_FAULTS_RUSAGE],
};

/** Names of metrics, for help and errors. */
export const METRIC_NAMES: readonly string[] = Object.keys(SOURCES);

/** The sources of a metric, best first. Any other name is an event's, which is its only source. */
export function sourcesOf(metric: string): readonly MetricSource[] {
  return Object.hasOwn(SOURCES, metric) ? SOURCES[metric] : [eventSource(metric, {})];
}

/** The source under the name of what really measures it: an event without the kernel's side, this valgrind. */
export function withName(source: MetricSource, name: string): MetricSource {
  return { ...source, name };
}

function eventSource(
  event: string,
  { unit = "count", steady = false, threshold = 5 }: { unit?: Unit; steady?: boolean; threshold?: number },
): MetricSource {
  return { name: event, kind: "run", unit, event, steady, threshold };
}
