/** Simulated checks of commands on simulated machines: how often the verdict is right. */

import { OLD, runGate } from "../../lib/check/gate.ts";
import { sourcesOf } from "../../lib/check/metrics/metric_sources.ts";
import { seededRandom } from "../../lib/run/random.ts";
import { rowsOf } from "../../lib/check/output/result.ts";
import type { Verdict } from "../../lib/check/statistics/verdict.ts";

/** Returns multiplicative lognormal noise. */
export function noise(random: () => number, sigma: number): number {
  return Math.exp(sigma * Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random()));
}

/** Behaviour of machines, run after run: the factor by which a run takes longer than it should. */
export const WEATHER: Record<string, (random: () => number) => () => number> = {
  lognormal: (random) => () => noise(random, 0.05),
  "heavy tails": (random) => () => noise(random, 0.01) * (random() < 0.1 ? 1 + 2 * random() : 1),
  drifting: (random) => {
    let at = 1;
    return () => (at *= 1.003) * noise(random, 0.02);
  },
  "bursts of two runs": (random) => bursts(random, 2),
  "bursts of twenty runs": (random) => bursts(random, 20),
  crowded: (random) => {
    // a CPU of its own half of the time, and shared with up to two others in the rest, for twenty runs each
    let isCrowded = random() < 0.5;
    return () => {
      if (random() < 1 / 20) isCrowded = !isCrowded;
      return noise(random, 0.01) * (isCrowded ? 1 + 2 * random() : 1);
    };
  },
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

/** Series of simulated checks. */
export interface Simulation {
  /** Key of WEATHER. */
  weather: string;
  checks: number;
  /** Factor by which the new command takes longer than the old one. */
  change: number;
  maxRuns: number;
  seed: number;
  /** True to compare with a baseline, made under the machine's conditions of another time. */
  fromBaseline?: boolean;
}

/** Number of runs in a baseline, as check makes it. */
const BASELINE_RUNS = 40;

/** Simulates checks, and counts the verdicts; those that are `improved` also among the passes. */
export async function simulate(
  simulation: Simulation,
): Promise<Partial<Record<Verdict | "improved", number>>> {
  const { weather, checks, change, maxRuns, seed, fromBaseline } = simulation;
  const random = seededRandom(seed);
  const verdicts: Partial<Record<Verdict | "improved", number>> = {};
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
    const [{ verdict, improved }] = rowsOf({ benchmark: "x", comparedWith: "command" }, gates, Infinity);
    verdicts[verdict] = (verdicts[verdict] ?? 0) + 1;
    if (improved) verdicts.improved = (verdicts.improved ?? 0) + 1;
  }
  return verdicts;
}

/** Returns runs and the calibration workload's beside them, as a baseline has them. */
function baselineOf(machine: () => number): { samples: number[]; gauge: number[] } {
  const samples: number[] = [], gauge: number[] = [];
  for (let run = 0; run < BASELINE_RUNS; run++) {
    gauge.push(100 * machine());
    samples.push(100 * machine());
  }
  return { samples, gauge };
}
