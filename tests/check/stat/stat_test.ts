import { getColorEnabled } from "@std/fmt/colors";
import { assertAlmostEquals, assertEquals, assertStringIncludes } from "@std/assert";
import { DEFAULT_EVENTS, metricsOf, type RunFacts, WALL } from "../../../lib/check/metrics/metrics.ts";
import { type StatResult, statResult } from "../../../lib/check/stat/stat.ts";
import { statCsv, statJson, statMarkdown, statRunsCsv } from "../../../lib/check/stat/stat_formats.ts";
import { statText } from "../../../lib/check/stat/stat_text.ts";
import { assertGolden } from "../../golden.ts";
import { madeRun, steadyRuns } from "../run_fixtures.ts";

const EVENTS = DEFAULT_EVENTS.split(",").map((name) => ({
  name,
  scale: 1,
  ...(name === "task-clock" ? { unit: "ns" } : {}),
}));
const NO_PMU = "there is no hardware PMU in this machine";
const ABSENT = new Map(
  ["instructions:u", "cycles:u", "branch-misses:u", "cache-misses:u"].map((e) => [e, NO_PMU]),
);

/** Returns the counts of a run without a PMU. */
function counted(cpuMs: number) {
  return {
    cpuMs,
    counts: { "task-clock": 1e6 * cpuMs, "page-faults": 241, "context-switches": 4, "cpu-migrations": 0 },
  };
}

function resultOf(samples: RunFacts[][], { absent = ABSENT, warmups = 0, events = EVENTS } = {}): StatResult {
  const commands = samples.map((_, i) => ({
    name: `gcc -O${i} -c 'a "b".c'`,
    argv: ["gcc", `-O${i}`, "-c", 'a "b".c'],
    parameters: { level: String(i) },
  }));
  return statResult(commands, samples, metricsOf(events, absent, new Map()), { warmups, absent });
}

const SLOW_ONE = madeRun({ wallMs: 84, nivcsw: 412, ...counted(47) });
const TWO = resultOf([
  steadyRuns(12, 50, counted(45)).with(6, SLOW_ONE),
  steadyRuns(12, 62, counted(57)),
], { warmups: 1 });

Deno.test("statText() shows tables, outliers with the reason, ratios with intervals and what was not counted", () => {
  assertGolden("stat-two-commands.txt", statText(TWO, { colors: false }));
});

Deno.test("statText() fits a terminal: prose is wrapped, and columns that do not fit are named", () => {
  for (const width of [80, 72, 50]) {
    const text = statText(TWO, { colors: false, width });
    for (const line of text.split("\n")) assertEquals(line.length <= width, true, line);
    assertEquals(text.includes("no room for min … max"), !text.includes("  min … max"));
    assertStringIncludes(text, "CI of median");
  }
  assertEquals(statText(TWO, { colors: false, width: 200 }), statText(TWO, { colors: false }));
});

Deno.test("statText() calls runs with an allowed status so, and only the others failed", () => {
  const runs = [0, 1, 1, 2].map((code) => madeRun({ wallMs: 10, code }));
  const command = { name: "it", argv: ["it"], parameters: {} };
  const headOf = (allowedStatuses: number[]) => {
    const result = statResult([command], [runs], [WALL], { warmups: 0, absent: new Map(), allowedStatuses });
    return statText(result, { colors: false }).split("\n")[0];
  };
  assertEquals(headOf([]), "it  4 runs, 3 failed (status 1, 2)");
  assertEquals(headOf([1]), "it  4 runs, 2 with status 1, as allowed, 1 failed (status 2)");
  assertEquals(headOf([1, 2]), "it  4 runs, 3 with status 1, 2, as allowed");
});

Deno.test("statText() has colours only when asked for", () => {
  const escape = "\x1b[";
  assertEquals(statText(TWO, { colors: false }).includes(escape), false);
  // NO_COLOR, where the tests run with it, wins over what is asked for
  assertEquals(statText(TWO, { colors: true }).includes(escape), getColorEnabled());
});

Deno.test("statMarkdown() is a table with a row for each command and metric", () => {
  assertGolden("stat-two-commands.md", statMarkdown(TWO));
});

Deno.test("statJson() has every sample and what they come to", () => {
  const json = JSON.parse(statJson(TWO, "1.2.3"));
  assertEquals([json.schema, json.pmuctl, json.warmups], ["pmuctl.stat/1", "1.2.3", 1]);
  const [first, second] = json.commands;
  assertEquals(first.argv, ["gcc", "-O0", "-c", 'a "b".c']);
  assertEquals(first.metrics.wall.samples[6], 84e6);
  assertEquals(first.outliers.map((outlier: { run: number }) => outlier.run), [6]);
  assertEquals("ratio" in first.metrics.wall, false);
  assertAlmostEquals(second.metrics.wall.ratio.value, 62 / 50, 0.01);
  assertEquals(Object.keys(json.notCounted).includes("instructions:u"), true);
  assertEquals("instructions:u" in first.metrics, false);
});

Deno.test("statCsv() has a line for each command and metric, statRunsCsv() for each run, quoted as RFC 4180 wants", () => {
  const lines = statCsv(TWO).split("\r\n");
  assertEquals(lines[0].split(",").slice(0, 6), ["command", "level", "metric", "unit", "n", "median"]);
  assertEquals(lines.length, 1 + TWO.commands.flatMap((command) => command.metrics).length + 1);
  assertEquals(lines[1].startsWith(`"gcc -O0 -c 'a ""b"".c'",0,wall,ns,12,`), true);
  const runs = statRunsCsv(TWO).split("\r\n");
  assertEquals(runs.length, 1 + 24 + 1);
  assertEquals(runs[0].split(",").slice(0, 5), ["command", "level", "run", "status", "wall"]);
});

Deno.test("a metric that nobody knows is in no table, and never 0", () => {
  const runs = steadyRuns(5, 10).map((run) => ({ ...run, ownMemory: false }));
  const names = resultOf([runs], { absent: new Map(EVENTS.map(({ name }) => [name, "denied"])) })
    .commands[0].metrics.map(({ metric }) => metric.name);
  assertEquals(names, [
    "wall",
    "user",
    "sys",
    "task-clock(rusage)",
    "page-faults(rusage)",
    "context-switches(rusage)",
    "major-faults",
  ]);
});

Deno.test("a counter that was missing in a run leaves that run out, and one that took turns is an estimate", () => {
  const events = [{ name: "cycles", scale: 1 }];
  const run = (value?: number, running = 1) =>
    madeRun({ wallMs: 10, counts: value === undefined ? {} : { cycles: { value, running } } });
  const result = resultOf([[run(100), run(), run(300, 0.4)], [run(200), run(400), run(600)]], {
    events,
    absent: new Map(),
  });
  const [a, b] = result.commands.map(({ metrics }) => metrics.at(-1)!);
  assertEquals([a.summary.n, a.samples, a.running], [2, [100, undefined, 300], 0.4]);
  assertEquals(b.ratio?.ratio, 2); // of the rounds that have both
  assertStringIncludes(statText(result, { colors: false }), "cycles shared its counter and is an estimate");
});

Deno.test("an event that was measured as less than asked for is named as what it is", () => {
  const runs = steadyRuns(3, 10, counted(9));
  const measured = new Map([["task-clock", "task-clock:u"]]);
  const command = { name: "x", argv: ["x"], parameters: {} };
  const metrics = metricsOf([{ name: "task-clock", scale: 1 }], new Map(), measured);
  const result = statResult([command], [runs], metrics, { warmups: 0, absent: new Map() });
  const clock = result.commands[0].metrics.find(({ metric }) => metric.name === "task-clock:u");
  assertEquals(clock?.samples, [9e6, 9e6, 9e6]);
});

Deno.test("runs that failed and were let count are told, and too few runs tell no difference", () => {
  const runs = [
    madeRun({ wallMs: 10, code: 3 }),
    madeRun({ wallMs: 11 }),
    madeRun({ wallMs: 10.5, code: 7 }),
  ];
  const slower = [20, 21, 22].map((wallMs) => madeRun({ wallMs }));
  const text = statText(resultOf([runs, slower]), { colors: false });
  assertStringIncludes(text, "3 runs, 2 failed (status 3, 7)");
  assertStringIncludes(text, "(so few runs give the intervals 75% confidence; -r 6 or more: 95%)");
  assertStringIncludes(text, "too few runs to tell");
  assertEquals(text.includes("slower"), false);
});
