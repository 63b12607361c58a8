import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { type GatedMetric, type GateLimits, OLD, runGate, type RunValues } from "../../lib/check/gate.ts";
import { type MetricSource, sourcesOf } from "../../lib/check/metrics/metric_sources.ts";
import { seededRandom } from "../../lib/run/random.ts";
import { rowsOf } from "../../lib/check/output/result.ts";
import type { Step } from "../../lib/run/schedule.ts";
import { noise, simulate, WEATHER } from "./simulated_checks.ts";

const [WALL] = sourcesOf("wall");
const [INSTRUCTIONS] = sourcesOf("instructions");
const LIMITS: GateLimits = { warmups: 0, maxRuns: 100, budgetMs: 1e9 };

/** Gates one metric. `valueOf` returns the value of each run, which takes one ms by the clock. */
async function play(
  source: MetricSource,
  valueOf: (step: Step) => number | undefined,
  { limits = LIMITS, stored, seed = 1, stopAfter = Infinity, endsIn = Infinity }: {
    limits?: GateLimits;
    stored?: GatedMetric["stored"];
    seed?: number;
    stopAfter?: number;
    /** Run during which the budget ends. */
    endsIn?: number;
  } = {},
) {
  let runs = 0;
  const gates = await runGate(
    [{ metric: source.name, source, threshold: source.threshold, stored }],
    1,
    limits,
    {
      executor: {
        run: (step) => {
          runs++;
          if (runs >= endsIn) return Promise.resolve(undefined);
          const value = valueOf(step);
          const values: RunValues = new Map(value === undefined ? [] : [[source.name, value]]);
          return Promise.resolve(values);
        },
      },
      now: () => runs,
      stopped: () => runs >= stopAfter,
      isOver: () => runs >= endsIn,
      seed,
    },
  );
  const [row] = rowsOf({ benchmark: "x", comparedWith: "command" }, gates, limits.budgetMs);
  return { row, runs, gates };
}

Deno.test("runGate() ends at the first look where the answer is plain", async () => {
  const random = seededRandom(1);
  const slower = await play(WALL, ({ command }) => (command === OLD ? 100 : 110) * noise(random, 0.01));
  assertEquals([slower.row.verdict, slower.runs], ["regressed", 26]);
  assertEquals(slower.row.figures?.runs, { old: 13, new: 13 });
  const same = await play(WALL, () => 100 * noise(random, 0.01));
  assertEquals([same.row.verdict, same.runs], ["pass", 26]);
});

Deno.test("runGate() says that a budget ended in warm-up, and not that it was too small", async () => {
  const { row, runs } = await play(WALL, () => 100, {
    limits: { warmups: 1000, maxRuns: 100, budgetMs: 50 },
    endsIn: 51,
  });
  assertEquals([row.verdict, runs], ["inconclusive", 51]);
  assertStringIncludes(
    row.reason!,
    "ended in warm-up, after 25 of 1000 runs of each command: give a smaller -w",
  );
  const later = await play(WALL, () => 100, {
    limits: { warmups: 2, maxRuns: 100, budgetMs: 50 },
    endsIn: 9,
  });
  assertStringIncludes(later.row.reason!, "was not enough for 13 rounds");
});

Deno.test("runGate() runs more where the answer is not plain, and says so when there are no more", async () => {
  const random = seededRandom(2);
  const { row, runs } = await play(
    WALL,
    ({ command }) => (command === OLD ? 100 : 102) * noise(random, 0.01),
  );
  assertEquals([row.verdict, runs], ["inconclusive", 200]);
  assertStringIncludes(row.reason!, "too close to the threshold");
  const noisy = await play(WALL, () => 100 * noise(random, 0.5));
  assertEquals(noisy.row.verdict, "inconclusive");
  assertStringIncludes(noisy.row.reason!, "runs of the same command already differ by");
});

Deno.test("runs and budgets that an undecided metric asks for decide it, most of the time", async () => {
  for (
    const { limits, asked, given } of [
      {
        limits: { ...LIMITS, maxRuns: 30 },
        asked: /--max-runs (\d+), which would probably do/,
        given: (n: number) => ({ ...LIMITS, maxRuns: n }),
      },
      {
        limits: { ...LIMITS, maxRuns: 1000, budgetMs: 60 },
        asked: /--budget (\d+) \(about \d+ runs would probably do\)/,
        given: (n: number) => ({ ...LIMITS, maxRuns: 1000, budgetMs: 1000 * n }),
      },
    ]
  ) {
    let undecided = 0, decided = 0;
    for (let seed = 1; seed <= 60; seed++) {
      const random = seededRandom(seed);
      const value = () => 100 * noise(random, 0.025);
      const { row } = await play(WALL, value, { limits, seed });
      if (row.verdict !== "inconclusive") continue;
      undecided++;
      const [, number] = asked.exec(row.reason!) ?? [];
      if (number === undefined) continue;
      if ((await play(WALL, value, { limits: given(Number(number)), seed })).row.verdict === "pass") {
        decided++;
      }
    }
    assert(undecided > 20 && decided > 0.8 * undecided, `${decided} of ${undecided}`);
  }
});

Deno.test("no number of runs is named where the largest would not do, or the baseline's stay as few", async () => {
  const random = seededRandom(3);
  const wild = await play(WALL, () => 100 * noise(random, 2));
  assertStringIncludes(wild.row.reason!, "use a quieter machine or a greater --threshold");
  const stored = { samples: Array.from({ length: 20 }, () => 100 * noise(random, 0.05)) };
  const against = await play(WALL, () => 100 * noise(random, 0.05), { stored });
  assertStringIncludes(against.row.reason!, "a greater --max-runs");
});

Deno.test("runGate() decides counts that do not vary by four runs", async () => {
  const { row, runs } = await play(INSTRUCTIONS, ({ command }) => command === OLD ? 1e6 : 1.02e6);
  assertEquals([row.verdict, runs, row.figures?.method], ["regressed", 8, "range"]);
  const random = seededRandom(4);
  const varying = await play(INSTRUCTIONS, () => 1e6 * noise(random, 0.01));
  assert(varying.runs > 8);
});

Deno.test("runGate() stops when the next round would be over the budget, and says what it takes", async () => {
  const { row, runs, gates } = await play(WALL, () => 100, { limits: { ...LIMITS, budgetMs: 11 } });
  assertEquals([row.verdict, runs], ["inconclusive", 10]);
  assertStringIncludes(row.reason!, "give --budget");
  assertEquals(gates.roundMs, 2);
  const few = await play(WALL, () => 100, { limits: { ...LIMITS, maxRuns: 3 } });
  assertEquals([few.row.verdict, few.runs], ["inconclusive", 6]);
  assertStringIncludes(few.row.reason!, "give --max-runs 13");
});

Deno.test("runGate() tells what a budget takes that ends in the first round, by what a round is known to take", async () => {
  const limits = { ...LIMITS, budgetMs: 2000, roundMs: 1000 };
  const { gates, row } = await play(WALL, () => 100, { limits, endsIn: 1 });
  assertEquals([gates.ended, gates.roundMs, row.verdict], ["budget", 1000, "inconclusive"]);
  assertEquals(row.reason, "the budget of 2 s was not enough for 13 rounds of 1.00 s: give --budget 20");
  // a round that the budget has cut short says nothing of how long one takes
  const third = await play(WALL, () => 100, { limits, endsIn: 5 });
  assertEquals([third.gates.ended, third.gates.roundMs], ["budget", 2]);
  assertStringIncludes(third.row.reason!, "give --budget 3");
});

Deno.test("runGate() looks once more where its budget ends, and not at the runs of a round that it cut", async () => {
  const random = seededRandom(7);
  // looks are planned after 13 and 23 rounds
  const value = ({ command }: Step) => (command === OLD ? 100 : 102) * noise(random, 0.02);
  const play19 = (endsIn?: number) =>
    play(WALL, value, { limits: { ...LIMITS, maxRuns: 1000, budgetMs: endsIn ? 1e9 : 38 }, endsIn });
  for (const { row, gates } of [await play19(), await play19(40)]) {
    assertEquals([gates.ended, row.figures?.runs.new], ["budget", 19]);
    assertEquals(row.verdict, "inconclusive");
  }
});

Deno.test("runGate() spends more of a budget that adapts only while it will probably decide", async () => {
  const limits = { ...LIMITS, maxRuns: 10_000, budgetMs: 2000, minBudgetMs: 200 };
  const fixed = { ...limits, budgetMs: 200, minBudgetMs: undefined };
  let before = 0, decided = 0, gaveUp = 0;
  for (let seed = 1; seed <= 20; seed++) {
    // noise that a few hundred rounds average out, and noise that no thousand do
    const random = seededRandom(seed), value = (sigma: number) => () => 100 * noise(random, sigma);
    if ((await play(WALL, value(0.06), { limits: fixed, seed })).row.verdict === "pass") before++;
    if ((await play(WALL, value(0.06), { limits, seed })).row.verdict === "pass") decided++;
    const wild = await play(WALL, value(0.6), { limits, seed });
    assertEquals(wild.row.verdict, "inconclusive");
    if (wild.runs <= 202) {
      gaveUp++;
      assertMatch(
        wild.row.reason!,
        /; --budget auto ended after 0 s, because 2 s would probably not decide it$/,
      );
    }
  }
  assert(before < 10 && decided >= 17, `${before} and ${decided} of 20 decided`);
  assert(gaveUp >= 19, `${gaveUp} of 20 given up`);
});

Deno.test("runGate() spends no more than what is spent in any case beside a baseline, whose runs stay as few", async () => {
  const random = seededRandom(9);
  const stored = { samples: Array.from({ length: 20 }, () => 100 * noise(random, 0.05)) };
  const limits = { ...LIMITS, maxRuns: 1000, budgetMs: 2000, minBudgetMs: 60 };
  const { row, runs } = await play(WALL, () => 100 * noise(random, 0.05), { limits, stored });
  assertEquals([row.verdict, runs], ["inconclusive", 60]);
});

/** Plays a gate of wall times on a machine where every second run waits for a CPU, for `waits` times its CPU time. */
async function playCrowded({ change = 1, sleep = 0, source = WALL }) {
  const random = seededRandom(8);
  const of = ({ command }: Step): RunValues => {
    const cpu = (command === OLD ? 100 : 100 * change) * noise(random, 0.005);
    const wall = cpu + (command === OLD ? 0 : sleep) + (random() < 0.5 ? 0 : cpu * 4 * random());
    return new Map([
      ["wall", wall],
      ["task-clock(rusage)", cpu],
      ["voluntary context switches", command === OLD || sleep === 0 ? 1 : 2],
    ]);
  };
  const gated = [{ metric: source.name, source, threshold: source.threshold }];
  const environment = { now: () => 0, stopped: () => false, seed: 1 };
  const executor = { run: (step: Step) => Promise.resolve(of(step)) };
  const gates = await runGate(gated, 2, { ...LIMITS, maxRuns: 200 }, { executor, ...environment });
  return rowsOf({ benchmark: "x", comparedWith: "command" }, gates, 1e9)[0];
}

Deno.test("runGate() decides wall times by CPU time where they cannot decide, and the row says so", async () => {
  const same = await playCrowded({}), slower = await playCrowded({ change: 1.05 });
  assertEquals([same.verdict, same.metric, same.rung], ["pass", "wall", "task-clock(rusage)"]);
  assertMatch(same.reason!, /^wall could not decide it \(-.*% to \+.*%, noise floor .*%\), so CPU time does/);
  assertEquals([slower.verdict, slower.rung], ["regressed", "task-clock(rusage)"]);
  assert(Math.abs(slower.figures!.change - 0.05) < 0.01 && slower.figures!.old < 103);
});

Deno.test("a row that neither wall time nor CPU time decides is of the one that comes closer, and estimates by it", async () => {
  const { verdict, rung, reason, figures } = await playCrowded({ change: 1.018 });
  assertEquals([verdict, rung], ["inconclusive", "task-clock(rusage)"]);
  assertMatch(
    reason!,
    /^wall could not decide it \(.*\), nor could CPU time, which is .*: the change is too close/,
  );
  assert(figures!.high < 0.03, `${figures!.high}`);
});

Deno.test("runGate() has no CPU time decide for a command that sleeps longer than before", async () => {
  const { verdict, rung } = await playCrowded({ sleep: 6 });
  assertEquals([verdict === "pass", rung], [false, "wall"]);
});

Deno.test("runGate() tells of a stop by the user, and of values that there are not", async () => {
  const stopped = await play(WALL, () => 100, { stopAfter: 7 });
  assertEquals([stopped.gates.ended, stopped.row.verdict], ["user", "inconclusive"]);
  const missing = await play(WALL, ({ round }) => round === 3 ? undefined : 100);
  assertEquals(missing.row.verdict, "unmeasurable");
  assertStringIncludes(missing.row.reason!, "run 4");
  const zero = await play(WALL, () => 0);
  assertStringIncludes(zero.row.reason!, "no ratio to 0");
});

Deno.test("runGate() compares with stored samples, and with the gauge beside them", async () => {
  const random = seededRandom(6);
  const samples = Array.from({ length: 40 }, () => 100 * noise(random, 0.005));
  const gauge = Array.from({ length: 40 }, () => 30 * noise(random, 0.005));
  const at = (machine: number, change: number) => ({ command }: Step) =>
    machine * (command === OLD ? 30 : 100 * change) * noise(random, 0.005);
  const stored = { samples, gauge };
  assertEquals((await play(WALL, at(1, 1), { stored })).row.verdict, "pass");
  assertEquals((await play(WALL, at(1, 1.1), { stored })).row.verdict, "regressed");
  assertEquals((await play(WALL, at(1.1, 1), { stored })).row.verdict, "inconclusive");
});

for (const name of Object.keys(WEATHER)) {
  Deno.test(`of 800 checks of alike commands at most 0.2% find a change: ${name}`, async () => {
    const { regressed = 0, improved = 0 } = await simulate({
      weather: name,
      checks: 800,
      change: 1,
      maxRuns: 62,
      seed: 11,
    });
    assert(regressed + improved <= 1, `${regressed} and ${improved} of 800`);
  });

  Deno.test(`of 60 checks of a command that is 5% slower at least 57 regress: ${name}`, async () => {
    const verdicts = await simulate({ weather: name, checks: 60, change: 1.05, maxRuns: 500, seed: 12 });
    assert((verdicts.regressed ?? 0) >= 57, JSON.stringify(verdicts));
  });

  Deno.test(`of 12 checks against a baseline of another time none regresses for the weather: ${name}`, async () => {
    const verdicts = await simulate({
      weather: name,
      checks: 12,
      change: 1,
      maxRuns: 21,
      seed: 13,
      fromBaseline: true,
    });
    assertEquals(verdicts.regressed ?? 0, 0, JSON.stringify(verdicts));
  });
}
