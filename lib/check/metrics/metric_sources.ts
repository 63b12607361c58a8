/**
 * Sources of metrics, best first: the less a number depends on anything but the command, the smaller the change it
 * can show. A metric is what the user asks for, and a source is one way to measure it. Every number is shown with the
 * name of its source, because numbers from different sources are not comparable.
 */

import type { MetricUnit, RunFacts } from "./metrics.ts";

/** Kind of a source: a plain run of the command, or another run under valgrind. */
export type SourceKind = "run" | "valgrind";

/** One way to measure a metric. */
export interface MetricSource {
  /** Name as printed, stored and compared: `task-clock`, `instructions(valgrind-3.19.0)`. */
  name: string;
  kind: SourceKind;
  unit: MetricUnit;
  /** Event to count, as it is requested. */
  event?: string;
  /**
   * True when it counts what the program does, not how fast: the same in every run unless the program behaves
   * differently, and independent of other load on the machine.
   */
  steady: boolean;
  /** Default of the allowed increase in percent. */
  threshold: number;
  /** Returns its value in a run of kind `run`, unless it is an event's count; undefined when it is unknown. */
  of?(run: RunFacts): number | undefined;
  /** Sources that decide in its place where it cannot, for commands that do not wait but for a CPU. */
  standIn?: { cpu: MetricSource; waits: MetricSource };
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
const WAITS: MetricSource = {
  name: "voluntary context switches",
  kind: "run",
  unit: "count",
  steady: false,
  threshold: 5,
  of: ({ usage }) => usage.nvcsw,
};
const WALL: MetricSource = {
  name: "wall",
  kind: "run",
  unit: "ns",
  steady: false,
  threshold: 2,
  of: (run) => run.wallNs,
  standIn: { cpu: CPU_TIME, waits: WAITS },
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

/** Name of the metric that uses the best source available. */
export const BEST = "best";

/** Sources of each metric that is not just an event, best first. */
const SOURCES: Record<string, readonly MetricSource[]> = {
  [BEST]: [INSTRUCTIONS_PMU, INSTRUCTIONS_VALGRIND, TASK_CLOCK, CPU_TIME, WALL],
  instructions: [INSTRUCTIONS_PMU, INSTRUCTIONS_VALGRIND],
  "task-clock": [TASK_CLOCK, CPU_TIME],
  wall: [WALL],
  "max-rss": [MAX_RSS],
  "page-faults": [PAGE_FAULTS, PAGE_FAULTS_RUSAGE],
};

/** Returns whether numbers of the source of that name, as stored, were counted under valgrind. */
export function isOfValgrind(name: string): boolean {
  return name.startsWith("instructions(valgrind");
}

/** Returns whether the source of that name, as stored, counts what the program does, however fast the machine is. */
export function isSteady(name: string): boolean {
  const whole = name.replace(/\(enabled\)$/, ""); // of the parts of runs that commands name
  return isOfValgrind(name) ||
    Object.values(SOURCES).some((sources) =>
      sources.some((source) => source.steady && source.name === whole)
    );
}

/** Names of metrics, for help and errors. */
export const METRIC_NAMES: readonly string[] = Object.keys(SOURCES);

/** Returns the sources of a metric, best first. Any other name is an event's, which is its only source. */
export function sourcesOf(metric: string): readonly MetricSource[] {
  return Object.hasOwn(SOURCES, metric) ? SOURCES[metric] : [eventSource(metric, {})];
}

/**
 * Returns the source under the name of what really measures it: an event without the kernel, or this version of
 * valgrind.
 */
export function withName(source: MetricSource, name: string): MetricSource {
  return { ...source, name };
}

function eventSource(
  event: string,
  { unit = "count", steady = false, threshold = 5 }: {
    unit?: MetricUnit;
    steady?: boolean;
    threshold?: number;
  },
): MetricSource {
  return { name: event, kind: "run", unit, event, steady, threshold };
}
