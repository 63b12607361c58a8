/** Short benchmarks of three kinds, whose work can be made longer by a known factor. */

import { measureRuns } from "./series.ts";

const PROGRAMS = new URL("../../build/programs/", import.meta.url).pathname;

/** Benchmark whose work is a number of equal steps. */
export interface Workload {
  name: string;
  what: string;
  /** Returns the command that does so many steps. */
  argvOf(steps: number): string[];
  /** Steps for a first measurement. */
  steps: number;
}

/** Workloads: computation, memory, and processes. */
export const WORKLOADS: readonly Workload[] = [
  {
    name: "cpu",
    what: "a loop of four instructions",
    argvOf: (steps) => [`${PROGRAMS}loop`, `${steps}`],
    steps: 10_000_000,
  },
  {
    name: "memory",
    what: "allocates, fills and frees blocks of up to 64 KiB",
    argvOf: (steps) => [`${PROGRAMS}churn`, `${steps}`],
    steps: 2000,
  },
  {
    name: "processes",
    what: "forks and awaits a child, again and again",
    argvOf: (steps) => [`${PROGRAMS}forks`, `${steps}`, "1000"],
    steps: 100,
  },
];

/** Workload of a known length. */
export interface Sized {
  workload: Workload;
  /** Time in ms of an undisturbed run. */
  ms: number;
  /** Returns the command that takes `factor` times as long, start and end of the process included. */
  argvOf(factor: number): string[];
}

/** Runs for a measurement of an undisturbed run: the fastest of them. */
const TRIALS = 40;

/**
 * Sizes a workload to about `ms`. The time of a step is measured between that size and one that is twice as long, because the
 * first steps may take longer than others.
 */
export async function sizeOf(workload: Workload, ms: number): Promise<Sized> {
  const fastest = async (steps: number) => {
    const runs = await measureRuns(workload.argvOf(steps), TRIALS);
    return Math.min(...runs.map(({ wallNs }) => wallNs)) / 1e6;
  };
  let steps = workload.steps;
  for (let i = 0; i < 2; i++) {
    const [once, twice] = [await fastest(steps), await fastest(2 * steps)];
    steps = Math.max(1, Math.round(steps + (ms - once) / (twice - once) * steps));
  }
  const [once, twice] = [await fastest(steps), await fastest(2 * steps)];
  const more = once / (twice - once) * steps;
  return { workload, ms: once, argvOf: (factor) => workload.argvOf(Math.round(steps + (factor - 1) * more)) };
}
