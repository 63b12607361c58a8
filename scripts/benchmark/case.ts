/** Two programs that do the same work, run in turn and compared. */

import { spawn } from "../../ffi/child.ts";
import { closeFd, createFile } from "../../ffi/pmu.ts";

/** Figures of one run. Those that a case does not measure are absent. */
export interface Figures {
  wallMs: number;
  /** User and system time, of the process and of all it waited for. */
  cpuMs: number;
  maxRssMb: number;
  [extra: string]: number;
}

/** One side of a comparison: a command, and what to find out after it ended. */
export interface Side {
  name: string;
  argv: string[];
  after?: (stderr: string, wallMs: number) => Record<string, number> | Promise<Record<string, number>>;
}

/** A comparison of two sides. */
export interface Case {
  name: string;
  /** Both sides' work in words. */
  what: string;
  /** Names of the figures to show. */
  figures: string[];
  /** Returns what is missing to run it, and how to get it; undefined when nothing is. */
  missing?: () => string | undefined;
  prepare?: () => Promise<void>;
  ours: Side;
  theirs: Side;
  cleanUp?: () => void;
}

/** Median and range of a figure over the pairs of runs. */
export interface Summary {
  figure: string;
  /** Median of each side. */
  ours: number;
  theirs: number;
  /** Median, least and greatest of the pairs' ratios, theirs to ours: above 1 where ours takes less. */
  ratio: number;
  least: number;
  greatest: number;
}

/** A case's outcome. */
export interface Result {
  name: string;
  what: string;
  ours: string;
  theirs: string;
  pairs: number;
  figures: Summary[];
}

/** Folder of everything that a benchmark writes. */
export const folder = Deno.makeTempDirSync({ prefix: "pmuctl-bench-" });

/** Returns the path of a file in the benchmark's folder. */
export function inFolder(name: string): string {
  return `${folder}/${name}`;
}

/** Runs a side's command to its end, its output in files. Throws an Error where its status is not 0. */
export async function runOnce(side: Side): Promise<Figures> {
  const [out, err] = [inFolder("stdout"), inFolder("stderr")];
  const stdio = [createFile("/dev/null"), createFile(out), createFile(err)] as const;
  const child = spawn({ argv: side.argv, stdio: [...stdio] });
  const started = performance.now();
  await child.release();
  const exit = await child.wait();
  const wallMs = performance.now() - started;
  for (const fd of stdio) closeFd(fd);
  const stderr = Deno.readTextFileSync(err);
  if (exit.code !== 0) throw new Error(`${side.argv.join(" ")} ended with ${exit.code}: ${stderr}`);
  const { utimeNs, stimeNs, maxrssBytes } = exit.usage;
  return {
    wallMs,
    cpuMs: (utimeNs + stimeNs) / 1e6,
    maxRssMb: maxrssBytes / 1e6,
    ...await side.after?.(stderr, wallMs),
  };
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Returns the medians of a figure and the range of its ratios. */
function summaryOf(figure: string, runs: readonly { ours: Figures; theirs: Figures }[]): Summary {
  const ratios = runs.map((run) => run.theirs[figure] / run.ours[figure]);
  return {
    figure,
    ours: median(runs.map((run) => run.ours[figure])),
    theirs: median(runs.map((run) => run.theirs[figure])),
    ratio: median(ratios),
    least: Math.min(...ratios),
    greatest: Math.max(...ratios),
  };
}

/** Runs both sides in turn, `pairs` times after a run each that fills caches. */
export async function runCase(each: Case, pairs: number): Promise<Result> {
  await each.prepare?.();
  const runs: { ours: Figures; theirs: Figures }[] = [];
  try {
    await runOnce(each.ours);
    await runOnce(each.theirs);
    for (let i = 0; i < pairs; i++) {
      // who comes first changes, so that neither side always finds what the other has left in the caches
      const order = i % 2 ? [each.theirs, each.ours] : [each.ours, each.theirs];
      const figures = new Map<Side, Figures>();
      for (const side of order) figures.set(side, await runOnce(side));
      runs.push({ ours: figures.get(each.ours)!, theirs: figures.get(each.theirs)! });
    }
  } finally {
    each.cleanUp?.();
  }
  const { name, what, ours, theirs } = each;
  return {
    name,
    what,
    ours: ours.name,
    theirs: theirs.name,
    pairs,
    figures: each.figures.map((figure) => summaryOf(figure, runs)),
  };
}
