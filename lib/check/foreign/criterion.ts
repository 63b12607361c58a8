/**
 * Reader of Criterion's folder (target/criterion): below it each benchmark has folders of its measurements, `new` of the
 * last run and `base` of the one before, with the time of all iterations of each sample in ns (sample.json).
 */

import { exists } from "../../base/files/exists.ts";
import { readNamedText } from "../../base/files/file_bytes.ts";
import { BadInputError } from "../../base/system/errors.ts";
import { JsonShape } from "../baseline/shape.ts";
import { type BenchmarkSamples, BenchmarkTable } from "./samples.ts";

/** Folders below one another, and benchmarks in all, at most. */
const MAX_DEPTH = 8, MAX_BENCHMARKS = 10_000;

/**
 * Reads the measurements of all benchmarks in a folder.
 * @param measurement folder of each benchmark that has them: `new`, `base`, or the name of a saved baseline.
 */
export function readCriterion(folder: string, measurement: string): BenchmarkSamples[] {
  const table = new BenchmarkTable();
  for (const path of measurementsIn(folder, measurement, 0)) {
    const sample = members(`${path}/sample.json`), of = members(`${path}/benchmark.json`);
    const iterations = sample.shape.need(sample.all, "iters").list().map((count) =>
      count.number({ above: 0 })
    );
    const times = sample.shape.need(sample.all, "times").list().map((time, i) =>
      time.number() / iterations[i]
    );
    table.add(of.shape.need(of.all, "full_id").text(), "time", "ns", times);
  }
  if (table.rows.length > 0) return table.rows;
  throw new BadInputError(
    `${folder}: no benchmark in it has a folder '${measurement}': name target/criterion after 'cargo bench'`,
  );
}

function* measurementsIn(folder: string, measurement: string, depth: number): Generator<string> {
  let count = 0;
  for (const { name, isDirectory } of entriesOf(folder)) {
    if (!isDirectory || depth > MAX_DEPTH) continue;
    const path = `${folder}/${name}`;
    if (name === measurement && exists(`${path}/sample.json`, Deno.statSync)) yield path;
    else yield* measurementsIn(path, measurement, depth + 1);
    if (++count > MAX_BENCHMARKS) {
      throw new BadInputError(`${folder}: it has more than ${MAX_BENCHMARKS} folders`);
    }
  }
}

function entriesOf(folder: string): Deno.DirEntry[] {
  try {
    return Array.from(Deno.readDirSync(folder)).sort((a, b) => a.name < b.name ? -1 : 1);
  } catch (error) {
    const isMissing = error instanceof Deno.errors.NotFound;
    throw new BadInputError(
      `cannot read ${folder}: ${isMissing ? "no such folder" : "it is no folder that can be read"}`,
    );
  }
}

function members(path: string): { shape: JsonShape; all: Record<string, JsonShape> } {
  const text = readNamedText(path);
  if (typeof text !== "string") throw new BadInputError(`cannot read ${path}: ${text.cause}`);
  const shape = JsonShape.parse(path, text);
  return { shape, all: Object.fromEntries(shape.entries()) };
}
