/** Made-up runs for tests of statistics and renderers. */

import type { RunFacts } from "../../lib/check/metrics/metrics.ts";

/** Parts of a run that tests set; the rest is a run in which nothing happened. */
export interface MadeRun {
  wallMs: number;
  cpuMs?: number;
  code?: number;
  nivcsw?: number;
  majflt?: number;
  maxrssBytes?: number;
  ownMemory?: boolean;
  /** Counts by event: a value, or a value and the fraction of the time on a counter. */
  counts?: Record<string, number | { value: number; running: number }>;
}

export function madeRun(made: MadeRun): RunFacts {
  const cpuNs = 1e6 * (made.cpuMs ?? made.wallMs);
  return {
    code: made.code ?? 0,
    wallNs: 1e6 * made.wallMs,
    usage: {
      utimeNs: 0.75 * cpuNs,
      stimeNs: 0.25 * cpuNs,
      maxrssBytes: made.maxrssBytes ?? 3 * 2 ** 20,
      minflt: 250,
      majflt: made.majflt ?? 0,
      inblock: 0,
      nvcsw: 2,
      nivcsw: made.nivcsw ?? 0,
    },
    ownMemory: made.ownMemory ?? true,
    counts: new Map(
      Object.entries(made.counts ?? {}).map(([name, count]) => [
        name,
        typeof count === "number" ? { value: count, running: 1 } : count,
      ]),
    ),
  };
}

/** Returns runs around `wallMs` that differ slightly. */
export function steadyRuns(n: number, wallMs: number, rest: Omit<MadeRun, "wallMs"> = {}): RunFacts[] {
  return Array.from({ length: n }, (_, i) => {
    const about = wallMs * (1 + 0.002 * ((7 * i) % 11 - 5));
    return madeRun({ cpuMs: 0.9 * about, ...rest, wallMs: about });
  });
}
