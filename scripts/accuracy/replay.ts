/** Checks that are replayed on recorded series: the gate of `pmuctl check` decides by the runs as if they were made now. */

import { decidingSources, NEW, runGate, type RunValues } from "../../lib/check/gate.ts";
import { sourcesOf } from "../../lib/check/metrics/metric_sources.ts";
import { verdictWord } from "../../lib/check/output/check_text.ts";
import { rowsOf } from "../../lib/check/output/result.ts";
import { seededRandom } from "../../lib/run/random.ts";
import { median } from "simple-statistics";
import { type Run, type Series, valuesOfRun } from "./series.ts";

/** Kind of check to replay. */
export interface Replay {
  metric: string;
  /** Factor by which the runs of the new command are made longer: their times are multiplied. */
  factor: number;
  checks: number;
  budgetMs: number;
  maxRuns: number;
  seed: number;
}

/** Verdicts of replayed checks. */
export interface Verdicts {
  checks: number;
  regressed: number;
  improved: number;
  pass: number;
  inconclusive: number;
  /** Checks that were decided by CPU time in place of wall time. */
  byStandIn: number;
  /** Medians over all checks: runs of each command, and seconds. */
  runs: number;
  seconds: number;
}

/**
 * Replays checks on a series. Each starts at a round of its own and takes the runs in their order, around the end of the
 * series where it must. Where old and new were the same command, which of a round's two runs is the new one's is drawn
 * anew for each check, as `check` draws the order that it makes them in.
 */
export async function replay(series: Series, settings: Replay): Promise<Verdicts> {
  const random = seededRandom(settings.seed);
  const verdicts: Verdicts = {
    ...{ checks: settings.checks, regressed: 0, improved: 0, pass: 0, inconclusive: 0, byStandIn: 0 },
    ...{ runs: 0, seconds: 0 },
  };
  const runs: number[] = [], seconds: number[] = [];
  const rounds = series.runs.length / 2;
  for (let i = 0; i < settings.checks; i++) {
    const { row, ms } = await replayOne(series, Math.floor(random() * rounds), random, settings);
    const word = verdictWord(row) as "regressed" | "improved" | "pass" | "inconclusive";
    if (!(word in verdicts)) throw new Error(`${series.workload}: ${row.reason}`);
    verdicts[word]++;
    if (settings.metric === "wall" && row.rung !== "wall" && word !== "inconclusive") verdicts.byStandIn++;
    runs.push(row.figures?.runs.new ?? 0);
    seconds.push(ms / 1000);
  }
  return { ...verdicts, runs: median(runs), seconds: median(seconds) };
}

async function replayOne(
  series: Series,
  first: number,
  random: () => number,
  { metric, factor, budgetMs, maxRuns }: Replay,
) {
  const all = sourcesOf(metric), source = all.find(({ name }) => valuesOfRun(series.runs[0]).has(name));
  if (!source) throw new Error(`the series have no ${metric}`);
  const gated = [{ metric, source, threshold: source.threshold }];
  const drawn = series.factor === 1;
  let made = 0, ms = 0;
  const take = (command: number): Run => {
    const round = (first + Math.floor(made / 2)) % (series.runs.length / 2);
    const pair = series.runs.slice(2 * round, 2 * round + 2);
    const run = drawn ? pair[made % 2] : pair.find((run) => run.command === command)!;
    made++;
    ms += run.tookMs;
    return run;
  };
  const limits = { warmups: 0, maxRuns, budgetMs: Math.min(budgetMs, seriesMs(series)) }; // no run comes twice
  const gates = await runGate(gated, decidingSources(gated), limits, {
    executor: {
      run: ({ command }) => {
        const run = take(command);
        const values: RunValues = valuesOfRun(run, command === NEW ? factor : 1);
        return Promise.resolve(values);
      },
    },
    now: () => ms,
    stopped: () => false,
    seed: Math.floor(random() * 2 ** 31),
  });
  const [row] = rowsOf({ benchmark: series.workload, comparedWith: "command" }, gates, budgetMs);
  return { row, ms };
}

function seriesMs({ runs }: Series): number {
  return runs.reduce((sum, { tookMs }) => sum + tookMs, 0);
}
