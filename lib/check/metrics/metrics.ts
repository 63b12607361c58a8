/** What is compared of runs: a table of metrics, each with how it is read off a run. Less of any is better. */

/** What a metric's values are; `count` and any event's own unit are shown as they are. */
export type Unit = "ns" | "bytes" | "count" | (string & Record<never, never>);

/** What is known of a run: a part of cpc's MeasuredRun. */
export interface RunFacts {
  /** As a shell gives it. */
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
  /** False where the peak memory is at least pmuctl's own. */
  ownMemory: boolean;
  counts: ReadonlyMap<string, { value: number; running: number }>;
}

export interface Metric {
  name: string;
  unit: Unit;
  /** Left out of tables where it was 0 in every run: nothing happened, or nothing that was seen. */
  onlyWhenAny?: boolean;
  /** The event it is the count of, by its name in a run. */
  event?: string;
  /** Its value in a run; undefined when nobody knows, which is never the same as 0. */
  of(run: RunFacts): number | undefined;
}

/** An event that runs count. */
export interface CountedEvent {
  /** By which its counts are found in a run. */
  name: string;
  unit?: string;
  scale: number;
}

/** What every run tells, in the order of tables: getrusage(2)'s, and wall time. */
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
/** Of getrusage(2), where the events of the same matter cannot be counted. */
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

/** Events that are counted unless told otherwise; those of the PMU in user space, which any user may count. */
export const DEFAULT_EVENTS =
  "task-clock,page-faults,context-switches,cpu-migrations,instructions:u,cycles:u,branch-misses:u,cache-misses:u";

/**
 * The metrics of runs that count these events. Those in `absent` could not be counted, others were measured as
 * something less, which then is the metric's name.
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
