/**
 * Measures the operating curve of `pmuctl check`: how often it says what, of equal commands and of such that are slower by a
 * known amount, and with how many runs. Records series of real runs, with a load that comes and goes and without, and
 * replays checks on them. Prints docs/check-accuracy.md.
 */

import { parseArgs } from "@std/cli/parse-args";
import { quantile } from "simple-statistics";
import { type Setting, setting } from "../benchmark/setting.ts";
import { replay } from "./replay.ts";
import { measurePairs, type Series } from "./series.ts";
import { type Recorded, renderMarkdown, type Row } from "./tables.ts";
import { type Sized, sizeOf, WORKLOADS } from "./workloads.ts";

const USAGE = "usage: scripts/operating-curve [--quick | --full] [--series FOLDER]";

/** How much is measured. A check takes no more of a series than there is: the budget is shorter than that. */
interface Extent {
  /** Seconds of a series of equal commands, and of one with a real effect. */
  equalS: number;
  realS: number;
  budgetS: number;
  /** Checks of equal commands, and of each effect. */
  equalChecks: number;
  effectChecks: number;
  /** Effects of real series, in percent. */
  real: readonly number[];
}

const QUICK: Extent = { equalS: 24, realS: 12, budgetS: 20, equalChecks: 100, effectChecks: 30, real: [5] };
const FULL: Extent = {
  ...{ equalS: 150, realS: 75, budgetS: 120, equalChecks: 1000, effectChecks: 200 },
  real: [1, 2, 5, 10],
};
/** Time in ms of a run. */
const RUN_MS = 12;
const EFFECTS = [1, 2, 5, 10];
const METRICS = ["wall", "task-clock"];
/** Default of --max-runs. */
const MAX_RUNS = 10_000;

/** Runs `work` beside a load that comes and goes, or without one. */
async function beside<T>(loaded: boolean, work: () => Promise<T>): Promise<T> {
  if (!loaded) return await work();
  const args = ["run", "-A", new URL("load.ts", import.meta.url).pathname];
  const load = new Deno.Command(Deno.execPath(), { args, stdin: "piped" }).spawn();
  try {
    return await work();
  } finally {
    await load.stdin.close();
    await load.status;
  }
}

async function record(sized: Sized, percent: number, loaded: boolean, seconds: number): Promise<Series> {
  return await beside(loaded, async () => {
    const before = Deno.loadavg()[0], factor = 1 + percent / 100;
    const runs = await measurePairs(sized.argvOf(1), sized.argvOf(factor), seconds);
    return { workload: sized.workload.name, factor, loaded, loadavg: [before, Deno.loadavg()[0]], runs };
  });
}

/** Records all series, or reads those that are in the folder already. */
async function* allSeries({ equalS, realS, real }: Extent, folder: string | undefined) {
  const sizes: Sized[] = [];
  for (const loaded of [false, true]) {
    for (const percent of loaded ? [0, ...real] : [0]) {
      for (const [at, workload] of WORKLOADS.entries()) {
        const name = `${workload.name}, ${percent}% longer, ${loaded ? "loaded" : "quiet"}`;
        const path = folder && `${folder}/${workload.name}-${percent}-${loaded ? "loaded" : "quiet"}.json`;
        const before = kept<Series>(path);
        const seconds = percent === 0 ? equalS : realS;
        console.error(before ? `${name}: from ${path}` : `${name}: ${seconds} s`);
        const series = before ??
          await record(sizes[at] ??= await sizeOf(workload, RUN_MS), percent, loaded, seconds);
        if (path && !before) Deno.writeTextFileSync(path, JSON.stringify(series));
        yield { series, percent };
      }
    }
  }
}

/** Returns what a file of an earlier run holds; undefined if there is none. */
function kept<T>(path: string | undefined): T | undefined {
  try {
    return path === undefined ? undefined : JSON.parse(Deno.readTextFileSync(path));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

async function replayAll(series: Series, percent: number, extent: Extent): Promise<Row[]> {
  const { budgetS, equalChecks, effectChecks } = extent;
  const isReal = percent > 0, rows: Row[] = [];
  for (const metric of METRICS) {
    for (const effect of isReal ? [percent] : [0, ...EFFECTS]) {
      const verdicts = await replay(series, {
        ...{ metric, factor: isReal ? 1 : 1 + effect / 100, maxRuns: MAX_RUNS, seed: 1 },
        checks: effect === 0 ? equalChecks : effectChecks,
        budgetMs: 1000 * (isReal ? budgetS / 2 : budgetS),
      });
      const real = isReal ? { realChange: changeOfCpuTime(series) } : {};
      rows.push({
        metric,
        workload: series.workload,
        loaded: series.loaded,
        percent: effect,
        ...real,
        verdicts,
      });
    }
  }
  return rows;
}

/** Returns the change of the CPU time of the least disturbed tenth of the runs, as a fraction. */
function changeOfCpuTime({ runs }: Series): number {
  const least = (command: number) =>
    quantile(
      runs.filter((run) => run.command === command).map(({ userNs, systemNs }) => userNs + systemNs),
      0.1,
    );
  return least(1) / least(0) - 1;
}

function circumstances(all: readonly Series[], loaded: boolean): Recorded["quiet"] {
  const of = all.filter((series) => series.loaded === loaded && series.factor === 1);
  const span = (values: number[]): [number, number] => [Math.min(...values), Math.max(...values)];
  return {
    load: span(of.flatMap(({ loadavg }) => loadavg)),
    rounds: span(of.map(({ runs }) => runs.length / 2)),
  };
}

const args = parseArgs(Deno.args, {
  boolean: ["quick", "full"],
  string: ["series"],
  unknown: (word) => {
    console.error(`unexpected ${word}: ${USAGE}`);
    Deno.exit(2);
  },
});
if (args.quick && args.full) {
  console.error(`--quick and --full exclude each other: ${USAGE}`);
  Deno.exit(2);
}
const extent = args.full ? FULL : QUICK, folder = args.series;
if (folder) Deno.mkdirSync(folder, { recursive: true });
const where = kept<Setting>(folder && `${folder}/setting.json`) ?? setting();
if (folder) Deno.writeTextFileSync(`${folder}/setting.json`, JSON.stringify(where));
const recorded: { series: Series; percent: number }[] = [];
// nothing is replayed meanwhile, which would be a load of its own
for await (const each of allSeries(extent, folder)) recorded.push(each);
const rows: Row[] = [];
for (const { series, percent } of recorded) {
  console.error(
    `replaying checks of ${series.workload}, ${percent}% longer, ${series.loaded ? "loaded" : "quiet"}`,
  );
  rows.push(...await replayAll(series, percent, extent));
}
const all = recorded.map(({ series }) => series);
console.log(
  renderMarkdown(rows, {
    ...{ setting: where, quick: !args.full, budgetS: extent.budgetS, runMs: RUN_MS, seriesS: extent.equalS },
    ...{ workloads: WORKLOADS, quiet: circumstances(all, false), loaded: circumstances(all, true) },
  }).trimEnd(),
);
Deno.exit(0);
