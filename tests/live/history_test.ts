/** `pmuctl check --history` and `pmuctl trend` in real repositories. */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { testNeeding } from "../needs.ts";
import { assertRefusals, pmuctl, pmuctlOk, type Ran, run, withFolder } from "./harness.ts";

/** Runs git in a folder, with a name and a time of its own, and returns what it prints. */
async function git(cwd: string, ...args: string[]): Promise<string> {
  const identity = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "init.defaultBranch=main"];
  const { status, stdout, stderr } = await run("git", [...identity, ...args], { cwd });
  assertEquals(status, 0, `git ${args.join(" ")}: ${stderr}`);
  return stdout.trim();
}

/** Calls `body` with a repository that has a benchmark in it, whose memory the file `size` says. */
async function withRepository(body: (cwd: string) => Promise<void>): Promise<void> {
  await withFolder(async (cwd) => {
    await git(cwd, "init", "-q");
    await Deno.writeTextFile(
      `${cwd}/bench`,
      '#!/bin/sh\ndd if=/dev/zero of=/dev/null count=1 bs="$(cat size)" 2>/dev/null\n',
    );
    await Deno.writeTextFile(`${cwd}/.gitattributes`, "*.jsonl merge=union\n");
    await Deno.chmod(`${cwd}/bench`, 0o755);
    await commit(cwd, "5000000", "first");
    await body(cwd);
  });
}

async function commit(cwd: string, size: string, subject: string): Promise<void> {
  await Deno.writeTextFile(`${cwd}/size`, size);
  await git(cwd, "add", "-A");
  await git(cwd, "commit", "-q", "-m", subject);
}

/** Environment without what a CI system says of its branch. */
const NO_CI = {
  GITHUB_REF_NAME: "",
  GITHUB_HEAD_REF: "",
  CI_COMMIT_BRANCH: "",
  BRANCH_NAME: "",
  GIT_BRANCH: "",
};

function check(cwd: string, ...args: string[]): Promise<Ran> {
  const common = ["check", "--history", "perf.jsonl", "-m", "max-rss", "--budget", "10"];
  return pmuctl([...common, ...args, "--", "./bench"], { cwd, env: NO_CI });
}

const linesOf = (cwd: string) =>
  Deno.readTextFileSync(`${cwd}/perf.jsonl`).trimEnd().split("\n").map((line) => JSON.parse(line));

Deno.test("a check compares with the newest run of a branch in the history, and adds its own", () =>
  withRepository(async (cwd) => {
    const first = await check(cwd);
    assertEquals(first.status, 3, first.stderr);
    assertStringIncludes(first.stdout, "perf.jsonl of branch main has no './bench'; this run was added");
    await commit(cwd, "5000000", "the same");
    const same = await check(cwd);
    assertEquals(same.status, 0, same.stdout);
    await git(cwd, "checkout", "-q", "-b", "topic");
    await commit(cwd, "60000000", "more memory");
    for (const _ of ["once", "again"]) {
      const slower = await check(cwd, "--baseline-branch", "main");
      assertEquals(slower.status, 1, slower.stdout);
    }
    const head = await git(cwd, "rev-parse", "HEAD");
    const lines = linesOf(cwd);
    assertEquals(lines.map(({ branch }) => branch), ["main", "main", "topic", "topic"]);
    assertEquals(lines[3].commit, head);
    assert(lines.every((line) => !("dirty" in line)), "the history itself does not count as a change");
    assertEquals(Object.keys(lines[3].metrics), ["max-rss"]);
    await Deno.writeTextFile(`${cwd}/size`, "5000000");
    assertEquals((await check(cwd, "--baseline-branch", "main")).status, 0);
    assertEquals(linesOf(cwd)[4].dirty, true);
  }));

Deno.test("git merges two histories by taking the lines of both", () =>
  withRepository(async (cwd) => {
    const update = async () => {
      const { status, stderr } = await check(cwd, "--update");
      assertEquals(status, 0, stderr);
      await git(cwd, "add", "-A");
      await git(cwd, "commit", "-q", "-m", "measured");
    };
    await update();
    await git(cwd, "checkout", "-q", "-b", "topic");
    await update();
    await git(cwd, "checkout", "-q", "main");
    await update();
    await git(cwd, "merge", "-q", "-m", "merge", "topic");
    assertEquals(linesOf(cwd).map(({ branch }) => branch).sort(), ["main", "main", "topic"]);
    const { series } = JSON.parse(await pmuctlOk(["trend", "--json", "perf.jsonl"], { cwd }));
    assertEquals(series.map(({ points }: { points: object[] }) => points.length), [2]);
  }));

Deno.test("a CI system's variables say the branch of a detached commit", () =>
  withRepository(async (cwd) => {
    await git(cwd, "checkout", "-q", "--detach");
    for (
      const [env, branch] of [
        [{ GITHUB_HEAD_REF: "topic", GITHUB_REF_NAME: "7/merge" }, "topic"],
        [{ GITHUB_REF_NAME: "release" }, "release"],
        [{}, undefined],
      ] as const
    ) {
      const args = ["check", "--update", "--history", "h.jsonl", "-m", "max-rss", "--", "./bench"];
      const { status, stderr } = await pmuctl(args, { cwd, env: { ...NO_CI, ...env } });
      assertEquals(status, 0, stderr);
      const last = (await Deno.readTextFile(`${cwd}/h.jsonl`)).trimEnd().split("\n").at(-1)!;
      assertEquals(JSON.parse(last).branch, branch);
    }
  }));

Deno.test("checks that run at once leave whole lines in the history", () =>
  withFolder(async (cwd) => {
    const names = ["a", "b", "c", "d"];
    const all = await Promise.all(
      names.map((name) =>
        pmuctl(["check", "--update", "--history", "h.jsonl", "-m", "max-rss", "--name", name, "--", "true"], {
          cwd,
        })
      ),
    );
    for (const { status, stderr } of all) assertEquals(status, 0, stderr);
    const lines = (await Deno.readTextFile(`${cwd}/h.jsonl`)).trimEnd().split("\n");
    assertEquals(lines.map((line) => JSON.parse(line).benchmark).sort(), names);
  }));

testNeeding(
  ["root"],
  "check --history on a full disk leaves the history as it was",
  () =>
    withFolder(async (folder) => {
      assertEquals((await run("mount", ["-t", "tmpfs", "-o", "size=64k", "tmpfs", folder])).status, 0);
      try {
        const update = () =>
          pmuctl(["check", "--update", "--history", `${folder}/h.jsonl`, "-m", "max-rss", "--", "true"]);
        assertEquals((await update()).status, 0);
        const before = await Deno.readTextFile(`${folder}/h.jsonl`);
        // room for a part of a line in the last page of the history, and for nothing after that
        const padded = `${before}${"x".repeat(4096 - 200 - before.length % 4096)}\n`;
        await Deno.writeTextFile(`${folder}/h.jsonl`, padded);
        await run("sh", ["-c", `cat /dev/zero >${folder}/fill`]);
        const { status, stderr } = await update();
        assertEquals(status, 3, stderr);
        assertStringIncludes(stderr, "h.jsonl: no space left on device");
        assertEquals(await Deno.readTextFile(`${folder}/h.jsonl`), padded);
      } finally {
        await run("umount", ["-l", folder]);
      }
    }),
);

Deno.test("check --from compares one file with a history, and adds it", () =>
  withFolder(async (cwd) => {
    const file = async (value: number) => {
      const lines = Array.from({ length: 20 }, (_, i) => `read,${value + i % 3},ns\n`);
      await Deno.writeTextFile(`${cwd}/now.csv`, lines.join(""));
    };
    const from = (...args: string[]) =>
      pmuctl(["check", "--from", "csv", "--history", "h.jsonl", ...args, "now.csv"], { cwd });
    await file(1000);
    const first = await from();
    assertEquals(first.status, 3);
    assertStringIncludes(first.stdout, "has no 'read' of this machine: it was added");
    assertEquals((await from()).status, 0);
    await file(1200);
    const slower = await from();
    assertEquals(slower.status, 1, slower.stdout);
    assertStringIncludes(slower.stdout, "+20.0%");
    assertEquals((await from("--update")).status, 0);
    const lines = (await Deno.readTextFile(`${cwd}/h.jsonl`)).trimEnd().split("\n").map((line) =>
      JSON.parse(line)
    );
    assertEquals(
      lines.map((
        { from, metrics },
      ) => [from, (Object.values(metrics)[0] as { samples: number[] }).samples.length]),
      new Array(4).fill(["csv", 20]),
    );
  }));

Deno.test("check --from with commands adds what the new ones have measured", () =>
  withFolder(async (cwd) => {
    const args = ["check", "--from", "csv", "--shell", "--history", "h.jsonl", "--against", "echo a,5,ns"];
    const { status, stderr } = await pmuctl([...args, "--", "echo a,6,ns; echo b,1"], { cwd });
    assertEquals(status, 1, stderr);
    const lines = (await Deno.readTextFile(`${cwd}/h.jsonl`)).trimEnd().split("\n").map((line) =>
      JSON.parse(line)
    );
    assertEquals(lines.map(({ benchmark, from, metrics }) => [benchmark, from, Object.keys(metrics)]), [
      ["a", "csv", ["time"]],
    ]);
    const { samples } = lines[0].metrics.time;
    assert(samples.length >= 4 && samples.every((value: number) => value === 6), `${samples}`);
  }));

Deno.test("pmuctl.json names a history beside it, which takes the place of the baseline", () =>
  withRepository(async (cwd) => {
    await Deno.mkdir(`${cwd}/perf`);
    const config = {
      ...{ history: "perf.jsonl", baselineBranch: "main", metrics: ["max-rss"], budget: 10 },
      benchmarks: [{ name: "one", command: "./bench" }, { name: "two", command: "./bench" }],
    };
    await Deno.writeTextFile(`${cwd}/perf/pmuctl.json`, JSON.stringify(config));
    await commit(cwd, "5000000", "configured");
    const checkAll = (...args: string[]) =>
      pmuctl(["check", "--config", "perf/pmuctl.json", ...args], { cwd, env: NO_CI });
    const updated = await checkAll("--update");
    assertEquals(updated.status, 0, updated.stderr);
    assertStringIncludes(updated.stderr, "wrote perf/perf.jsonl");
    await git(cwd, "checkout", "-q", "-b", "topic");
    await commit(cwd, "60000000", "more memory");
    const slower = await checkAll();
    assertEquals(slower.status, 1, slower.stderr);
    const names = Array.from(Deno.readDirSync(`${cwd}/perf`), ({ name }) => name).sort();
    assertEquals(names, ["perf.jsonl", "pmuctl.json"]);
    assertEquals((await Deno.readTextFile(`${cwd}/perf/perf.jsonl`)).trimEnd().split("\n").length, 4);
    // what is said on the command line comes first
    const elsewhere = await checkAll("--update", "--history", "h.jsonl", "--baseline", "b.json");
    assertEquals(elsewhere.status, 0, elsewhere.stderr);
    assertStringIncludes(elsewhere.stderr, "wrote b.json and h.jsonl");
  }));

/** Writes a history of a benchmark with these values, a commit each. */
async function writeHistory(cwd: string, values: readonly number[]): Promise<void> {
  const machine = {};
  const lines: string[] = [];
  for (const [i, value] of values.entries()) {
    await git(cwd, "commit", "-q", "--allow-empty", "-m", `commit ${i} <b>`);
    const time = new Date(Date.UTC(2026, 0, 1 + i)).toISOString();
    const metrics = { best: { rung: "wall", unit: "ns", samples: [value] } };
    const commit = await git(cwd, "rev-parse", "HEAD");
    lines.push(
      JSON.stringify({
        schema: "pmuctl-history/1",
        time,
        commit,
        branch: "main",
        benchmark: "b",
        machine,
        metrics,
      }),
    );
  }
  await Deno.writeTextFile(`${cwd}/h.jsonl`, lines.join("\n"));
}

Deno.test("trend names the commits of a change, and its exit status is the verdict's", () =>
  withRepository(async (cwd) => {
    const values = Array.from({ length: 30 }, (_, i) => 1e6 + 1e3 * (i * 7 % 5) + (i >= 24 ? 5e4 : 0));
    await writeHistory(cwd, values);
    const { status, stdout, stderr } = await pmuctl(["trend", "h.jsonl"], { cwd });
    assertEquals([status, stderr], [1, ""]);
    assertMatch(stdout, /^regressed {5}b: wall \+5\.0% since [0-9a-f]{9} \(2026-01-25\)\n/);
    assertMatch(stdout, /\b[0-9a-f]{9}\.\.[0-9a-f]{9}, 1 commit\n {4}[0-9a-f]{7,} commit 24 <b>\n/);
    const elsewhere = await pmuctl(["trend", `${cwd}/h.jsonl`], { cwd: "/" });
    assert(!elsewhere.stdout.includes("commit 24"));
    assertMatch(elsewhere.stdout, /\b[0-9a-f]{9}\.\.[0-9a-f]{9}\n/);
    assertEquals((await pmuctl(["trend", "--recent", "5", "h.jsonl"], { cwd })).status, 0);
    assertEquals((await pmuctl(["trend", "-t", "6", "h.jsonl"], { cwd })).status, 0);
    const page = await pmuctl(["trend", "-o", "t.html", "h.jsonl"], { cwd });
    assertEquals([page.status, page.stdout], [1, ""]);
    assertStringIncludes(await Deno.readTextFile(`${cwd}/t.html`), "commit 24 &lt;b&gt;");
  }));

Deno.test("trend and --history say what is wrong with their arguments", () =>
  withFolder(async (cwd) => {
    await Deno.writeTextFile(`${cwd}/empty`, "");
    await Deno.writeTextFile(`${cwd}/bad`, "[]\n");
    const at = (name: string) => `${cwd}/${name}`;
    await assertRefusals([
      [["trend"], /expected a history/, 2],
      [["trend", at("none")], /cannot read the history .*none: no such file/, 4],
      [["trend", at("empty")], /empty has no runs: 'pmuctl check --history FILE' adds some/, 4],
      [["trend", at("bad")], /bad:1: passed over, because it is not an object/, 4],
      [["trend", "--across", "age", at("empty")], /--across 'age': expected one of arch/, 2],
      [["trend", "--format", "html", "--json", at("empty")], /exclude each other/, 2],
      [["trend", "-o", at("empty"), at("empty")], /would overwrite the history/, 2],
      [["check", "--baseline-branch", "main", "--against", "true", "--", "true"], /give --history FILE/, 2],
      [
        ["check", "--history", at("h"), "--baseline-branch", "main", "--against", "true", "--", "true"],
        /--baseline-branch and --against exclude each other/,
        2,
      ],
      [
        ["check", "--history", "/nowhere/h", "--update", "--", "true"],
        /cannot append to the history \/nowhere\/h: no such folder/,
        3,
      ],
      [
        ["check", "--history", at("h"), "--profile", "--", "true"],
        /--profile keeps a profile beside a baseline file/,
        2,
      ],
      [["check", "--from", "csv", "--update", at("empty")], /--update adds one file to a history/, 2],
    ]);
  }));

Deno.test("check writes no result over what it reads, nor two into one file", () =>
  withFolder(async (cwd) => {
    const run = ["--max-runs", "3", "-m", "max-rss", "--", "true"];
    await pmuctlOk(["check", "--update", "--history", "h.jsonl", "--baseline", "b.json", ...run], { cwd });
    await Deno.symlink("h.jsonl", `${cwd}/link`);
    await Deno.writeTextFile(`${cwd}/a.csv`, "a,1\n");
    const kept = await Promise.all(
      ["h.jsonl", "b.json", "a.csv"].map((name) => Deno.readTextFile(`${cwd}/${name}`)),
    );
    for (
      const [args, cause] of [
        [["--history", "h.jsonl", "--comment", "link", ...run], "would overwrite what --history reads"],
        [["--baseline", "b.json", "--junit", "b.json", ...run], "would overwrite what --baseline reads"],
        [["--from", "csv", "--comment", "a.csv", "a.csv", "a.csv"], "would overwrite what --from reads"],
        [["--junit", "x", "--comment", "x", "--against", "true", ...run], "both name x"],
      ] as const
    ) {
      const { status, stderr } = await pmuctl(["check", ...args], { cwd });
      assertEquals(status, 2, stderr);
      assertStringIncludes(stderr, cause);
    }
    const now = await Promise.all(
      ["h.jsonl", "b.json", "a.csv"].map((name) => Deno.readTextFile(`${cwd}/${name}`)),
    );
    assertEquals(now, kept);
  }));
