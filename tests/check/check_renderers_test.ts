import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { checkJson } from "../../lib/check/output/check_json.ts";
import { checkText } from "../../lib/check/output/check_text.ts";
import { readFingerprint } from "../../lib/check/baseline/fingerprint.ts";
import { githubAnnotations, stepSummary } from "../../lib/check/output/github.ts";
import { junitXml } from "../../lib/check/output/junit.ts";
import {
  checkExitStatus,
  type CheckResult,
  type CheckRow,
  formatPercent,
  formatSignedPercent,
} from "../../lib/check/output/result.ts";
import { assertGolden } from "../golden.ts";

const ROW: CheckRow = {
  benchmark: "sort",
  comparedWith: "command",
  metric: "wall",
  rung: "wall",
  unit: "ns",
  verdict: "regressed",
  improved: false,
  threshold: 2,
  figures: {
    old: 100e6,
    new: 105e6,
    change: 0.05,
    low: 0.041,
    high: 0.062,
    confidence: 0.9987,
    method: "signed-rank",
    noise: 0.004,
    runs: { old: 21, new: 21 },
  },
};
const RESULT: CheckResult = {
  rows: [
    ROW,
    {
      ...ROW,
      metric: "best",
      rung: "instructions(valgrind-3.19.0)",
      unit: "count",
      verdict: "pass",
      improved: true,
    },
    {
      ...ROW,
      benchmark: "a <b> | \"c\" & 'd'",
      verdict: "inconclusive",
      reason: "runs of the same command already differ by 30%",
    },
    {
      benchmark: "gone",
      comparedWith: "baseline",
      metric: "cache-misses:u",
      unit: "count",
      verdict: "unmeasurable",
      improved: false,
      reason: "no counters:\nnone",
    },
  ],
  notes: ["the baseline is of another machine"],
  where: { sort: "+57 ms  parse\n```\n" },
};

Deno.test("checkText() gives a verdict and what is behind it, and no colours unless asked", async () => {
  await assertGolden("check.txt", checkText(RESULT, { colors: false }));
  // deno-lint-ignore no-control-regex
  assert(!/\x1b/.test(checkText(RESULT, { colors: false })));
});

Deno.test("checkText() calls the best metric so where none could be chosen", () => {
  const row: CheckRow = { ...RESULT.rows[3], benchmark: "ls", metric: "best" };
  const text = checkText({ rows: [row], notes: [], where: {} }, { colors: false });
  assertStringIncludes(text, "unmeasurable  ls: the best metric\n");
});

Deno.test("junitXml() counts failures, errors and what is skipped, and escapes names", async () => {
  const xml = junitXml(RESULT, { strict: false });
  assertStringIncludes(xml, 'tests="4" failures="1" errors="1" skipped="1"');
  assertStringIncludes(junitXml(RESULT, { strict: true }), 'failures="2" errors="1" skipped="0"');
  await assertGolden("check.junit.xml", xml);
});

Deno.test("githubAnnotations() are errors where the build ends, and escaped as the runner wants", () => {
  const lines = githubAnnotations(RESULT, { strict: false, file: "ci/pmuctl.json" });
  assertEquals(lines.map((line) => line.split(" ")[0]), ["::error", "::warning", "::error"]);
  assertStringIncludes(lines[0], "file=ci/pmuctl.json,title=pmuctl check%3A sort::wall regressed: +5.0%25");
  assert(lines.every((line) => !line.includes("\n")));
  assertEquals(
    githubAnnotations(RESULT, { strict: true }).every((line) => line.startsWith("::error ")),
    true,
  );
});

Deno.test("stepSummary() is a table that no name breaks, with where it went", async () => {
  await assertGolden("check.summary.md", stepSummary(RESULT));
});

Deno.test("checkJson() has every number", () => {
  const machine = readFingerprint({ read: () => undefined, list: () => undefined }, {
    arch: "x86_64",
    tool: "t",
  });
  const json = JSON.parse(checkJson(RESULT, { status: 1, version: "0.1.0", machine }));
  assertEquals([json.schema, json.status, json.rows[0].figures.low], ["pmuctl.check/1", 1, 0.041]);
});

Deno.test("exitStatus() is the worst verdict's, and --strict takes inconclusive for regressed", () => {
  const of = (...verdicts: CheckRow["verdict"][]) => verdicts.map((verdict) => ({ ...ROW, verdict }));
  assertEquals(checkExitStatus(of("pass", "pass"), false), 0);
  assertEquals(checkExitStatus(of("pass", "inconclusive"), false), 5);
  assertEquals(checkExitStatus(of("inconclusive"), true), 1);
  assertEquals(checkExitStatus(of("inconclusive", "unmeasurable"), false), 3);
  assertEquals(checkExitStatus(of("unmeasurable", "regressed"), false), 1);
});

Deno.test("percent() has digits for small ones, and no number for what is not known", () => {
  assertEquals([0, 0.05, 0.0004, 0.00001, 1.5, Infinity].map(formatPercent), [
    "0%",
    "5.0%",
    "0.04%",
    "0.001%",
    "150%",
    "any%",
  ]);
  assertEquals([formatSignedPercent(0.05), formatSignedPercent(-0.05), formatSignedPercent(0)], [
    "+5.0%",
    "-5.0%",
    "+0%",
  ]);
});
