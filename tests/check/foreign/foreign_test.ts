/** What other benchmark tools wrote on real benchmarks, one of which got slower: read, and judged. */

import { assert, assertAlmostEquals, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { median } from "simple-statistics";
import { BadInputError } from "../../../lib/base/system/errors.ts";
import { compareSamples } from "../../../lib/check/foreign/compare_samples.ts";
import { readCriterion } from "../../../lib/check/foreign/criterion.ts";
import { FOREIGN_FORMATS } from "../../../lib/check/foreign/foreign_formats.ts";
import { PARSERS } from "../../../lib/check/foreign/parsers.ts";
import type { BenchmarkSamples } from "../../../lib/check/foreign/samples.ts";

const FOLDER = new URL("../../testdata/foreign/", import.meta.url).pathname;
const NO_LIMITS = { thresholds: { byMetric: {} }, metrics: [] };

const parse = (format: string, file: string) => PARSERS[format](file, Deno.readTextFileSync(FOLDER + file));
const shapeOf = (samples: readonly BenchmarkSamples[]) =>
  samples.map(({ benchmark, metric, unit, values }) => `${benchmark} ${metric} ${unit} ${values.length}`);
const verdicts = (old: BenchmarkSamples[], now: BenchmarkSamples[], metrics: string[] = []) =>
  compareSamples(old, now, { ...NO_LIMITS, metrics }).rows.map(({ benchmark, metric, verdict }) =>
    `${benchmark} ${metric} ${verdict}`
  );

Deno.test("every format has a reader", () => {
  assertEquals([...Object.keys(PARSERS), "criterion"].sort(), [...FOREIGN_FORMATS].sort());
});

Deno.test("Google Benchmark's repetitions are samples, its aggregates are none", () => {
  const [old, now] = [
    parse("google-benchmark", "google-old.json"),
    parse("google-benchmark", "google-new.json"),
  ];
  assertEquals(shapeOf(old), [
    "BM_Sum/3 real_time ns 20",
    "BM_Sum/3 cpu_time ns 20",
    "BM_Same real_time ns 20",
    "BM_Same cpu_time ns 20",
  ]);
  assertAlmostEquals(median(old[1].values), 352, 1); // it is written in us
  assertEquals(verdicts(old, now, ["cpu_time"]), ["BM_Sum/3 cpu_time regressed", "BM_Same cpu_time pass"]);
});

Deno.test("pytest-benchmark's rounds are samples, and a file without them says how to get them", () => {
  const [old, now] = [
    parse("pytest-benchmark", "pytest-old.json"),
    parse("pytest-benchmark", "pytest-new.json"),
  ];
  assertEquals(shapeOf(old), ["test_x.py::test_sum time ns 40", "test_x.py::test_sort time ns 40"]);
  assertEquals(verdicts(old, now), ["test_x.py::test_sum time regressed", "test_x.py::test_sort time pass"]);
  const file = JSON.parse(Deno.readTextFileSync(`${FOLDER}pytest-old.json`));
  delete file.benchmarks[0].stats.data;
  const refused = assertThrows(
    () => PARSERS["pytest-benchmark"]("x.json", JSON.stringify(file)),
    BadInputError,
  );
  assertStringIncludes(refused.message, "--benchmark-save-data");
});

Deno.test("JMH's iterations of all forks are samples, rates as time of an operation", () => {
  const old = parse("jmh", "jmh-old.json");
  assertEquals(shapeOf(old), [
    "x.MyBenchmark.rate (n=100) thrpt ns 16",
    "x.MyBenchmark.average (n=100) avgt ns 16",
  ]);
  for (const { values } of old) assert(median(values) > 20 && median(values) < 200, `${median(values)} ns`);
});

Deno.test("Criterion's samples are those of each benchmark's folder", () => {
  const [old, now] = ["old", "new"].map((name) => readCriterion(`${FOLDER}criterion`, name));
  assertEquals(shapeOf(old), ["group/same/1 time ns 20", "sum time ns 20"]);
  assertEquals(verdicts(old, now)[1], "sum time regressed");
  assertThrows(() => readCriterion(`${FOLDER}criterion`, "main"), BadInputError, "has a folder 'main'");
  assertThrows(() => readCriterion(`${FOLDER}nowhere`, "new"), BadInputError, "no such folder");
});

const CSV = 'name,value,unit\nread,1.5,ms\n"a ""quoted"", name",3\nread,1600,us\n\nsize,4,B\n';

Deno.test("CSV has a line for each value, with a unit or without", () => {
  const samples = PARSERS.csv("x.csv", CSV);
  assertEquals(shapeOf(samples), ["read time ns 2", 'a "quoted", name value count 1', "size B bytes 1"]);
  assertEquals(samples[0].values, [1.5e6, 1.6e6]);
});

Deno.test("a unit with a name that every object has is a unit like others", () => {
  const samples = PARSERS.csv("x.csv", "a,1,constructor\n".repeat(5));
  assertEquals(shapeOf(samples), ["a constructor constructor 5"]);
  assertEquals(verdicts(samples, samples), ["a constructor pass"]);
});

Deno.test("what no reader can read is refused with its place and what to do", () => {
  for (
    const [format, text, message] of [
      ["csv", "a,1\nb\n", "line 2: expected NAME,VALUE"],
      ["csv", "name,value\n", "no lines of NAME,VALUE"],
      ["go", "PASS\n", "no lines that 'go test -bench' prints"],
      ["hyperfine", "{}", "results: expected a list"],
      ["hyperfine", '{"results":[{"command":"x","times":["y"]}]}', "results[0].times[0]: expected a number"],
      ["google-benchmark", "[", "is not JSON"],
      [
        "google-benchmark",
        '{"benchmarks":[{"name":"x","time_unit":"weeks"}]}',
        "time_unit: expected a unit of time",
      ],
      [
        "jmh",
        '[{"benchmark":"x","mode":"ss","primaryMetric":{"scoreUnit":"?","rawData":[]}}]',
        "scoreUnit: expected",
      ],
      ["pytest-benchmark", '{"benchmarks":[]}', "no benchmarks"],
    ]
  ) {
    assertStringIncludes(
      assertThrows(() => PARSERS[format]("x", text), BadInputError).message,
      message,
      text,
    );
  }
});

const samples = (benchmark: string, values: number[], unit = "ns"): BenchmarkSamples => ({
  benchmark,
  metric: "m",
  unit: unit as "ns",
  values,
});
const around = (center: number) => Array.from({ length: 15 }, (_, i) => center + (i - 7) / 10);

Deno.test("compareSamples() is as sure as the number of benchmarks asks for, and says what it lacks", () => {
  const few = samples("few", [1, 2, 3]);
  const { rows, notes } = compareSamples(
    [
      few,
      samples("gone", [1]),
      samples("steady", [100, 100, 100, 100], "count"),
      samples("none", [0, 0], "count"),
    ],
    [
      few,
      samples("steady", [120, 120, 120, 120], "count"),
      samples("none", [0, 0], "count"),
      samples("made", [1]),
    ],
    NO_LIMITS,
  );
  assertEquals(rows.map(({ benchmark, verdict }) => `${benchmark} ${verdict}`), [
    "few inconclusive",
    "steady regressed",
    "none pass",
  ]);
  assertStringIncludes(rows[0].reason!, "measure each 6 times or more");
  assertEquals(notes.slice(0, 2), ["made: m is only in the new file", "gone: m is only in the old file"]);
});

Deno.test("compareSamples() compares one benchmark with one whatever they are called, and nothing with 0", () => {
  const { rows } = compareSamples(
    [samples("./old x", around(100))],
    [samples("./new x", around(120))],
    NO_LIMITS,
  );
  assertEquals(rows.map(({ benchmark, verdict }) => `${benchmark} ${verdict}`), ["./new x regressed"]);
  const allowed = { thresholds: { all: 50, byMetric: {} }, metrics: [] };
  assertEquals(
    compareSamples([samples("a", around(100))], [samples("b", around(120))], allowed).rows[0].verdict,
    "pass",
  );
  const zero = compareSamples([samples("a", [0, 0])], [samples("a", [0, 3])], NO_LIMITS);
  assertStringIncludes(zero.rows[0].reason!, "no ratio to that");
});

Deno.test("compareSamples() takes a thousand of any number of values, from all of them", () => {
  const drifting = (factor: number) =>
    Array.from({ length: 200_000 }, (_, i) => factor * (100 + i % 7 + i / 1e5));
  const { rows: [row] } = compareSamples(
    [samples("a", drifting(1))],
    [samples("a", drifting(1.2))],
    NO_LIMITS,
  );
  assertEquals([row.verdict, row.figures!.runs], ["regressed", { old: 1000, new: 1000 }]);
  assertAlmostEquals(row.figures!.old, 104, 0.2);
  assertAlmostEquals(row.figures!.change, 0.2, 0.01);
});

Deno.test("of a hundred benchmarks that are the same, none regressed", () => {
  let seed = 1;
  const random = () => (seed = seed * 16807 % 2147483647) / 2147483647;
  const all = () =>
    Array.from(
      { length: 100 },
      (_, i) =>
        samples(
          `b${i}`,
          Array.from({ length: 20 }, () => 100 * Math.exp(0.3 * (random() + random() + random() - 1.5))),
        ),
    );
  for (let i = 0; i < 5; i++) {
    const { rows } = compareSamples(all(), all(), { thresholds: { all: 0.01, byMetric: {} }, metrics: [] });
    assertEquals(rows.filter(({ verdict }) => verdict === "regressed"), []);
  }
});
