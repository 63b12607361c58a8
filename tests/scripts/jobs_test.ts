import { assertEquals } from "@std/assert";
import { FileClock, type Job, sumsOf } from "../../scripts/jobs.ts";

for (
  const [what, output, status, [passed, failed, skipped]] of [
    ["Deno's tests", "x\nok | 12 passed (3 steps) | 0 failed | 2 ignored (1m2s)\n", 0, [12, 0, 2]],
    ["Deno's failures", "FAILED | 1 passed | 3 failed (2s)\nerror: Test failed\n", 1, [1, 3, 0]],
    ["our own tests", "4 passed, 9 failed\n115 passed, 0 failed, 1 skipped\n", 0, [115, 0, 1]],
    ["a run that ended badly without a failure", "5 passed, 0 failed\n", 124, [5, 1, 0]],
    ["a run that ended without a word", "", 0, [0, 1, 0]],
    ["a run whose tests print such words", "I have 7 failed\nok | 1 passed | 0 failed (1s)", 0, [1, 0, 0]],
  ] as const
) {
  Deno.test(`sumsOf() reads the summary of ${what}`, () => {
    assertEquals(sumsOf(output, status), { passed, failed, skipped });
  });
}

Deno.test("FileClock gives each file the time until the next one", () => {
  const clock = new FileClock(new Map([["tests/b_test.ts", 1]]));
  clock.line("Check tests/a_test.ts", 0);
  clock.line("running 3 tests from ./tests/a_test.ts", 10);
  clock.line("it works ... ok (3ms)", 11);
  clock.line("running 1 test from ./tests/b_test.ts", 14);
  clock.line("ok | 4 passed | 0 failed (9s)", 19);
  clock.line("done", 50);
  assertEquals([...clock.times], [["tests/b_test.ts", 6], ["tests/a_test.ts", 4]]);
});

/** Runs the jobs by a process of its own, with or without CI; gives what it prints, less the times, and the sums. */
async function printed(jobs: readonly Partial<Job>[], atOnce: number, ci: boolean): Promise<string[]> {
  const module = new URL("../../scripts/jobs.ts", import.meta.url).href;
  const code = `const { JobRunner } = await import(${JSON.stringify(module)});
    const runner = new JobRunner();
    await runner.run(${JSON.stringify(jobs)}, ${atOnce});
    console.log(JSON.stringify(runner.sums));`;
  const env: Record<string, string> = {
    PATH: Deno.env.get("PATH")!,
    NO_COLOR: "1",
    ...ci ? { CI: "true" } : {},
  };
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", "--no-config", code],
    env,
    clearEnv: true,
  }).output();
  return new TextDecoder().decode(stdout).trim().replaceAll(/\(\d+\.\d s\)/g, "(N s)").split("\n");
}

Deno.test("JobRunner shows each job's output in one piece, with the time, and adds up", async () => {
  const script = (text: string) => ["sh", "-c", text];
  const jobs: Job[] = [
    {
      name: "one",
      command: script("echo a; sleep 0.1; echo b >&2; echo '2 passed, 1 failed'; exit 1"),
      kind: "tests",
    },
    { name: "two", command: script("echo c; sleep 0.2; echo d"), kind: "check" },
    { name: "three", command: script("exit 3"), kind: "check" },
  ];
  for (const atOnce of [1, 3]) {
    const lines = await printed(jobs, atOnce, false);
    const at = lines.indexOf("a");
    assertEquals(lines.slice(at, at + 4), ["a", "b", "2 passed, 1 failed", "== one (N s)"]);
    assertEquals(lines[lines.indexOf("c") + 1], "d");
    assertEquals(lines.at(-1), '{"passed":3,"failed":2,"skipped":0}');
  }
});

Deno.test("a job that cannot be run here is skipped with the reason, and fails in CI", async () => {
  const jobs: Job[] = [{ name: "live", command: ["false"], kind: "tests", hindrance: "no events" }];
  assertEquals(await printed(jobs, 1, false), [
    "== live",
    "SKIP: no events",
    '{"passed":0,"failed":0,"skipped":1}',
  ]);
  assertEquals(await printed(jobs, 1, true), [
    "== live",
    "FAILED, as nothing may be skipped in CI: no events",
    '{"passed":0,"failed":1,"skipped":0}',
  ]);
});
