/** `pmuctl check --from` on what hyperfine and `go test` write here and now. */

import { assert, assertEquals, assertGreater, assertMatch, assertStringIncludes } from "@std/assert";
import { quoteWords } from "../../lib/cli/shell_words.ts";
import { testNeeding } from "../needs.ts";
import { eventually } from "../eventually.ts";
import { assertRefusals, PMUCTL, pmuctl, run, withFolder } from "./harness.ts";
import { exists } from "./watching.ts";

interface Row {
  benchmark: string;
  metric: string;
  verdict: string;
  reason?: string;
  figures: { change: number; method: string; runs: { old: number; new: number } };
}

async function checkFrom(format: string, ...args: string[]): Promise<{ status: number; rows: Row[] }> {
  const { status, stdout, stderr } = await pmuctl(["check", "--json", "--from", format, ...args]);
  assertEquals(stderr, "");
  return { status, rows: JSON.parse(stdout).rows };
}

testNeeding(
  ["hyperfine"],
  "check --from hyperfine finds what takes twice the time, and nothing that does not",
  () =>
    withFolder(async (folder) => {
      for (const [name, seconds] of [["old", "0.02"], ["same", "0.02"], ["slow", "0.04"]]) {
        const args = ["-N", "--runs", "12", "--export-json", `${folder}/${name}`, `sleep ${seconds}`];
        assertEquals((await run("hyperfine", args)).status, 0);
      }
      const slow = await checkFrom("hyperfine", `${folder}/old`, `${folder}/slow`);
      assertEquals([slow.status, slow.rows.length, slow.rows[0].verdict], [1, 1, "regressed"]);
      assertGreater(slow.rows[0].figures.change, 0.3);
      const same = await checkFrom("hyperfine", "-t", "100", `${folder}/old`, `${folder}/same`);
      assertEquals([same.status, same.rows[0].verdict], [0, "pass"]);
    }),
);

const GO_TEST = `package x
import ("os"; "testing")
var Sink []byte
func BenchmarkMake(b *testing.B) {
  n := 1000
  if os.Getenv("SLOW") != "" { n = 4000 }
  b.ReportAllocs()
  for i := 0; i < b.N; i++ { Sink = make([]byte, n) }
}
`;

testNeeding(
  ["go"],
  "check --from go goes by time and by what was allocated",
  () =>
    withFolder(async (folder) => {
      await Deno.writeTextFile(`${folder}/go.mod`, "module x\ngo 1.18\n");
      await Deno.writeTextFile(`${folder}/x_test.go`, GO_TEST);
      for (const [name, env] of [["old", {}], ["new", { SLOW: "1" }]] as const) {
        const args = ["test", "-bench", ".", "-count", "8", "-benchtime", "2000x"];
        const ran = await run("go", args, {
          cwd: folder,
          env: { ...env },
        });
        assertEquals(ran.status, 0, ran.stderr);
        await Deno.writeTextFile(`${folder}/${name}.txt`, ran.stdout);
      }
      const { status, rows } = await checkFrom(
        "go",
        "-m",
        "B/op",
        "-m",
        "allocs/op",
        `${folder}/old.txt`,
        `${folder}/new.txt`,
      );
      assertEquals(status, 1);
      assertEquals(rows.map(({ benchmark, metric, verdict }) => `${benchmark} ${metric} ${verdict}`), [
        "BenchmarkMake B/op regressed",
        "BenchmarkMake allocs/op pass",
      ]);
      const text = await pmuctl(["check", "--from", "go", `${folder}/old.txt`, `${folder}/new.txt`]);
      assertMatch(text.stdout, /^\w+ +BenchmarkMake: ns\/op /m);
      assertStringIncludes(text.stdout, "note: old and new were measured at different times");
    }),
);

/** A harness that prints CSV: `t` of both benchmarks, in ms, `factor` times as long as usual, and 0 for `none`. */
function csvHarness(factor: number): string {
  const values = [0, 1, 2].map((i) => `fast,${factor * (10 + i / 100)},ms\\nnone,0\\n`).join("");
  return `printf 'a,1,ms\\n${values}'`;
}

Deno.test("check --from runs two harnesses in turns, and judges what they print as it judges commands", async () => {
  const check = (old: string, now: string, ...args: string[]) =>
    checkFrom("csv", "--shell", "--against", old, ...args, "--", now);
  const slower = await check(csvHarness(1), csvHarness(1.2));
  assertEquals(slower.status, 1);
  assertEquals(slower.rows.map(({ benchmark, metric, verdict }) => `${benchmark} ${metric} ${verdict}`), [
    "a time pass",
    "fast time regressed",
    "none value pass",
  ]);
  const [, { figures }] = slower.rows;
  assertMatch(figures.method, /^(sign|signed-rank)$/); // of pairs
  assertEquals(figures.runs.old, figures.runs.new);
  assert(Math.abs(figures.change - 0.2) < 1e-9);

  const same = await check(csvHarness(1), csvHarness(1), "-m", "time", "--name", "suite");
  assertEquals(same.status, 0);
  assertEquals(same.rows.map(({ benchmark, verdict }) => `${benchmark} ${verdict}`), [
    "suite/a pass",
    "suite/fast pass",
  ]);

  const inconclusive = await check(csvHarness(1), `sleep 0.5; ${csvHarness(1)}`, "--budget", "2");
  assertEquals([inconclusive.status, inconclusive.rows[0].verdict], [5, "inconclusive"]);
  assertMatch(
    inconclusive.rows[0].reason!,
    /the budget of 2 s was not enough for \d+ rounds.*: give --budget \d+/,
  );
  const failing = await check(csvHarness(1), "exit 3");
  assertEquals([failing.status, failing.rows[0].verdict], [3, "unmeasurable"]);
  assertMatch(failing.rows[0].reason!, /'sh -c 'exit 3'' failed|failed with exit status 3/);
  const silent = await check(csvHarness(1), "true");
  assertMatch(
    silent.rows[0].reason!,
    /cannot take csv results from .*its standard output: it has no lines of NAME,VALUE/,
  );
  const other = await check("echo b,1; echo c,1", "echo a,1; echo d,1");
  assertMatch(other.rows[0].reason!, /they have no benchmark and metric in common/);
  assertEquals(other.status, 3);
});

Deno.test("check --from gives each run of a harness a file of its own, and takes no results of the run before", () =>
  withFolder(async (folder) => {
    const google = (ms: number) =>
      JSON.stringify({ benchmarks: [{ name: "BM", real_time: ms, cpu_time: ms, time_unit: "ms" }] });
    const harness = `${folder}/harness`;
    await Deno.writeTextFile(
      harness,
      `#!/bin/sh\n[ ! -e "$2" ] && [ "\${3-x}" != "$2" ] || exit 9\n` +
        `[ "$1" = 0 ] || printf '${google(1).replaceAll("1", "%s")}' "$1" "$1" >"$2"\n`,
      { mode: 0o755 },
    );
    const check = (...args: string[]) =>
      checkFrom("google-benchmark", "--against", `${harness} 10 {}`, ...args);
    const slower = await check("--", harness, "11", "{}");
    assertEquals(slower.status, 1);
    assertEquals(slower.rows.map(({ metric, verdict }) => `${metric} ${verdict}`), [
      "real_time regressed",
      "cpu_time regressed",
    ]);
    const none = await check("--", harness, "0", "{}");
    assertMatch(
      none.rows[0].reason!,
      /cannot take google-benchmark results from '.*': cannot read .*: no such file/,
    );
    // nothing is left behind
    const { stderr } = await pmuctl(
      ["check", "--from", "google-benchmark", "--against", `${harness} 10 {}`, "--", harness, "10", "{}"],
      { env: { TMPDIR: await Deno.makeTempDir({ dir: folder, prefix: "tmp" }) } },
    );
    assertEquals(stderr, "");
    const [tmp] = Array.from(Deno.readDirSync(folder)).filter(({ name }) => name.startsWith("tmp"));
    assertEquals(Array.from(Deno.readDirSync(`${folder}/${tmp.name}`)), []);

    const config = `${folder}/pmuctl.json`;
    const benchmark = {
      name: "suite",
      from: "google-benchmark",
      against: `${harness} 10 {}`,
      command: `${harness} 11 {}`,
    };
    await Deno.writeTextFile(config, JSON.stringify({ metrics: ["cpu_time"], benchmarks: [benchmark] }));
    const ran = await pmuctl(["check", "--config", config]);
    assertEquals(ran.status, 1, ran.stderr);
    assertMatch(ran.stdout, /^regressed +suite\/BM: cpu_time \+10\.0% /);
    for (
      const [from, message] of [["excel", /pmuctl.json: suite: from: expected one of criterion/], [
        "go",
        /expected 'against' as well/,
      ]] as const
    ) {
      await Deno.writeTextFile(
        config,
        JSON.stringify({ benchmarks: [{ ...benchmark, from, against: from === "go" ? undefined : "x" }] }),
      );
      const refused = await pmuctl(["check", "--config", config]);
      assertEquals(refused.status, 4);
      assertMatch(refused.stderr, message);
    }
  }));

Deno.test("Ctrl-C ends the harnesses of check --from, and the line says that it was stopped", () =>
  withFolder(async (folder) => {
    const harness = `echo >>'${folder}/begun'; sleep 60; echo a,1`;
    const args = ["check", "--shell", "--from", "csv", "--against", harness, "--", harness];
    const child = new Deno.Command(PMUCTL, { args, stdin: "null", stdout: "piped", stderr: "null" }).spawn();
    await eventually(() => exists(`${folder}/begun`), "the first harness to run");
    child.kill("SIGINT");
    const { code, stdout } = await child.output();
    assertEquals(code, 130);
    assertMatch(
      new TextDecoder().decode(stdout),
      /^inconclusive .*: csv\n {2}stopped before it was decided\n$/,
    );
    assertEquals(await Deno.readTextFile(`${folder}/begun`), "\n");
  }));

Deno.test("check writes a comment where it is told to, standard output behind its result included", () =>
  withFolder(async (folder) => {
    const [old, now, comment] = ["old.csv", "new.csv", "comment.md"].map((name) => `${folder}/${name}`);
    for (const [file, ms] of [[old, 10], [now, 20]] as const) {
      await Deno.writeTextFile(file, `a|b,${ms},ms\n`.repeat(10));
    }
    const to = (path: string) => pmuctl(["check", "--from", "csv", "--comment", path, old, now]);
    assertEquals((await to(comment)).status, 1);
    const text = await Deno.readTextFile(comment);
    assertStringIncludes(text, "\n| `a`&#124;`b` | `time` | ❌ regressed | +100% | +100% to +100% |\n");
    assertStringIncludes(text, `- old csv file: \`${old}\``);
    const { status, stdout, stderr } = await to("/dev/stdout");
    assertEquals([status, stderr], [1, ""]);
    assertStringIncludes(stdout, text);
    assertMatch(stdout, /^regressed +a\|b: time \+100%/m);
    await assertRefusals([[
      ["check", "--from", "csv", "--comment", `${folder}/no/c.md`, old, now],
      /cannot write .*c\.md: no such folder: name another file$/m,
      3,
    ]]);
  }));

testNeeding(
  ["hyperfine", "go"],
  "check --from runs hyperfine and go test in turns",
  () =>
    withFolder(async (folder) => {
      const hyperfine = (
        seconds: string,
      ) => ["hyperfine", "-N", "--runs", "2", "--export-json", "{}", `sleep ${seconds}`];
      const slow = await checkFrom(
        "hyperfine",
        "--against",
        quoteWords(hyperfine("0.01")),
        "--",
        ...hyperfine("0.02"),
      );
      assertEquals([slow.status, slow.rows[0].verdict], [1, "regressed"]);
      for (const size of ["1000", "4000"]) {
        await Deno.mkdir(`${folder}/${size}`);
        await Deno.writeTextFile(`${folder}/${size}/go.mod`, "module x\ngo 1.18\n");
        await Deno.writeTextFile(`${folder}/${size}/x_test.go`, GO_TEST.replace("n := 1000", `n := ${size}`));
        const built = await run("go", ["test", "-c", "-o", `../${size}.test`], { cwd: `${folder}/${size}` });
        assertEquals(built.status, 0, built.stderr);
      }
      const go = (size: string) => [`${folder}/${size}.test`, "-test.bench", ".", "-test.benchtime", "500x"];
      const { status, rows } = await checkFrom(
        "go",
        "-m",
        "B/op",
        "--against",
        quoteWords(go("1000")),
        "--",
        ...go("4000"),
      );
      assertEquals([status, rows[0].benchmark, rows[0].verdict], [1, "BenchmarkMake", "regressed"]);
    }),
);

Deno.test("check --from says what is wrong with its arguments", async () => {
  await assertRefusals([
    [
      ["check", "--from", "go", "only-one"],
      /compares two files, pmuctl check --from go OLD NEW, or what two commands write/,
      2,
    ],
    [["check", "--from", "excel", "a", "b"], /--from .excel.: expected one of criterion/, 2],
    [["check", "--from", "go", "--budget", "3", "a", "b"], /--budget is for commands/, 2],
    [
      ["check", "--from", "excel", "--against", "a", "--", "b"],
      /--from .excel.: expected one of criterion/,
      2,
    ],
    [
      ["check", "--from", "go", "--keep-env", "A", "--against", "a", "--", "b"],
      /--keep-env is for others/,
      2,
    ],
    [["check", "--from", "go", "--against", "a"], /--against is for a command/, 2],
    [["check", "--from", "go", "/no/such/file", "b"], /cannot read \/no\/such\/file: no such file/, 4],
    [["check", "--from", "csv", "/dev/null", "/dev/null"], /\/dev\/null/, 4],
    [
      ["check", "--from", "criterion", "/proc/self", "/proc/self"],
      /no benchmark in it has a folder 'new'/,
      4,
    ],
  ]);
});
