import {
  assert,
  assertEquals,
  assertGreater,
  assertLess,
  assertMatch,
  assertStringIncludes,
} from "@std/assert";
import { eventually } from "../eventually.ts";
import { testNeeding } from "../needs.ts";
import { asNobody, PMUCTL, pmuctl, program, type Ran, run, withFolder } from "./harness.ts";
import { exists } from "./watching.ts";

interface Check {
  status: number;
  rows: {
    benchmark: string;
    metric: string;
    rung?: string;
    verdict: string;
    reason?: string;
    figures?: { old: number; new: number; change: number; low: number; high: number };
  }[];
  notes: string[];
  where: Record<string, string>;
}

/** Benchmarks in a baseline, as far as they are looked at here. */
type Stored = Record<string, { metrics: Record<string, { rung: string; samples: number[] }> }>;

/** Of the loop, 4 instructions each: enough of them that what a process takes to start is nothing beside. */
const ROUNDS = 2_000_000;

async function checkJson(args: string[], env?: Record<string, string>) {
  const ran = await pmuctl(["check", "--json", ...args], { env });
  const check: Check = JSON.parse(ran.stdout || "{}");
  return { ...ran, check };
}

testNeeding(
  ["cc", "valgrind"],
  "check finds two percent more instructions, and none where there are none",
  async () => {
    const loop = program("loop");
    const against = ["--against", `${loop} ${ROUNDS}`, "-m", "instructions", "--"];
    const slower = await checkJson([...against, loop, `${1.02 * ROUNDS}`]);
    assertEquals([slower.status, slower.check.status], [1, 1], slower.stderr);
    const [{ verdict, rung, figures }] = slower.check.rows;
    assertEquals(verdict, "regressed");
    assert(rung === "instructions:u" || rung!.startsWith("instructions(valgrind"));
    assertGreater(figures!.old, 4 * ROUNDS);
    assert(figures!.change > 0.018 && figures!.change < 0.0201, `${figures!.change}`);
    const same = await checkJson([...against, loop, `${ROUNDS}`]);
    assertEquals([same.status, same.check.rows[0].verdict], [0, "pass"]);
  },
);

testNeeding(
  ["cc", "valgrind", "otherUser"],
  "instructions under valgrind are the same in every environment, for every user, on every kernel and CPU",
  () =>
    withFolder(async (folder) => {
      Deno.chmodSync(folder, 0o777);
      const input = `${folder}/input`, lines = Array.from({ length: 5000 }, (_, i) => `${i * 7919 % 5000}\n`);
      await Deno.writeTextFile(input, lines.join(""));
      const command = ["--", "sort", input];
      const countsOf = async (ran: Promise<Ran>, file: string) => {
        const { status, stderr } = await ran;
        assertEquals(status, 0, stderr);
        const { instructions } =
          Object.values(JSON.parse(Deno.readTextFileSync(file)).benchmarks as Stored)[0].metrics;
        assertMatch(instructions.rung, /valgrind/, "this machine has a PMU, which is better");
        return instructions.samples;
      };
      const made = (name: string) => `${folder}/${name}.json`;
      const argsOf = (
        file: string,
      ) => ["check", "--update", "-m", "instructions", "--baseline", file, ...command];
      const mask = {
        GLIBC_TUNABLES: "glibc.cpu.hwcaps=-AVX2,-ERMS",
        OMP_NUM_THREADS: "3",
        LC_ALL: "C.UTF-8",
      };
      const counts = [
        await countsOf(pmuctl(argsOf(made("plain"))), made("plain")),
        await countsOf(
          pmuctl(argsOf(made("other")), { env: { ...mask, LONG: "x".repeat(5000) } }),
          made("other"),
        ),
        await countsOf(asNobody(argsOf(made("nobody"))), made("nobody")),
      ].flat();
      const least = counts.reduce((a, b) => Math.min(a, b)), most = counts.reduce((a, b) => Math.max(a, b));
      assertLess(most / least - 1, 1e-4, `${counts}`);

      const text = Deno.readTextFileSync(made("plain"));
      const check = async (from: RegExp, to: string) => {
        Deno.writeTextFileSync(made("plain"), text.replace(from, to));
        return await checkJson(["--baseline", made("plain"), ...command]);
      };
      const elsewhere = await check(
        /"cpu": "[^"]*"([^]*)"kernel": "[^"]*"/,
        '"cpu": "a toaster"$1"kernel": "2.4"',
      );
      assertEquals(
        [elsewhere.status, elsewhere.check.rows[0].verdict],
        [0, "pass"],
        elsewhere.check.rows[0].reason,
      );
      assertStringIncludes(elsewhere.check.notes.join(), "under valgrind, pinned: the environment");
      const otherLibc = await check(/"libc": "[^"]*"/, '"libc": "glibc 2.3"');
      assertStringIncludes(otherLibc.check.rows[0].reason!, "libc: glibc 2.3 in the baseline");
      const unpinned = await check(/"pinned": \{[^}]*\},/, "");
      assertStringIncludes(unpinned.check.rows[0].reason!, "the environment was not pinned in the baseline");

      const needing = [
        "-m",
        "instructions",
        "--shell",
        "--against",
        'test -n "$NEEDED"',
        "--",
        'test -n "$NEEDED"',
      ];
      const env = { NEEDED: "yes" };
      const without = await checkJson(needing, env),
        kept = await checkJson(["--keep-env", "NEEDED", ...needing], env);
      assertStringIncludes(without.check.rows[0].reason!, "--keep-env NAME adds a variable");
      assertEquals([without.status, kept.status], [3, 0]);
      const valued = await pmuctl(["check", "--keep-env", "NEEDED=yes", ...needing]);
      assertEquals(valued.status, 2);
      assertStringIncludes(valued.stderr, "expected the name of a variable");
    }),
);

testNeeding(
  ["cc"],
  "check finds a command that takes twice the time, and names what measured it",
  async () => {
    const loop = program("loop");
    const { status, check } = await checkJson(
      ["--against", `${loop} ${ROUNDS}`, "-m", "task-clock", "-m", "wall", "--", loop, `${12 * ROUNDS}`],
    );
    assertEquals(status, 1);
    for (const { rung, metric, verdict, figures } of check.rows) {
      assertEquals(verdict, "regressed");
      // under load the CPU time decides where the wall time cannot
      assert(
        rung!.startsWith(metric) || (metric === "wall" && rung === "task-clock(rusage)"),
        `${metric}: ${rung}`,
      );
      assert(figures!.low <= figures!.change && figures!.change <= figures!.high);
    }
  },
);

testNeeding(
  ["cc"],
  "check compares with a baseline, refuses another machine's, and goes on when told to",
  async () => {
    await withFolder(async (folder) => {
      const baseline = `${folder}/b.json`;
      const work = `${folder}/work`;
      const build = (rounds: number) =>
        Deno.writeTextFile(work, `#!/bin/sh\nexec ${program("loop")} ${rounds}\n`, { mode: 0o755 });
      const args = ["--baseline", baseline, "--max-runs", "12"];
      await build(ROUNDS);
      const made = await pmuctl(["check", "--update", ...args, "-m", "wall", "--", work]);
      assertEquals(made.status, 0, made.stderr);
      await build(10 * ROUNDS);
      const slower = await checkJson([...args, "--", work]);
      assertEquals([slower.status, slower.check.rows[0].verdict], [1, "regressed"]);

      const text = Deno.readTextFileSync(baseline);
      Deno.writeTextFileSync(baseline, text.replace(/"kernel": "[^"]*"/, '"kernel": "2.6.39"'));
      const elsewhere = await checkJson([...args, "--", work]);
      assertEquals([elsewhere.status, elsewhere.check.rows[0].verdict], [3, "unmeasurable"]);
      assertStringIncludes(elsewhere.check.rows[0].reason!, "kernel: 2.6.39 in the baseline");
      const allowed = await checkJson([...args, "--allow-mismatch", "--", work]);
      assertEquals(allowed.status, 1);
      assertStringIncludes(allowed.check.notes.join(), "as well as from the command");

      Deno.writeTextFileSync(baseline, text.replace('"rung": "wall"', '"rung": "moon"'));
      const other = await checkJson([...args, "--", work]);
      assertEquals(other.status, 3);
      assertStringIncludes(other.check.rows[0].reason!, "different sources are not compared");
    });
  },
);

Deno.test("check compares no command with the baseline of another, which --update keeps", () =>
  withFolder(async (folder) => {
    const args = ["--baseline", `${folder}/b.json`, "--max-runs", "12", "-m", "page-faults"];
    const update = async (...more: string[]) => {
      const { status, stderr } = await pmuctl(["check", "--update", ...args, ...more]);
      assertEquals(status, 0, stderr);
      return stderr;
    };
    for (const seconds of ["0.01", "0.05"]) await update("--", "sleep", seconds);
    for (const seconds of ["0.01", "0.05"]) {
      const { status, check } = await checkJson([...args, "-t", "100", "--", "sleep", seconds]);
      assertEquals([status, check.rows[0].benchmark], [0, `sleep ${seconds}`]);
    }
    const missing = await checkJson([...args, "--", "sleep", "0.02"]);
    assertEquals([missing.status, missing.check.rows[0].verdict], [3, "unmeasurable"]);
    assertStringIncludes(missing.check.rows[0].reason!, "has no 'sleep 0.02'");

    await update("--name", "nap", "--", "sleep", "0.01");
    const other = await checkJson([...args, "--name", "nap", "--", "sleep", "0.05"]);
    assertEquals([other.status, other.check.rows[0].verdict], [3, "unmeasurable"]);
    assertStringIncludes(other.check.rows[0].reason!, "another command, sleep 0.01");
    assertStringIncludes(
      await update("--name", "nap", "--", "sleep", "0.05"),
      "the baseline of another command: sleep 0.01",
    );
    assertEquals((await checkJson([...args, "-t", "100", "--name", "nap", "--", "sleep", "0.05"])).status, 0);
  }));

Deno.test("check runs what is to come first and last, and compares only runs as warm, of the same input", () =>
  withFolder(async (folder) => {
    const log = `${folder}/log`, input = `${folder}/input`;
    await Deno.writeTextFile(input, "a line\n");
    const say = (word: string) => `echo ${word} >> ${log}`;
    const how = ["--shell", "--setup", say("setup"), "--cleanup", say("cleanup"), "--allow-status", "3"];
    const args = [
      "--baseline",
      `${folder}/b.json`,
      "--max-runs",
      "4",
      "-m",
      "page-faults",
      "-t",
      "100",
      ...how,
    ];
    const command = ["--", `cat >> ${log}; exit 3`];
    const lines = async () => (await Deno.readTextFile(log)).trim().split("\n");
    const made = await pmuctl(["check", "--update", "-w", "2", "--input", input, ...args, ...command]);
    assertEquals(made.status, 0, made.stderr);
    const first = await lines();
    assertEquals([first[0], first.at(-1)], ["setup", "cleanup"]);
    assertEquals(new Set(first.slice(1, -1)), new Set(["a line"]));
    for (
      const [more, status, why] of [
        [["-w", "2", "--input", input], 0, ""],
        [["--input", input], 3, "after 2 warm-up runs, not 1: give -w 2"],
        [["-w", "2"], 3, `with ${input} as input: give --input`],
      ] as const
    ) {
      const ran = await checkJson([...more, ...args, ...command]);
      assertEquals(ran.status, status);
      assertStringIncludes(ran.check.rows[0].reason ?? "", why);
    }
    const failing = await checkJson(["--setup", "exit 7", "--shell", "--against", "true", "--", "true"]);
    assertEquals([failing.status, failing.check.rows[0].verdict], [3, "unmeasurable"]);
    assertStringIncludes(failing.check.rows[0].reason!, "exit 7' failed with exit status 7");
  }));

Deno.test("check tells of a wall time that grew where something else decides", () =>
  withFolder(async (folder) => {
    const baseline = ["--baseline", `${folder}/b.json`];
    const args = ["-m", "page-faults", "-t", "50", "--max-runs", "12"];
    const note =
      /the median wall time went from .* to .* \(\+\d+%\), which page-faults(:u)? does not show: use -m wall to check it/;
    const beside = await pmuctl(["check", ...args, "--against", "sleep 0.02", "--", "sleep", "0.2"]);
    assertEquals(beside.status, 0, beside.stderr);
    assertMatch(beside.stdout, note);
    const alike = await pmuctl(["check", ...args, "--against", "sleep 0.2", "--", "sleep", "0.2"]);
    assert(!note.test(alike.stdout), alike.stdout);
    assertEquals(
      (await pmuctl(["check", "--update", ...baseline, ...args, "--", "sleep", "0.02"])).status,
      0,
    );
    const text = await Deno.readTextFile(`${folder}/b.json`);
    await Deno.writeTextFile(`${folder}/b.json`, text.replaceAll("0.02", "0.2"));
    assertMatch((await pmuctl(["check", ...baseline, ...args, "--", "sleep", "0.2"])).stdout, note);
  }));

testNeeding(
  ["cc", "valgrind"],
  "check --profile says which function it is, of prepared runs alone",
  async () => {
    await withFolder(async (folder) => {
      const source = (rounds: number) =>
        `#define LOOP(name, n) __attribute__((noinline)) void name(void) { for (volatile long i = 0; i < n; i++); }
       #include <stdio.h>
       LOOP(parse, ${rounds}) LOOP(emit, 4000000) LOOP(set_up, 2000000)
       int main(int argc, char **argv) {
         if (argc > 1) return set_up(), !fopen("${folder}/ready", "w");
         if (remove("${folder}/ready")) return 1; // nothing has prepared this run
         parse(); emit();
       }`;
      const build = async (rounds: number) => {
        await Deno.writeTextFile(`${folder}/app.c`, source(rounds));
        const { success } = await new Deno.Command("cc", {
          args: ["-O1", "-o", `${folder}/app`, `${folder}/app.c`],
        })
          .output();
        assert(success);
      };
      const args = [
        "--baseline",
        `${folder}/b.json`,
        "--name",
        "app",
        "--profile",
        "--prepare",
        `${folder}/app setup`,
        "-m",
        "instructions",
      ];
      await build(4e6);
      const made = await pmuctl(["check", "--update", ...args, "--", `${folder}/app`]);
      assertEquals(made.status, 0, made.stderr);
      await build(12e6); // in its place: the old one is gone
      const { status, check } = await checkJson([...args, "--", `${folder}/app`]);
      assertEquals(status, 1);
      const rows = check.where.app.split("\n");
      const first = rows[rows.findIndex((line) => /^ +Change/.test(line)) + 1];
      assertStringIncludes(first, "parse");
      assert(!check.where.app.includes("set_up"), check.where.app);
      const kept = Deno.readTextFileSync(`${folder}/b.app.profile.json`);
      assert(kept.includes('"emit"') && !kept.includes('"set_up"'));
    });
  },
);

/** Measures `true` by wall time, and stores it in the baseline under this name. */
function updateBaseline(baseline: string, name: string) {
  const measured = ["-m", "wall", "--max-runs", "3", "--budget", "60", "--name", name, "--", "true"];
  return pmuctl(["check", "--update", "--baseline", baseline, ...measured]);
}

Deno.test("check --update keeps what others write into the baseline at the same time", () =>
  withFolder(async (folder) => {
    const baseline = `${folder}/b.json`;
    const names = ["one", "two", "three"];
    const update = (name: string) => updateBaseline(baseline, name);
    const made = await Promise.all(names.map(update));
    for (const { status, stderr } of made) assertEquals(status, 0, stderr);
    const { benchmarks } = JSON.parse(await Deno.readTextFile(baseline));
    assertEquals(Object.keys(benchmarks).sort(), names.toSorted());
    assertEquals(Array.from(Deno.readDirSync(folder), ({ name }) => name), ["b.json"]);
  }));

testNeeding(
  ["root"],
  "check --update on a full disk leaves the baseline as it was",
  () =>
    withFolder(async (folder) => {
      assertEquals((await run("mount", ["-t", "tmpfs", "-o", "size=64k", "tmpfs", folder])).status, 0);
      try {
        const baseline = `${folder}/b.json`;
        const update = (name: string) => updateBaseline(baseline, name);
        assertEquals((await update("one")).status, 0);
        const before = await Deno.readTextFile(baseline);
        await run("sh", ["-c", `cat /dev/zero >${folder}/fill`]);
        const { status, stderr } = await update("two");
        assertEquals(status, 3, stderr);
        assertStringIncludes(stderr, "b.json: no space left on device");
        assertEquals(await Deno.readTextFile(baseline), before);
        assertEquals(Array.from(Deno.readDirSync(folder), ({ name }) => name).sort(), ["b.json", "fill"]);
      } finally {
        await run("umount", ["-l", folder]);
      }
    }),
);

Deno.test("check --update --profile that is stopped while it records writes nothing, and leaves nothing behind", () =>
  withFolder(async (folder) => {
    const prepare = `${folder}/prepare.sh`;
    // a recording has a folder for what it asks of us
    await Deno.writeTextFile(
      prepare,
      `[ ! -e "$TMPDIR"/pmuctl-runs-* ] || { touch ${folder}/records; exec sleep 60; }\n`,
    );
    await Deno.mkdir(`${folder}/tmp`);
    const child = new Deno.Command(PMUCTL, {
      args: [
        "check",
        "--update",
        "--baseline",
        `${folder}/b.json`,
        "--profile",
        "-m",
        "wall",
        "--max-runs",
        "2",
      ]
        .concat(["--prepare", `sh ${prepare}`, "--", "true"]),
      env: { TMPDIR: `${folder}/tmp` },
      stdout: "null",
      stderr: "piped",
    }).spawn();
    let over = false;
    const ended = child.output().finally(() => over = true);
    await eventually(() => over || exists(`${folder}/records`), "it to record");
    if (!over) child.kill("SIGTERM");
    const { code, stderr } = await ended;
    assertEquals(code, 143, new TextDecoder().decode(stderr));
    assertEquals(Array.from(Deno.readDirSync(folder), ({ name }) => name).sort(), [
      "prepare.sh",
      "records",
      "tmp",
    ]);
    assertEquals(Array.from(Deno.readDirSync(`${folder}/tmp`)), []);
  }));

Deno.test("check of a config file checks every benchmark, and tells GitHub and JUnit", async () => {
  await withFolder(async (folder) => {
    const config = {
      benchmarks: [
        { name: "slower", command: "sleep 0.06", against: "sleep 0.02", metrics: ["wall"] },
        { name: "fails", command: "sh -c 'echo broken >&2; exit 7'", against: "true", metrics: ["wall"] },
        { name: "new", command: "true", metrics: ["wall"] },
      ],
    };
    await Deno.writeTextFile(`${folder}/pmuctl.json`, JSON.stringify(config));
    await Deno.writeTextFile(
      `${folder}/pmuctl.baseline.json`,
      '{"schema": "pmuctl-baseline/1", "benchmarks": {}}',
    );
    const summary = `${folder}/summary.md`;
    const { status, check, stderr } = await checkJson(
      ["--config", `${folder}/pmuctl.json`, "--junit", `${folder}/j.xml`],
      { GITHUB_ACTIONS: "true", GITHUB_STEP_SUMMARY: summary },
    );
    assertEquals(status, 1, stderr);
    assertEquals(check.rows.map(({ benchmark, verdict }) => `${benchmark} ${verdict}`), [
      "slower regressed",
      "fails unmeasurable",
      "new unmeasurable",
    ]);
    assertStringIncludes(check.rows[1].reason!, "failed with exit status 7");
    assertStringIncludes(stderr, "broken");
    assertStringIncludes(check.rows[2].reason!, "has no 'new'");
    assertStringIncludes(
      stderr,
      `::error file=${folder}/pmuctl.json,title=pmuctl check%3A slower::wall regressed`,
    );
    assertStringIncludes(Deno.readTextFileSync(summary), "❌ regressed | `slower` | wall |");
    assertStringIncludes(Deno.readTextFileSync(`${folder}/j.xml`), 'tests="3" failures="1" errors="2"');
  });
});

testNeeding(
  ["valgrind"],
  "check takes no source that is beyond the budget, and says which it is",
  async () => {
    // under valgrind a run may take a second; without it thirteen rounds take more than the budget on any machine
    const sleep = "1.2";
    const { check } = await checkJson(["--budget", "8", "--against", `sleep ${sleep}`, "--", "sleep", sleep]);
    const [{ rung, verdict, reason }] = check.rows;
    if (rung === "instructions:u") return; // there is a PMU
    assertEquals([rung?.replace(/:u$/, ""), verdict], ["task-clock", "inconclusive"]);
    assertStringIncludes(reason!, "the budget of 8 s was not enough for 13 rounds");
    assertStringIncludes(check.notes.join(), "too long for the budget");
  },
);

Deno.test("check blames the budget where it ends before each command has had its share of it", async () => {
  // the old command takes most of the budget, and the new one more than is left
  const args = ["-m", "wall", "--budget", "3", "--against", "sleep 2", "--", "sleep", "2"];
  const { status, check } = await checkJson(args);
  assertEquals([status, check.rows.length, check.rows[0].verdict], [5, 1, "inconclusive"]);
  assertMatch(
    check.rows[0].reason!,
    /the budget of 3 s ended before each command had run once: give a greater/,
  );
});

/** Whether a process is there, and no zombie. */
function isRunning(pid: string): boolean {
  try {
    return !/^State:\s*[ZX]/m.test(Deno.readTextFileSync(`/proc/${pid}/status`));
  } catch {
    return false;
  }
}

/** The seconds that the body took. */
async function seconds(body: () => Promise<void>): Promise<number> {
  const begun = performance.now();
  await body();
  return (performance.now() - begun) / 1000;
}

for (
  const [what, script] of [
    ["sleeps", "exec sleep 60"],
    ["heeds no SIGTERM", "trap '' TERM; sleep 60"],
    ["waits for what it has started", "sleep 60 & wait"],
  ]
) {
  Deno.test(`check ends with its budget a command that ${what}, and all of it`, () =>
    withFolder(async (folder) => {
      const mark = `${folder}/pids`;
      const slow = `${folder}/slow`;
      await Deno.writeTextFile(slow, `#!/bin/sh\necho $$ >>${mark}\n${script}\n`, { mode: 0o755 });
      for (
        const args of [
          ["--budget", "3", "--against", "true"],
          ["--budget", "1", "-m", "wall", "--against", slow],
          ["--timeout", "0.5", "--against", "true"],
          ["--budget", "1", "--prepare", slow, "--against", "true"],
        ]
      ) {
        const command = args.includes(slow) ? "true" : slow;
        const took = await seconds(async () => {
          const { status, stdout } = await pmuctl(["check", ...args, "--", command]);
          assertEquals(status, 3, stdout);
          assertMatch(stdout, /^unmeasurable/);
          assertMatch(
            stdout,
            /did not end within ((what was left of )?the budget of \d s \(--budget\)|0.5 s \(--timeout\))/,
          );
        });
        assert(took < 20, `${took} s`);
      }
      for (const pid of (await Deno.readTextFile(mark)).trim().split("\n")) {
        await eventually(() => !isRunning(pid), `the end of ${pid}`);
      }
    }));
}

Deno.test("check --update ends with 3 when its command fails, hangs or is not there, and leaves the baseline as it is", () =>
  withFolder(async (folder) => {
    const baseline = `${folder}/b.json`;
    const update = (...args: string[]) =>
      pmuctl([
        "check",
        "-m",
        "wall",
        "--max-runs",
        "3",
        "--budget",
        "2",
        "--update",
        "--baseline",
        baseline,
        ...args,
      ]);
    assertEquals((await update("--", "true")).status, 0);
    const before = await Deno.readTextFile(baseline);
    const cases: [string[], string][] = [
      [["--", "false"], "failed with exit status 1"],
      [["--prepare", "false", "--", "true"], "failed with exit status 1"],
      [["--", "sleep", "60"], "did not end within the budget of 2 s"],
      [["--", "no-such-command"], "no such file or directory"],
    ];
    for (const [args, words] of cases) {
      const { status, stderr } = await update(...args);
      assertEquals(status, 3, stderr);
      assertStringIncludes(stderr, words);
    }
    assertEquals(await Deno.readTextFile(baseline), before);
  }));

Deno.test("check says what is missing, in one line", async () => {
  const cases: [string[], number, string][] = [
    [["--", "true"], 2, "--against 'OLD COMMAND'"],
    [["--against", "true", "-t", "fast", "--", "true"], 2, "expected a percentage above 0"],
    [["--against", "true", "-m", "no-such-event", "--", "true"], 2, "no event 'no-such-event'"],
    [["--baseline", "/no/such", "--", "true"], 4, "no such file: make one with --update"],
    [["--config", "/no/such.json"], 4, "cannot read /no/such.json"],
    [["--against", "a | b", "--", "true"], 2, "| needs a shell"],
  ];
  for (const [args, status, words] of cases) {
    const ran = await pmuctl(["check", ...args]);
    assertEquals([ran.status, ran.stdout], [status, ""], ran.stderr);
    assertEquals(ran.stderr.trimEnd().split("\n").length, 1, ran.stderr);
    assertStringIncludes(ran.stderr, words);
  }
});
