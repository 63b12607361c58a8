import { assert, assertEquals, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import { BadInputError, UnsupportedError } from "../../lib/base/system/errors.ts";
import {
  CommandRunner,
  FailedCommand,
  type Job,
  type RunnerOptions,
  TimedOutCommand,
  withSetup,
} from "../../lib/run/command_runner.ts";
import { readPrivilege } from "../../lib/events/privilege.ts";
import { exists } from "../../lib/base/files/exists.ts";
import { eventually } from "../eventually.ts";

/** Makes a runner of `sh -c SCRIPT`s; returns it with what it noted, and the user's two requests to stop. */
function runnerOf(
  scripts: (string | { run: string; prepare: string })[],
  options: Partial<RunnerOptions> = {},
  more: readonly Job[] = [],
) {
  const sh = (script: string) => ["sh", "-c", script];
  const jobs = scripts.map((script): Job =>
    typeof script === "string"
      ? { name: script, argv: sh(script) }
      : { name: script.run, argv: sh(script.run), prepare: sh(script.prepare) }
  ).concat(more);
  const notes: string[] = [];
  const [first, second] = [Promise.withResolvers<number>(), Promise.withResolvers<number>()];
  const runner = new CommandRunner(jobs, {
    requestedEvents: [],
    standing: { privilege: readPrivilege(), hasCorePmu: false },
    note: (line) => notes.push(line),
    stopper: { first: first.promise, second: second.promise, commandGetsSignals: false },
    ...options,
  });
  return { runner, notes, first, second };
}

async function withFile(body: (path: string) => Promise<void>) {
  const path = await Deno.makeTempFile();
  try {
    await body(path);
  } finally {
    await Deno.remove(path);
  }
}

Deno.test("a runner gives each command an empty standard input and nowhere to print, or a file of the last run", async () => {
  const quiet = runnerOf(["cat && echo said && echo louder >&2"]);
  assertEquals((await quiet.runner.run({ command: 0 }))?.code, 0);
  assertEquals(quiet.notes, []);
  quiet.runner.close();
  await withFile(async (file) => {
    const { runner } = runnerOf(["echo one and more", "echo two"], { output: { file } });
    await runner.run({ command: 0 });
    await runner.run({ command: 1 });
    runner.close();
    assertEquals(await Deno.readTextFile(file), "two\n");
  });
  assertThrows(() => runnerOf([], { output: { file: "/no/such/file" } }), UnsupportedError, "/no/such/file");
});

Deno.test("a command that fails is an error with its status, and the end of what it wrote is told", async () => {
  const { runner, notes } = runnerOf(["echo earlier >&2", "seq 1000 >&2; printf '\\033[2J' >&2; exit 3"]);
  await runner.run({ command: 0 });
  const failed = await assertRejects(() => runner.run({ command: 1 }), FailedCommand);
  runner.close();
  assertEquals(failed.status, 3);
  assertStringIncludes(failed.message, "failed with exit status 3");
  assertEquals(notes[0], "sh wrote to standard error:");
  assertEquals(notes.slice(-2), ["  1000", "  \\x1b[2J"]);
  assert(notes.length < 20);
  assert(!notes.includes("  earlier")); // of another run
});

Deno.test("a run that fails is one as any other where that is asked for", async () => {
  const { runner } = runnerOf(["exit 3", "kill -9 $$"], { ignoreFailure: true });
  assertEquals((await runner.run({ command: 0 }))?.code, 3);
  assertEquals((await runner.run({ command: 1 }))?.signal, 9);
  runner.close();
});

Deno.test("a run with a status that is allowed is one as any other, and one that a signal ended is not", async () => {
  const { runner } = runnerOf(["exit 3", "exit 4", "kill -9 $$"], { allowedStatuses: [3, 137] });
  assertEquals((await runner.run({ command: 0 }))?.code, 3);
  for (const command of [1, 2]) await assertRejects(() => runner.run({ command }), FailedCommand);
  runner.close();
});

Deno.test("each run reads the whole input, its preparation nothing, and it has to be a file", async () => {
  await withFile(async (input) => {
    await Deno.writeTextFile(input, "one\ntwo\n");
    const jobs = [
      { run: 'test "$(wc -l)" = 2', prepare: 'test "$(wc -l)" = 0' },
      "read -r first; test $first = one",
    ];
    const { runner } = runnerOf(jobs, { input });
    for (const command of [0, 1, 0, 1]) {
      await runner.prepare({ command });
      assertEquals((await runner.run({ command }))?.code, 0);
    }
    runner.close();
  });
  for (
    const [input, why] of [["/no/such/file", "no such file"], ["/dev/zero", "no regular file"], [
      "/",
      "no regular",
    ]]
  ) {
    assertThrows(() => runnerOf(["true"], { input }), BadInputError, why);
  }
});

Deno.test("withSetup() runs what comes first once, and what comes last whatever failed before", async () => {
  await withFile(async (file) => {
    const say = (word: string) => ["sh", "-c", `echo ${word} >>${file}`];
    const job = { name: "it", argv: ["true"], setup: say("setup") };
    const said = async (jobs: Job[], runs: (runner: CommandRunner) => Promise<unknown>) => {
      await Deno.writeTextFile(file, "");
      const notes: string[] = [];
      const { runner } = runnerOf([], {}, jobs);
      const failed = await withSetup(runner, () => runs(runner), (line) => notes.push(line)).then(
        () => "",
        String,
      );
      runner.close();
      return [(await Deno.readTextFile(file)).trim().split("\n").join(" "), failed, ...notes];
    };
    const both = [{ ...job, cleanup: say("cleanup") }, { ...job, cleanup: say("cleanup") }];
    const twice = async (
      runner: CommandRunner,
    ) => [await runner.run({ command: 0 }), await runner.run({ command: 1 })];
    assertEquals(await said(both, twice), ["setup cleanup", ""]);
    assertEquals(await said(both, () => Promise.reject(new Error("it broke"))), [
      "setup cleanup",
      "Error: it broke",
    ]);
    const [ran, failed] = await said([{ ...both[0], setup: ["false"] }], twice);
    assertEquals(ran, "cleanup");
    assertStringIncludes(failed, "the setup 'false' failed with exit status 1");
    const [, , missing] = await said([{ ...job, cleanup: ["/no/such"] }], () => Promise.resolve());
    assertStringIncludes(missing, "the cleanup '/no/such': cannot run /no/such");
    assertEquals(await said([{ ...job, cleanup: ["false"] }], () => Promise.resolve()), [
      "setup",
      "",
      "the cleanup 'false' failed with exit status 1",
    ]);
  });
});

Deno.test("prepare() runs before, is no part of a run, and must not fail", async () => {
  await withFile(async (file) => {
    const { runner } = runnerOf([
      {
        run: `test "$(cat ${file})" = ready && echo used > ${file}`,
        prepare: `sleep 0.2; printf ready > ${file}`,
      },
      { run: "true", prepare: "exit 4" },
    ], { ignoreFailure: true });
    for (let i = 0; i < 2; i++) {
      await runner.prepare({ command: 0 });
      const run = await runner.run({ command: 0 });
      assertEquals(run?.code, 0);
      assert(run!.usage.utimeNs + run!.usage.stimeNs < 190e6);
    }
    const failed = await assertRejects(() => runner.prepare({ command: 1 }), FailedCommand, "preparation");
    assertEquals(failed.status, 4);
    runner.close();
  });
});

Deno.test("a run that the user cuts short is none, and is no failure", async () => {
  const { runner, first } = runnerOf(["exec sleep 60"]);
  const running = runner.run({ command: 0 });
  setTimeout(() => first.resolve(2), 100);
  assertEquals(await running, undefined);
  assertEquals(runner.stopSignal, 2);
  runner.close();
});

Deno.test("the second request to stop ends a command that does not heed the first", async () => {
  const { runner, first, second } = runnerOf(["trap '' INT TERM; while :; do sleep 0.05; done"]);
  const running = runner.run({ command: 0 });
  setTimeout(() => first.resolve(15), 100);
  setTimeout(() => second.resolve(15), 250);
  assertEquals(await running, undefined);
  runner.close();
});

Deno.test("a run that takes longer than it may is ended with all it has started, and is an error", async () => {
  const { runner } = runnerOf(["true", "sleep 60 & sleep 60", "trap '' TERM; sleep 60", {
    run: "true",
    prepare: "sleep 60",
  }], {
    limit: () => ({ ms: 200, text: "0.2 s (--timeout)", of: "run" }),
  });
  assertEquals((await runner.run({ command: 0 }))?.code, 0);
  for (const command of [1, 2]) {
    const late = await assertRejects(
      () => runner.run({ command }),
      TimedOutCommand,
      "did not end within 0.2 s",
    );
    assertEquals([late.status, late.limit.of], [124, "run"]);
  }
  await assertRejects(
    () => runner.prepare({ command: 3 }),
    TimedOutCommand,
    "the preparation of 'true' did not end",
  );
  runner.close();
});

Deno.test("a run that takes longer than it may takes its daemons with it", async () => {
  const file = await Deno.makeTempFile();
  const { runner } = runnerOf([`(setsid sh -c 'echo $$ >${file}; exec sleep 1000' &); sleep 60`], {
    limit: () => ({ ms: 500, text: "0.5 s (--timeout)", of: "run" }),
  });
  await assertRejects(() => runner.run({ command: 0 }), TimedOutCommand);
  runner.close();
  const pid = Number(await Deno.readTextFile(file));
  await Deno.remove(file);
  assert(pid > 0);
  await eventually(() => !exists(`/proc/${pid}`, Deno.statSync), "the end of the daemon");
});

Deno.test("a run that has next to no time, or none, has taken too long, whenever it is ended", async () => {
  let ms = 0;
  const { runner } = runnerOf(["sleep 60"], { limit: () => ({ ms, text: "no time", of: "all" }) });
  for (ms of [-1, 0, 0.001, 0.5, 1, 2, 3]) {
    await assertRejects(() => runner.run({ command: 0 }), TimedOutCommand);
  }
  runner.close();
});

Deno.test("the user's word reaches a command with a group of its own, whatever the terminal does", async () => {
  const far = () => ({ ms: 60_000, text: "a minute", of: "run" as const });
  const stopper = {
    first: Promise.resolve(2),
    second: new Promise<number>(() => {}),
    commandGetsSignals: true,
  };
  const { runner } = runnerOf(["sleep 60"], { limit: far, stopper });
  const run = runner.run({ command: 0 });
  assertEquals(await run, undefined);
  runner.close();
});

/** Returns whether a process of this command line lives. */
function isRunning(words: string): boolean {
  return Array.from(Deno.readDirSync("/proc")).some(({ name }) => {
    if (!/^\d+$/.test(name)) return false;
    try {
      return Deno.readTextFileSync(`/proc/${name}/cmdline`).replaceAll("\0", " ").trim() === words;
    } catch {
      return false;
    }
  });
}

for (const commandGetsSignals of [true, false]) {
  const who = commandGetsSignals ? "from a terminal that the setup may not share" : "without a terminal";
  Deno.test(`a request to stop ends the setup, with what it has started, ${who}`, async () => {
    await withFile(async (file) => {
      const sleep = `sleep 98${Number(commandGetsSignals)}.25`;
      const [first, second] = [Promise.withResolvers<number>(), Promise.withResolvers<number>()];
      const stopper = { first: first.promise, second: second.promise, commandGetsSignals };
      const setup = ["sh", "-c", `${sleep}; echo went on >>${file}`];
      const cleanup = ["sh", "-c", `echo cleaned >>${file}`];
      const jobs = [{ name: "it", argv: ["true"], setup, cleanup }];
      const { runner } = runnerOf([], { stopper }, jobs);
      let ran: unknown = "not run";
      const ended = withSetup(runner, async () => ran = await runner.run({ command: 0 }), () => {});
      await eventually(() => isRunning(sleep), "the setup to run");
      const begun = performance.now();
      first.resolve(2);
      await ended;
      assert(performance.now() - begun < 2000, "the setup was waited for");
      runner.close();
      assertEquals([ran, isRunning(sleep)], [undefined, false]);
      assertEquals(await Deno.readTextFile(file), "cleaned\n");
    });
  });
}

Deno.test("a second request to stop kills what is left, and starts nothing more", async () => {
  await withFile(async (file) => {
    const sleep = "sleep 982.25";
    const stubborn = [
      "sh",
      "-c",
      `trap '' INT; (trap '' INT; setsid ${sleep}) & while :; do sleep 0.1; done`,
    ];
    for (
      const jobs of [
        [{ name: "it", argv: ["true"], setup: stubborn, cleanup: ["sh", "-c", `echo cleaned >>${file}`] }],
        [{ name: "it", argv: stubborn }],
      ] as Job[][]
    ) {
      const { runner, notes, first, second } = runnerOf([], {}, jobs);
      const ended = withSetup(runner, () => runner.run({ command: 0 }), (line) => notes.push(line));
      await eventually(() => isRunning(sleep), "the command to run");
      first.resolve(2);
      second.resolve(2);
      await ended;
      await eventually(() => !isRunning(sleep), "what it has started to end");
      runner.close();
      const { cleanup } = jobs[0];
      assertEquals(notes, cleanup ? [`the cleanup '${cleanup.join(" ")}' was not run: stopped before`] : []);
    }
    assertEquals(await Deno.readTextFile(file), "");
  });
});

Deno.test("a request to stop also ends what a setup starts after it", async () => {
  const sleep = "sleep 983.25";
  const setup = ["sh", "-c", `trap : INT; ${sleep}; ${sleep}; ${sleep}`];
  const { runner, first } = runnerOf([], {}, [{ name: "it", argv: ["true"], setup }]);
  const ended = runner.setUp();
  await eventually(() => isRunning(sleep), "the setup to run");
  first.resolve(2);
  await ended;
  runner.close();
  assert(!isRunning(sleep));
});
