/** Metrics of runs: a table with the way to read each from a run. For all of them, less is better. */

/** Unit of a metric's values. `count` and an event's own unit are shown as they are. */
export type MetricUnit = "ns" | "bytes" | "count" | (string & Record<never, never>);

/** Facts about a run that metrics are read from: a part of MeasuredRun. */
export interface RunFacts {
  /** Exit status as a shell gives it. */
  code: number;
  wallNs: number;
  usage: {
    utimeNs: number;
    stimeNs: number;
    maxrssBytes: number;
    minflt: number;
    majflt: number;
    inblock: number;
    nvcsw: number;
    nivcsw: number;
  };
  /** False when the peak memory is at least pmuctl's own, and so says nothing about the command. */
  ownMemory: boolean;
  counts: ReadonlyMap<string, { value: number; running: number }>;
}

/** Value that is read from each run. */
export interface Metric {
  name: string;
  unit: MetricUnit;
  /** True to omit it from tables when it was 0 in every run: nothing happened, or nothing was seen. */
  onlyWhenAny?: boolean;
  /** Name in a run of the event that it counts. */
  event?: string;
  /** Returns its value in a run; undefined when it is unknown, which is not the same as 0. */
  of(run: RunFacts): number | undefined;
}

/** Event that runs count. */
export interface CountedEvent {
  /** Name of its counts in a run. */
  name: string;
  unit?: string;
  scale: number;
}

/** Metrics that every run has, in the order of tables: wall time and times of getrusage(2). */
export const WALL: Metric = { name: "wall", unit: "ns", of: (run) => run.wallNs };
const TIMES: readonly Metric[] = [
  WALL,
  { name: "user", unit: "ns", onlyWhenAny: true, of: (run) => run.usage.utimeNs },
  { name: "sys", unit: "ns", onlyWhenAny: true, of: (run) => run.usage.stimeNs },
];
const MEMORY: Metric = {
  name: "max-rss",
  unit: "bytes",
  of: (run) => run.ownMemory ? run.usage.maxrssBytes : undefined,
};
const MAJOR_FAULTS: Metric = {
  name: "major-faults",
  unit: "count",
  onlyWhenAny: true,
  of: (run) => run.usage.majflt,
};
/** Metrics of getrusage(2) that replace events which cannot be counted. */
const RUSAGE_FALLBACKS: Record<string, Metric> = {
  "task-clock": {
    name: "task-clock(rusage)",
    unit: "ns",
    of: (run) => run.usage.utimeNs + run.usage.stimeNs,
  },
  "page-faults": {
    name: "page-faults(rusage)",
    unit: "count",
    of: (run) => run.usage.minflt + run.usage.majflt,
  },
  "context-switches": {
    name: "context-switches(rusage)",
    unit: "count",
    of: (run) => run.usage.nvcsw + run.usage.nivcsw,
  },
};

/** Events counted by default. Those of the PMU count user space only, which any user may. */
export const DEFAULT_EVENTS =
  "task-clock,page-faults,context-switches,cpu-migrations,instructions:u,cycles:u,branch-misses:u,cache-misses:u";

/**
 * Returns the metrics of runs that count these events. Events in `absent` could not be counted; `measured` has the
 * names that others were measured as, which become the metrics' names.
 */
export function metricsOf(
  events: readonly CountedEvent[],
  absent: ReadonlyMap<string, string>,
  measured: ReadonlyMap<string, string>,
): Metric[] {
  const counted = events.filter((event) => !absent.has(event.name));
  const fallbacks = Object.entries(RUSAGE_FALLBACKS)
    .filter(([name]) => !counted.some((event) => event.name === name))
    .map(([, metric]) => metric);
  return [
    ...TIMES,
    MEMORY,
    ...fallbacks,
    MAJOR_FAULTS,
    ...counted.map((event) => eventMetric(event, measured.get(event.name) ?? event.name)),
  ];
}

function eventMetric({ name, unit, scale }: CountedEvent, measured: string): Metric {
  return {
    name: measured,
    event: name,
    unit: unit ?? "count",
    ...(name === "cpu-migrations" ? { onlyWhenAny: true } : {}),
    of: (run) => {
      const count = run.counts.get(name);
      return count && count.value * scale;
    },
  };
}
