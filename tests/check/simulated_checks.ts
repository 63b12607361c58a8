/** Checks of commands that are not there, on machines that are not there: how often the verdict is right. */

import { OLD, runGate } from "../../lib/check/gate.ts";
import { sourcesOf } from "../../lib/check/metrics/metric_sources.ts";
import { seededRandom } from "../../lib/run/random.ts";
import { rowsOf } from "../../lib/check/output/result.ts";
import type { Verdict } from "../../lib/check/statistics/verdict.ts";

/** Multiplicative noise of so much, normal in the logarithm. */
export function noise(random: () => number, sigma: number): number {
  return Math.exp(sigma * Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random()));
}

/** What a machine does to runs, one after another: how many times as long as they should they take. */
export const WEATHER: Record<string, (random: () => number) => () => number> = {
  lognormal: (random) => () => noise(random, 0.05),
  "heavy tails": (random) => () => noise(random, 0.01) * (random() < 0.1 ? 1 + 2 * random() : 1),
  drifting: (random) => {
    let at = 1;
    return () => (at *= 1.003) * noise(random, 0.02);
  },
  "bursts of two runs": (random) => bursts(random, 2),
  "bursts of twenty runs": (random) => bursts(random, 20),
  "every second run slow": (random) => {
    let run = 0;
    return () => (run++ % 2 ? 1.3 : 1) * noise(random, 0.01);
  },
};

function bursts(random: () => number, meanLength: number): () => number {
  let loaded = random() < 0.5;
  return () => {
    if (random() < 1 / meanLength) loaded = !loaded;
    return (loaded ? 1.4 : 1) * noise(random, 0.02);
  };
}

/** A series of checks. */
export interface Simulation {
  /** A key of WEATHER. */
  weather: string;
  checks: number;
  /** How many times as long as the old one the new command takes. */
  change: number;
  maxRuns: number;
  seed: number;
  /** Compare with runs of another time, when the weather was what it was then. */
  fromBaseline?: boolean;
}

/** Of a baseline, as check makes it. */
const BASELINE_RUNS = 40;

/** How many of the checks had each verdict. */
export async function simulate(simulation: Simulation): Promise<Partial<Record<Verdict, number>>> {
  const { weather, checks, change, maxRuns, seed, fromBaseline } = simulation;
  const random = seededRandom(seed);
  const verdicts: Partial<Record<Verdict, number>> = {};
  const [source] = sourcesOf("wall");
  const gated = { metric: "wall", source, threshold: source.threshold };
  for (let i = 0; i < checks; i++) {
    const stored = fromBaseline ? baselineOf(WEATHER[weather](random)) : undefined;
    const machine = WEATHER[weather](random);
    const gates = await runGate([{ ...gated, stored }], 1, { warmups: 0, maxRuns, budgetMs: Infinity }, {
      executor: {
        run: ({ command }) =>
          Promise.resolve(new Map([["wall", (command === OLD ? 100 : 100 * change) * machine()]])),
      },
      now: () => 0,
      stopped: () => false,
      seed: Math.floor(random() * 2 ** 31),
    });
    const [{ verdict }] = rowsOf({ benchmark: "x", comparedWith: "command" }, gates, 1, Infinity);
    verdicts[verdict] = (verdicts[verdict] ?? 0) + 1;
  }
  return verdicts;
}

/** Runs and the gauge beside them, as a baseline has them. */
function baselineOf(machine: () => number): { samples: number[]; gauge: number[] } {
  const samples: number[] = [], gauge: number[] = [];
  for (let run = 0; run < BASELINE_RUNS; run++) {
    gauge.push(100 * machine());
    samples.push(100 * machine());
  }
  return { samples, gauge };
}
