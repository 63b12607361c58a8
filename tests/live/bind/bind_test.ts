/** `pmuctl bind` on real programs, beside `perf stat`. */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { testNeeding } from "../../needs.ts";
import { PMUCTL, pmuctl, pmuctlOk, program, run, withFolder } from "../harness.ts";

interface Row {
  pid: number;
  time: number;
  counts: { name: string; unit: string; count: number | null }[];
}

/** The row is the last line: what the command prints comes before it. */
async function bindRow(events: string, command: string[], options: string[] = []): Promise<Row> {
  const out = await pmuctlOk(["bind", ...options, "--json", "-e", events, "--", ...command]);
  return JSON.parse(out.trimEnd().split("\n").at(-1)!);
}

/** `perf stat -x,` of the same events, by name. */
async function perfStat(
  events: string,
  command: string[],
  under: string[],
): Promise<Record<string, number>> {
  const [first, ...rest] = [...under, "perf", "stat", "-x,", "-e", events, "--", ...command];
  const ran = await run(first, rest, { bareEnv: true });
  const lines = ran.stderr.trim().split("\n").map((line) => line.split(","));
  return Object.fromEntries(lines.map(([value, , name]) => [name, Number(value)]));
}

// Where stack, heap and libraries come to lie moves a handful of faults from run to run: under setarch (of
// util-linux, as setpriv) all of them stay in place. perf adds to the environment of what it runs, which lies on
// the stack: with little else there, that does not take it over the edge of a page.
for (const [name, ...args] of [["faults", "10000"], ["ratio", "10"], ["forks", "20", "1000"]]) {
  testNeeding(
    ["perf", "cc", "setpriv"],
    `bind counts the page faults that perf stat counts: ${name}`,
    async () => {
      const command = [program(name), ...args];
      // how much of a file one fault maps depends on how it lies in the page cache: settled after a run
      await run("setarch", ["-R", ...command], { bareEnv: true });
      const theirs = await perfStat("page-faults,minor-faults", command, ["setarch", "-R"]);
      for (const options of [[], ["-T", "0"]]) {
        const all = ["bind", "-f", ...options, "--json", "-e", "page-faults,minor-faults", "--", ...command];
        const ran = await run("setarch", ["-R", PMUCTL, ...all], { bareEnv: true });
        assertEquals(ran.status, 0, ran.stderr);
        const { counts }: Row = JSON.parse(ran.stdout.trimEnd().split("\n").at(-1)!);
        assertEquals(Object.fromEntries(counts.map((c) => [c.name, c.count])), theirs, options.join(" "));
      }
    },
  );
}

testNeeding(["cc"], "bind counts what the command's children do when it is to follow them", async () => {
  const faults = async (rounds: string, ...options: string[]) => {
    const { counts: [{ count }] } = await bindRow("page-faults", [program("forks"), rounds, "1000"], options);
    return count!;
  };
  const few = await faults("10", "-f"), many = await faults("100", "-f"), alone = await faults("100");
  assert(many > 3 * few, JSON.stringify({ few, many }));
  assert(alone < many / 2, JSON.stringify({ alone, many }));
});

testNeeding(["cc"], "bind's task-clock is the time the command ran", async () => {
  const row = await bindRow("task-clock", [program("ratio"), "1000"]);
  const [clock] = row.counts;
  assertEquals(clock.unit, "ns");
  assert(clock.count! > 1e8 && clock.count! / 1e9 <= row.time * 1.01, JSON.stringify(row));
});

Deno.test("bind prints a header and a total row, and passes the command's status on", async () => {
  const ran = await pmuctl(["bind", "-e", "page-faults,task-clock", "--", "sh", "-c", "exit 5"]);
  assertEquals(ran.status, 5);
  const [header, row, ...rest] = ran.stdout.trimEnd().split("\n");
  assertMatch(header, /^ +time +pid +lwp +event page-faults(:u)? task-clock(:u)?\(ns\)$/);
  assertMatch(row, /^ +0\.\d{3} +\d+ +1 +total +\d+ +\d+$/);
  assertEquals(rest, []);
});

Deno.test("bind never counts a clock in place of cycles: it counts them or says why not", async () => {
  const ran = await pmuctl(["bind", "-e", "cycles", "--", "true"]);
  if (ran.status === 0) {
    assertMatch(ran.stdout, /cycles/);
  } else {
    assertEquals(ran.status, 3);
    assertStringIncludes(ran.stderr, "no hardware PMU");
  }
});

Deno.test("bind refuses what makes no sense with status 2, and a command that is not there with 127", () =>
  withFolder(async (cwd) => {
    assertEquals((await pmuctl(["bind"], { cwd })).status, 2);
    assertEquals((await pmuctl(["bind", "-e", "page-faults"], { cwd })).status, 2);
    assertEquals((await pmuctl(["bind", "-e", "nonsense", "--", "true"], { cwd })).status, 2);
    assertEquals((await pmuctl(["bind", "-e", "page-faults", "--", "no-such-command"], { cwd })).status, 127);
  }));

testNeeding(
  ["perf", "cc"],
  "bind of a command without events counts what perf stat does by default, in all that it starts, and gives its status",
  async () => {
    const command = ["sh", "-c", `${program("forks")} 20 1000; exit 7`];
    const ran = await pmuctl(["bind", "--json", "--", ...command]);
    assertEquals(ran.status, 7, ran.stderr);
    const summary = JSON.parse(ran.stdout.trimEnd().split("\n").at(-1)!);
    assertEquals([summary.command, summary.exit], [command, 7]);
    const counts: Record<string, number> = Object.fromEntries(
      summary.counts.map(({ name, count }: { name: string; count: number }) => [name, count]),
    );
    const names = [...Object.keys(counts), ...Object.keys(summary.absent)].map((name) =>
      name.replace(/:u$/, "")
    );
    assertEquals(
      names.sort(),
      "branch-misses branches context-switches cpu-migrations cycles instructions page-faults task-clock"
        .split(" "),
    );
    const theirs = (await perfStat("page-faults", command, []))["page-faults"];
    assert(
      Math.abs(counts["page-faults"] - theirs) < theirs / 10,
      `${counts["page-faults"]}, perf has ${theirs}`,
    );
    const text = await pmuctlOk(["bind", "--", "true"]);
    assertMatch(text, /\n true\n\n +[\d.]+ ms +task-clock.* # [\d.]+ CPUs used\n/);
    assertMatch(text, /\n +[\d.]+ s +elapsed\n/);
  },
);

Deno.test("bind without events prints rows of the usual ones where rows are asked for", async () => {
  const rows = await pmuctlOk(["bind", "-i", "0.1", "--", "sleep", "0.3"]);
  assertMatch(rows, /^ +time +pid +lwp +event task-clock.*page-faults/);
  assertMatch(rows, / tick /);
});
