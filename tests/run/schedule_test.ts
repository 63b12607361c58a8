import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  exactRounds,
  execute,
  expectedRounds,
  needsRound,
  roundOrders,
  type RunSchedule,
  type Step,
} from "../../lib/run/schedule.ts";

/** Runs a schedule of commands that take `nsOf` each; returns what was done, in words. */
async function play(plan: Partial<RunSchedule<number>> & { commands: number }, nsOf = (_: Step) => 100) {
  const log: string[] = [];
  let samples: readonly (readonly number[])[] = [];
  const word = (step: Step) => `${step.warmup ? "warm" : "run"} ${"ABC"[step.command]}${step.round}`;
  const steps = execute({ warmups: 0, wantsMore: (s) => s[0].length < 2, ...plan }, {
    prepare: (step) => Promise.resolve(void log.push(`prepare ${"ABC"[step.command]}`)),
    run: (step) => {
      log.push(word(step));
      return Promise.resolve(nsOf(step));
    },
  });
  for await (const done of steps) samples = done.samples;
  return { log, samples };
}

Deno.test("execute() warms up, then runs each command once a round, prepared each time", async () => {
  const { log, samples } = await play(
    { commands: 1, warmups: 1 },
    (step) => step.warmup ? 1 : 10 + step.round,
  );
  assertEquals(log, ["prepare A", "warm A0", "prepare A", "run A0", "prepare A", "run A1"]);
  assertEquals(samples, [[10, 11]]);
});

Deno.test("execute() has each command in each round, so that rounds are pairs", async () => {
  const { samples } = await play({ commands: 3, wantsMore: (s) => s[0].length < 20 }, (step) => step.round);
  for (const command of samples) assertEquals(command, [...Array(20).keys()]);
});

Deno.test("roundOrders() puts each command first as often as last, and in another order by chance", () => {
  const orders = roundOrders(2, 5);
  const firsts = Array.from({ length: 100 }, () => orders.next().value[0]);
  assertEquals(firsts.filter((first) => first === 0).length, 50);
  const pairs = firsts.filter((_, i) => i % 2 === 0);
  assert(pairs.includes(0) && pairs.includes(1)); // ABBA and BAAB both
  const again = roundOrders(2, 5);
  assertEquals(Array.from({ length: 100 }, () => again.next().value[0]), firsts);
});

Deno.test("execute() stops before the next run when the user has had enough, and keeps what there is", async () => {
  let runs = 0;
  const { samples } = await play({ commands: 2, stopped: () => runs >= 3 }, () => ++runs);
  assertEquals(samples.flat().sort(), [1, 2, 3]);
  assertEquals(Math.abs(samples[0].length - samples[1].length), 1);
});

Deno.test("execute() ends at what a run throws, after all that went before was told", async () => {
  let told = 0;
  await assertRejects(
    async () => {
      const steps = execute({ commands: 1, warmups: 0, wantsMore: () => true }, {
        run: (step) => step.round === 2 ? Promise.reject(new Error("exit 1")) : Promise.resolve(step.round),
      });
      for await (const { samples } of steps) told = samples[0].length;
    },
    Error,
    "exit 1",
  );
  assertEquals(told, 2);
});

Deno.test("execute() ends at a run that was cut short, which does not count", async () => {
  const runs: (number | undefined)[] = [1, 2, undefined, 4];
  let last: readonly (readonly number[])[] = [];
  const executor = { run: () => Promise.resolve(runs.shift()) };
  for await (const done of execute({ commands: 1, warmups: 0, wantsMore: () => true }, executor)) {
    last = done.samples;
  }
  assertEquals([last, runs], [[[1, 2]], [4]]);
});

Deno.test("needsRound() runs at least so often and so long, and no more than allowed", () => {
  const enough = { minRuns: 3, maxRuns: 6, minTimeNs: 1000 };
  assert(needsRound(2, 1800, enough)); // too few
  assert(needsRound(3, 300, enough)); // too short
  assert(!needsRound(3, 1200, enough));
  assert(!needsRound(6, 6, enough)); // as many as there may be
  assert(needsRound(1, 900, exactRounds(2)));
  assert(!needsRound(2, 2, exactRounds(2)));
});

Deno.test("expectedRounds() follows what runs take", () => {
  const enough = { minRuns: 10, maxRuns: 100, minTimeNs: 3000 };
  assertEquals(expectedRounds(0, 0, enough), 10);
  assertEquals(expectedRounds(1, 100, enough), 30);
  assertEquals(expectedRounds(4, 4000, enough), 10);
  assertEquals(expectedRounds(1, 1, enough), 100);
  assertEquals(expectedRounds(3, 5000, exactRounds(5)), 5);
});
