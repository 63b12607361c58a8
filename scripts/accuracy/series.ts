/** Series of runs of two commands, as `pmuctl check --against` makes them, with all that is known of each run. */

import type { RunValues } from "../../lib/check/gate.ts";
import { onStopSignals } from "../../lib/cli/signals.ts";
import { readPrivilege } from "../../lib/events/privilege.ts";
import { hostWorld, resolveEvents } from "../../lib/events/resolve.ts";
import { CommandRunner, type Job } from "../../lib/run/command_runner.ts";
import { execute } from "../../lib/run/schedule.ts";

/** One run. */
export interface Run {
  /** Index of the command: 0 for the old one. */
  command: number;
  wallNs: number;
  /** CPU time by the perf event, and by getrusage(2). */
  clockNs: number | undefined;
  userNs: number;
  systemNs: number;
  /** Context switches: because it waited, and because another process had its turn. */
  waits: number;
  preemptions: number;
  faults: number;
  /** Ticks of /proc/stat in which the hypervisor ran something else, on all CPUs. */
  steal: number;
  /** Time in ms from the end of the previous run to that of this one. */
  tookMs: number;
}

/** Runs of two commands, in their order. */
export interface Series {
  workload: string;
  /** Factor by which the new command takes longer. */
  factor: number;
  loaded: boolean;
  /** Load averages over a minute, at the start and at the end. */
  loadavg: [number, number];
  runs: Run[];
}

/** Returns what a check knows of a run, its times multiplied by `factor`. */
export function valuesOfRun({ wallNs, clockNs, userNs, systemNs, waits }: Run, factor = 1): RunValues {
  return new Map([
    ["wall", factor * wallNs],
    ["task-clock(rusage)", factor * (userNs + systemNs)],
    ["voluntary context switches", waits],
    ...(clockNs === undefined ? [] : [["task-clock", factor * clockNs] as const]),
  ]);
}

/** Returns the ticks of stolen time so far. */
function stolenTicks(): number {
  const [line] = Deno.readTextFileSync("/proc/stat").split("\n", 1);
  return Number(line.trim().split(/\s+/)[8] ?? 0);
}

function openRunner(argvs: readonly (readonly string[])[]): CommandRunner {
  const note = (line: string) => console.error(line);
  const standing = { privilege: readPrivilege(), hasCorePmu: hostWorld().pmus.core().length > 0 };
  const requestedEvents = resolveEvents("task-clock").flatMap(({ events }) =>
    events.map((event) => ({ event, optional: true }))
  );
  const jobs = argvs.map((argv): Job => ({ name: argv.join(" "), argv }));
  return new CommandRunner(jobs, { requestedEvents, standing, note, stopper });
}

const stopper = onStopSignals(false);

/** Runs two commands in rounds, of random order, for so many seconds. */
export async function measurePairs(
  old: readonly string[],
  now: readonly string[],
  seconds: number,
): Promise<Run[]> {
  const runner = openRunner([old, now]);
  const begun = performance.now();
  const runs: Run[] = [];
  const schedule = execute({
    commands: 2,
    warmups: 1,
    wantsMore: () => performance.now() - begun < 1000 * seconds,
    stopped: () => runner.stopSignal !== undefined,
    seed: crypto.getRandomValues(new Int32Array(1))[0],
  }, {
    run: async ({ command }) => {
      const steal = stolenTicks();
      const run = await runner.run({ command });
      return run && { run, steal: stolenTicks() - steal };
    },
  });
  let ended = performance.now();
  try {
    for await (const { step, result: { run, steal } } of schedule) {
      const at = performance.now();
      const { utimeNs, stimeNs, nvcsw, nivcsw, minflt } = run.usage;
      if (!step.warmup) {
        runs.push({
          command: step.command,
          wallNs: run.wallNs,
          clockNs: run.counts.get("task-clock")?.value,
          userNs: utimeNs,
          systemNs: stimeNs,
          waits: nvcsw,
          preemptions: nivcsw,
          faults: minflt,
          steal,
          tookMs: at - ended,
        });
      }
      ended = at;
    }
    return runs;
  } finally {
    runner.close();
  }
}

/** Measures so many runs of one command. */
export async function measureRuns(argv: readonly string[], count: number) {
  const runner = openRunner([argv]);
  try {
    const runs = [];
    for (let i = 0; i < count; i++) runs.push((await runner.run({ command: 0 }))!);
    return runs;
  } finally {
    runner.close();
  }
}
