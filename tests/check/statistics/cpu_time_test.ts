import { assert, assertEquals } from "@std/assert";
import { seededRandom } from "../../../lib/run/random.ts";
import { judgeCpuTime, type TimedRuns } from "../../../lib/check/statistics/cpu_time.ts";
import type { JudgementTerms } from "../../../lib/check/statistics/verdict.ts";

const TERMS: JudgementTerms = { threshold: 0.02, confidence: 0.999, steady: false };

/** Returns runs of a command on a machine where some of them wait for a CPU. */
function runs(
  { cpu, sleep = 0, sleeps = () => true, waits = 1, calm = 0.5, count = 100, seed }: {
    cpu: number;
    /** Time that it sleeps in runs that `sleeps` chooses. */
    sleep?: number;
    sleeps?: (run: number) => boolean;
    waits?: number;
    /** Part of the runs that have a CPU of their own. */
    calm?: number;
    count?: number;
    seed: number;
  },
): TimedRuns {
  const random = seededRandom(seed);
  const times = Array.from({ length: count }, () => cpu * (1 + 0.01 * (random() - 0.5)));
  const slept = times.map((_, run) => sleeps(run) ? sleep : 0);
  return {
    cpu: times,
    wall: times.map((time, run) => 1.01 * time + slept[run] + (random() < calm ? 0 : time * 3 * random())),
    waits: slept.map((time) => waits + (time > 0 ? 1 : 0)),
  };
}

Deno.test("judgeCpuTime() decides about commands that do nothing but compute, whatever their wall times", () => {
  const old = runs({ cpu: 10, seed: 1 });
  const same = judgeCpuTime(old, runs({ cpu: 10, seed: 2 }), TERMS);
  assertEquals(same?.judgement.outcome, "pass");
  assert(same!.share > 0.98 && same!.share < 1);
  assertEquals(judgeCpuTime(old, runs({ cpu: 10.5, seed: 3 }), TERMS)?.judgement.outcome, "regressed");
  assertEquals(judgeCpuTime(old, runs({ cpu: 9.5, seed: 4 }), TERMS)?.judgement.improved, true);
});

Deno.test("judgeCpuTime() does not pass a command that sleeps, in all of its runs or in some", () => {
  const old = runs({ cpu: 10, seed: 1 });
  const sleeping = judgeCpuTime(old, runs({ cpu: 10, sleep: 0.5, seed: 2 }), TERMS);
  assert(sleeping?.judgement.outcome !== "pass");
  assertEquals(judgeCpuTime(old, runs({ cpu: 10, sleep: 2, seed: 2 }), TERMS), undefined);
  const often = judgeCpuTime(
    old,
    runs({ cpu: 10, sleep: 2, sleeps: (run) => run % 2 === 0, seed: 2 }),
    TERMS,
  );
  assertEquals(often, undefined);
  // nor if the switches of the sleep are not seen, as under some sandboxes
  const unseen = { ...runs({ cpu: 10, sleep: 0.5, seed: 2 }), waits: old.waits };
  assert(judgeCpuTime(old, unseen, TERMS)?.judgement.outcome !== "pass");
});

Deno.test("judgeCpuTime() passes no command that sleeps where hardly any run is undisturbed, however few runs there are", () => {
  let passed = 0, same = 0;
  for (let seed = 1; seed <= 400; seed++) {
    for (const count of [14, 41, 120]) {
      const of = { cpu: 10, calm: 0.1, count };
      const old = runs({ ...of, seed });
      // as many waits as before, so that only the share tells
      const sleeping = { ...runs({ ...of, sleep: 0.5, seed: 1000 + seed }), waits: old.waits };
      if (judgeCpuTime(old, sleeping, TERMS)?.judgement.outcome === "pass") passed++;
      if (judgeCpuTime(old, runs({ ...of, seed: 1000 + seed }), TERMS)?.judgement.outcome === "pass") same++;
    }
  }
  assert(passed <= 1, `${passed} of 1200`);
  assert(same > 300, `${same} of 1200`);
});

Deno.test("judgeCpuTime() does not call more CPU time a regression where the command sleeps that much less", () => {
  const old = runs({ cpu: 10, sleep: 0.7, seed: 1 });
  assertEquals(judgeCpuTime(old, runs({ cpu: 10.6, seed: 2 }), TERMS)?.judgement.outcome, "undecided");
});

Deno.test("judgeCpuTime() leaves commands alone that use several CPUs, or mostly wait", () => {
  const double = ({ cpu, ...rest }: TimedRuns) => ({ ...rest, cpu: cpu.map((time) => 2 * time) });
  assertEquals(
    judgeCpuTime(double(runs({ cpu: 10, seed: 1 })), double(runs({ cpu: 10, seed: 2 })), TERMS),
    undefined,
  );
  const waiting = (seed: number) => runs({ cpu: 10, sleep: 30, seed });
  assertEquals(judgeCpuTime(waiting(1), waiting(2), TERMS), undefined);
});

Deno.test("judgeCpuTime() leaves a command alone that uses two CPUs, of which others mostly leave it one", () => {
  const threads = (seed: number) => {
    const { wall, cpu, waits } = runs({ cpu: 10, seed });
    return {
      wall: wall.map((time, run) => run % 20 === 0 ? 0.8 * cpu[run] : Math.max(time, cpu[run])),
      cpu,
      waits,
    };
  };
  assertEquals(judgeCpuTime(threads(1), threads(2), TERMS), undefined);
});

Deno.test("judgeCpuTime() follows a command whose waits grow with its work", () => {
  const children = (cpu: number, waits: number, seed: number) => runs({ cpu, waits, seed });
  assertEquals(
    judgeCpuTime(children(10, 200, 1), children(10.5, 210, 2), TERMS)?.judgement.outcome,
    "regressed",
  );
  assertEquals(judgeCpuTime(children(10, 200, 1), children(10, 210, 2), TERMS), undefined);
});
