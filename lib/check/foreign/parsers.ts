/** Readers of what benchmark tools write in one file. */

import { BadInputError } from "../../base/system/errors.ts";
import { JsonShape } from "../baseline/shape.ts";
import { type BenchmarkSamples, BenchmarkTable, NS } from "./samples.ts";

/** Parses the text of a file, whose name is for errors. Throws BadInputError. */
export type SampleParser = (file: string, text: string) => BenchmarkSamples[];

/** Parsers by the name of the format, as in `--from`. */
export const PARSERS: Readonly<Record<string, SampleParser>> = {
  csv: parseCsv,
  go: parseGo,
  "google-benchmark": parseGoogleBenchmark,
  hyperfine: parseHyperfine,
  jmh: parseJmh,
  "pytest-benchmark": parsePytest,
};

/** Parses an `export-json` of hyperfine: the wall time of each run, in s. */
function parseHyperfine(file: string, text: string): BenchmarkSamples[] {
  const table = new BenchmarkTable();
  for (const result of listAt(JsonShape.parse(file, text), "results")) {
    const members = Object.fromEntries(result.entries());
    const times = result.need(members, "times").list().map((time) => time.number() * NS.s);
    table.add(result.need(members, "command").text(), "wall", "ns", times);
  }
  return table.rows;
}

/**
 * Parses what `go test -bench` prints, several times with -count: lines of `BenchmarkName-8  100  123 ns/op  16 B/op`. The
 * number of CPUs behind the name is left out, as benchstat does.
 */
function parseGo(file: string, text: string): BenchmarkSamples[] {
  const table = new BenchmarkTable();
  for (const line of text.split("\n")) {
    const [, name, rest] = /^(Benchmark\S*?)(?:-\d+)?\s+\d+\s+(\S.*)$/.exec(line.trimEnd()) ?? [];
    if (name === undefined) continue;
    const words = rest.split(/\s+/);
    for (let i = 0; i + 1 < words.length; i += 2) addGo(table, name, Number(words[i]), words[i + 1]);
  }
  return found(table, file, "lines that 'go test -bench' prints");
}

function addGo(table: BenchmarkTable, name: string, value: number, unit: string): void {
  if (!Number.isFinite(value)) return;
  if (unit === "ns/op") table.add(name, unit, "ns", [value]);
  else if (unit === "B/op") table.add(name, unit, "bytes", [value]);
  else if (unit === "allocs/op") table.add(name, unit, "count", [value]);
  else if (!unit.endsWith("/s")) table.add(name, unit, unit as "count", [value]); // rates say the same as ns/op
}

/** Parses JSON of Google Benchmark (--benchmark_out): one value for each repetition. */
function parseGoogleBenchmark(file: string, text: string): BenchmarkSamples[] {
  const table = new BenchmarkTable();
  for (const result of listAt(JsonShape.parse(file, text), "benchmarks")) {
    const members = Object.fromEntries(result.entries());
    if (members.run_type?.text() === "aggregate" || members.error_occurred !== undefined) continue;
    const name = (members.run_name ?? result.need(members, "name")).text();
    const ns = NS[members.time_unit?.text() ?? "ns"] ?? members.time_unit!.refuse("a unit of time");
    for (const metric of ["real_time", "cpu_time"]) {
      table.add(name, metric, "ns", [result.need(members, metric).number() * ns]);
    }
  }
  return found(table, file, "benchmarks");
}

/** Parses JSON of pytest-benchmark: the rounds of each benchmark, in s. */
function parsePytest(file: string, text: string): BenchmarkSamples[] {
  const table = new BenchmarkTable();
  for (const result of listAt(JsonShape.parse(file, text), "benchmarks")) {
    const members = Object.fromEntries(result.entries());
    const name = result.need(members, "fullname").text();
    const stats = Object.fromEntries(result.need(members, "stats").entries());
    if (stats.data === undefined) {
      throw new BadInputError(
        `${file}: '${name}' has no data of its rounds: run pytest with --benchmark-save-data`,
      );
    }
    table.add(name, "time", "ns", stats.data.list().map((time) => time.number() * NS.s));
  }
  return found(table, file, "benchmarks");
}

/** Parses JSON of JMH (-rf json): the iterations of all forks, as time of an operation. */
function parseJmh(file: string, text: string): BenchmarkSamples[] {
  const table = new BenchmarkTable();
  for (const result of JsonShape.parse(file, text).list()) {
    const members = Object.fromEntries(result.entries());
    const parameters = Object.entries(members.params ? Object.fromEntries(members.params.entries()) : {})
      .map(([name, value]) => `${name}=${value.text({ mayBeEmpty: true })}`).join(",");
    const name = result.need(members, "benchmark").text() + (parameters && ` (${parameters})`);
    const metric = Object.fromEntries(result.need(members, "primaryMetric").entries());
    const unit = result.need(metric, "scoreUnit");
    const toNs = jmhScale(unit);
    const forks = result.need(metric, "rawData").list();
    table.add(
      name,
      result.need(members, "mode").text(),
      "ns",
      forks.flatMap((fork) => fork.list().map((score) => toNs(score.number()))),
    );
  }
  return found(table, file, "benchmarks");
}

/** Returns what makes ns of an operation of scores in a unit: `us/op`, or `ops/ms`, of which more is better. */
function jmhScale(unit: JsonShape): (score: number) => number {
  const [, time, rate] = /^(?:(\w+)\/op|ops\/(\w+))$/.exec(unit.text()) ?? [];
  const ns = NS[time ?? rate];
  if (ns === undefined) return unit.refuse("a time of an operation, or operations in a time");
  return (score) => time !== undefined ? score * ns : ns / score;
}

/** Parses `name,value[,unit]`, a line for each value; a first line without a number is a header. */
function parseCsv(file: string, text: string): BenchmarkSamples[] {
  const table = new BenchmarkTable();
  for (const [i, line] of text.split(/\r?\n/).entries()) {
    if (line.trim() === "") continue;
    const [name, number, unit = ""] = csvFields(line), value = Number(number);
    const isNumber = number !== undefined && number.trim() !== "" && Number.isFinite(value);
    if (!isNumber && i === 0) continue;
    if (!isNumber || name === "") {
      throw new BadInputError(
        `${file}: line ${i + 1}: expected NAME,VALUE or NAME,VALUE,UNIT, with a number for VALUE`,
      );
    }
    addUnit(table, name, value, unit.trim());
  }
  return found(table, file, "lines of NAME,VALUE");
}

function addUnit(table: BenchmarkTable, name: string, value: number, unit: string): void {
  const ns = NS[unit];
  if (ns !== undefined) table.add(name, "time", "ns", [value * ns]);
  else {table.add(name, unit || "value", unit === "" ? "count" : unit === "B" ? "bytes" : unit as "count", [
      value,
    ]);}
}

/** Splits a line at its commas, except those within "..." (RFC 4180). */
function csvFields(line: string): string[] {
  return [...line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)]
    .map(([, quoted, plain]) => quoted === undefined ? plain.trim() : quoted.replaceAll('""', '"'));
}

function listAt(root: JsonShape, key: string): JsonShape[] {
  return root.need(Object.fromEntries(root.entries()), key).list();
}

function found(table: BenchmarkTable, file: string, what: string): BenchmarkSamples[] {
  if (table.rows.length > 0) return table.rows;
  throw new BadInputError(
    `${file}: it has no ${what}: name what the tool wrote, or another format with --from`,
  );
}
