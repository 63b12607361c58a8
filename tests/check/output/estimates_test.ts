/**
 * What lines of `check` and `stat` say of one estimate: the change, its interval, an arrow and the verdict are read back from
 * the text, over many cases of all methods, and have to agree.
 */

import { assert, assertEquals, assertGreater, assertMatch } from "@std/assert";
import { compareSamples } from "../../../lib/check/foreign/compare_samples.ts";
import { runGate, type RunValues } from "../../../lib/check/gate.ts";
import { sourcesOf } from "../../../lib/check/metrics/metric_sources.ts";
import { checkComment } from "../../../lib/check/output/comment.ts";
import { checkText } from "../../../lib/check/output/check_text.ts";
import { githubAnnotations, stepSummary } from "../../../lib/check/output/github.ts";
import { junitXml } from "../../../lib/check/output/junit.ts";
import { type CheckRow, rowsOf } from "../../../lib/check/output/result.ts";
import { statResult } from "../../../lib/check/stat/stat.ts";
import { statMarkdown } from "../../../lib/check/stat/stat_formats.ts";
import { statText } from "../../../lib/check/stat/stat_text.ts";
import { WALL } from "../../../lib/check/metrics/metrics.ts";
import { seededRandom } from "../../../lib/run/random.ts";
import { madeRun } from "../run_fixtures.ts";
import { noise } from "../simulated_checks.ts";

type Random = () => number;

/** Shapes of a command's values; run `i`, at about 100. */
const SHAPES: ((random: Random, i: number) => number)[] = [
  (random) => 100 * noise(random, 0.001),
  (random) => 100 * noise(random, 0.05),
  (random) => Math.round(100 * noise(random, 0.02)),
  // two groups, so that medians jump between them
  (random) => (random() < 0.5 ? 80 : 120) * noise(random, 0.001),
  (random) => (random() < 0.1 ? 300 : 100) * noise(random, 0.01),
  (_, i) => 100 + i,
  () => 100,
  (random) => 1e8 + Math.round(20 * random()),
];
const CHANGES = [0.5, 0.97, 0.9999999, 1, 1.0000001, 1.0195, 1.02, 1.0204, 1.05, 1.5, 40];
const THRESHOLDS = [0.001, 1, 2, 2.25, 5, 100];

interface Case {
  old: number[];
  now: number[];
  threshold: number;
}

function* cases(): Generator<Case> {
  const random = seededRandom(17);
  let at = 0;
  for (const shape of SHAPES) {
    for (const change of CHANGES) {
      for (const threshold of THRESHOLDS) {
        if (at++ % 5 > 1) continue; // some of all combinations
        const runs = 12 + Math.floor(30 * random());
        const values = (factor: number) => Array.from({ length: runs }, (_, i) => factor * shape(random, i));
        yield { old: values(1), now: values(change), threshold };
      }
    }
  }
}

/** A load that takes nothing from one run in four, and up to twice its time from others. */
function someLoad(seed: number): Random {
  const random = seededRandom(seed);
  return () => random() < 0.25 ? 0 : 2 * random();
}

/** Rows of a case by all methods: side by side, counts, against a baseline with a gauge and without, and from files. */
async function rowsOfCase({ old, now, threshold }: Case, at: number): Promise<CheckRow[]> {
  const gate = async (name: string, stored?: { samples: number[]; gauge?: number[] }, load?: Random) => {
    const [source] = sourcesOf(name);
    // with a load, the wall time has what others took as well, and the CPU time has not
    const runOf = (value: number): [string, number][] =>
      load && source.standIn
        ? [[source.name, value * (1 + load())], [source.standIn.cpu.name, value], [
          source.standIn.waits.name,
          1,
        ]]
        : [[source.name, value]];
    const made = [0, 0], values = [stored?.gauge ? now : old, now];
    const gates = await runGate(
      [{ metric: name, source, threshold, stored }],
      1,
      { warmups: 0, maxRuns: now.length, budgetMs: 1e9 },
      {
        executor: {
          run: ({ command }) => Promise.resolve<RunValues>(new Map(runOf(values[command][made[command]++]))),
        },
        now: () => 0,
        stopped: () => false,
        seed: 1,
      },
    );
    return rowsOf({ benchmark: "x", comparedWith: "command" }, gates, 1e9);
  };
  const samples = (values: number[], unit: string) => [{ benchmark: "x", metric: "m", unit, values }];
  const thresholds = { all: threshold, byMetric: {} };
  return [
    ...await gate("wall"),
    ...await gate("instructions"),
    ...await gate("wall", undefined, someLoad(at)),
    // the bootstrap takes its time
    ...(at % 10 === 0 ? await gate("wall", { samples: old, gauge: now }) : []),
    ...(at % 10 === 1 ? await gate("instructions", { samples: old }) : []),
    ...compareSamples(samples(old, "ns"), samples(now, "ns"), { thresholds, metrics: [] }).rows,
    ...compareSamples(samples(old, "count"), samples(now, "count"), { thresholds, metrics: [] }).rows,
  ];
}

const PERCENT = String.raw`([+-][\d.]+|any)%`;
const ESTIMATE = new RegExp(`${PERCENT} \\(${PERCENT} to ${PERCENT}\\)`);
const UNITS: Record<string, number> = { "": 1, ns: 1, "µs": 1e3, ms: 1e6, s: 1e9, M: 1e6, G: 1e9 };
const QUANTITY = String.raw`([\d.]+)(?: (ns|µs|ms|s|M|G))?`;

/** Asserts that three percentages as they are written go with a verdict and an allowed increase as it is written. */
function assertAgree([change, low, high]: number[], word: string, allowed: number, text: string): void {
  assert(low <= change && change <= high, `the change is outside its interval: ${text}`);
  if (word === "regressed") assert(low > allowed && change > allowed, text);
  else if (word === "pass" || word === "improved") assert(high <= allowed, text);
  if (word === "improved") assert(high < 0, text);
}

/** Asserts that a text of check says one thing. Returns its kind: whether medians are the change, or beside it. */
function assertOneEstimate(row: CheckRow): string {
  const text = checkText({ rows: [row], notes: [], where: {} }, { colors: false });
  const [head, details] = text.split("\n");
  const word = head.split(" ")[0];
  const estimate = ESTIMATE.exec(head);
  assertEquals(estimate !== null, row.figures !== undefined, text);
  if (!estimate) return "none";
  const numbers = estimate.slice(1).map(Number);
  const allowed = Number(/allowed \+([\d.]+)%/.exec(details)![1]);
  assertEquals(allowed, row.threshold, text);
  assertAgree(numbers, word, allowed, text);

  const arrow = new RegExp(`^  ${QUANTITY} -> ${QUANTITY};`).exec(details);
  const beside = new RegExp(`^  medians ${QUANTITY} and ${QUANTITY};.* change `).exec(details);
  assertEquals(arrow === null, beside !== null, `neither an arrow nor two medians: ${text}`);
  // everything else that is written of the row has the same numbers
  const result = { rows: [row], notes: [], where: {} };
  const same = `${estimate[1]}% (${estimate[2]}% to ${estimate[3]}%)`;
  assert(junitXml(result, { strict: false }).includes(same));
  for (const line of githubAnnotations(result, { strict: false })) {
    assert(line.includes(same.replaceAll("%", "%25")));
  }
  const cells = `| ${estimate[1]}% | ${estimate[2]}% to ${estimate[3]}% |`;
  assert(stepSummary(result).includes(cells), stepSummary(result));
  assert(checkComment(result, { format: "csv", files: [] }).includes(cells));
  if (!arrow) return "beside";
  const [before, after] = [1, 3].map((at) => Number(arrow[at]) * UNITS[arrow[at + 1] ?? ""]);
  const rounding = 100 * (0.5 / 1000 + 0.5 / 1000) * (after / before); // of quantities, which have four digits or more
  assert(
    Math.abs(100 * (after / before - 1) - numbers[0]) <= rounding + 0.05 + Math.abs(numbers[0]) / 100,
    text,
  );
  return "arrow";
}

Deno.test("check's change, interval, arrow and verdict are of one estimate, however values are distributed", async () => {
  const kinds: Record<string, number> = {}, words: Record<string, number> = {};
  let apart = 0, standIns = 0;
  for (const [at, each] of [...cases()].entries()) {
    for (const row of await rowsOfCase(each, at)) {
      const kind = `${row.figures?.method} ${assertOneEstimate(row)}`;
      kinds[kind] = (kinds[kind] ?? 0) + 1;
      if (row.rung === "task-clock(rusage)") {
        standIns++;
        assertMatch(row.reason!, /^wall could not decide it \(.*\), (?:so CPU time does|nor could CPU time)/);
      }
      words[row.verdict] = (words[row.verdict] ?? 0) + 1;
      const { figures } = row;
      if (figures && Math.sign(figures.new - figures.old) !== Math.sign(figures.change)) apart++;
    }
  }
  // an arrow has one meaning for each method, and every method and verdict was among the cases
  assertEquals(Object.keys(kinds).sort(), [
    "block-bootstrap arrow",
    "range arrow",
    "rank-sum beside",
    "sign beside",
    "signed-rank beside",
  ]);
  assert(["pass", "regressed", "inconclusive"].every((word) => words[word] > 50), JSON.stringify(words));
  assertGreater(standIns, 10, "cases that the CPU time decides");
  assertGreater(apart, 5, "cases in which the medians go the other way");
});

Deno.test("stat's ratio, interval and word are of one estimate, and tell on which side of 1 it is", () => {
  let decided = 0;
  for (const { old, now } of cases()) {
    const made = [old, now].map((values) => values.map((value) => madeRun({ wallMs: value })));
    const commands = ["old", "new"].map((name) => ({ name, argv: [name], parameters: {} }));
    const result = statResult(commands, made, [WALL], { warmups: 0, absent: new Map() });
    const text = statText(result, { colors: false });
    const [, ...parts] = /^ +wall +([\d.]+)x +([\d.]+) … ([\d.]+) +(.*)$/m.exec(text)!;
    const [ratio, low, high] = parts.slice(0, 3).map(Number), word = parts[3];
    assert(low <= ratio && ratio <= high, text);
    assertEquals(word === "slower", low > 1, text);
    assertEquals(word === "faster", high < 1, text);
    if (word === "the same") assertEquals([low, ratio, high], [1, 1, 1]);
    assert(statMarkdown(result).includes(`${parts[0]} (${parts[1]} … ${parts[2]})`));
    assert(/^compared with old: median ratio of the runs of a round \(95% CI\)$/m.test(text), text);
    if (word === "slower" || word === "faster") decided++;
  }
  assertGreater(decided, 100);
});
