/** Code made at run time, by what its program tells of it in a jitdump: against `perf inject --jit`. */

import { assertEquals, assertGreater, assertStringIncludes } from "@std/assert";
import { testNeeding } from "../../needs.ts";
import { jsonReport, perfOk, pmuctlOk, run, selfSamples, withFolder } from "../harness.ts";

const SCRIPT = `
function fib(n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }
function mix(k) { let s = 0; for (let i = 0; i < k; i++) s = (s * 31 + i) % 1000003; return s; }
const end = Date.now() + 700;
let x = 0;
while (Date.now() < end) x += fib(20) + mix(20000);
`;

/** Records node, which writes its jitdump where it runs. */
async function recordNode(folder: string, ...options: string[]): Promise<string> {
  await Deno.writeTextFile(`${folder}/script.js`, SCRIPT);
  const file = `${folder}/perf.data`;
  const args = ["record", "-q", "-e", "cpu-clock:u", ...options, "-o", file, "--"];
  await pmuctlOk([...args, "node", "--perf-prof", "script.js"], { cwd: folder });
  return file;
}

/** What a function was compiled to anew has the same name, and is one row of ours and two of perf's. */
function sumByName(counts: [name: string, samples: number][]): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const [name, samples] of counts) sums[name] = (sums[name] ?? 0) + samples;
  return sums;
}

/** Samples by name of what the script made, as pmuctl reports them. */
async function ourCounts(file: string): Promise<Record<string, number>> {
  const report = await jsonReport(file);
  assertEquals(report.meta.warnings, []);
  const counts: [string, number][] = [];
  for (const [key, samples] of selfSamples(report)) {
    if (key.startsWith("[JIT]") && key.includes("script.js")) counts.push([key.split(" ")[3], samples]);
  }
  return sumByName(counts);
}

/** The same by perf, which needs `perf inject --jit` first. */
async function perfCounts(folder: string, file: string): Promise<Record<string, number>> {
  const injected = `${folder}/injected.data`;
  const cache = ["--buildid-dir", `${folder}/build-ids`];
  const inject = [...cache, "inject", "--jit", "-i", file, "-o", injected];
  const { status } = await run("perf", inject, { cwd: folder });
  assertEquals(status, 0);
  const out = await perfOk(
    [
      ...cache,
      "report",
      "-i",
      injected,
      "--stdio",
      "-n",
      "-t",
      "\t",
      "--percent-limit",
      "0",
      "--sort",
      "sym",
    ],
  );
  const counts: [string, number][] = [];
  for (const row of out.split("\n")) {
    const [, samples, name] = row.split("\t").map((cell) => cell.trim());
    if (name?.includes("script.js")) counts.push([name.split(" ")[1], Number(samples)]);
  }
  return sumByName(counts);
}

testNeeding(
  ["perf", "node"],
  "report names code by its program's jitdump, as perf does after perf inject --jit",
  () =>
    withFolder(async (folder) => {
      const file = await recordNode(folder, "-k", "monotonic");
      const ours = await ourCounts(file);
      assertGreater(Object.values(ours).reduce((sum, samples) => sum + samples, 0), 100);
      assertEquals(ours, await perfCounts(folder, file));
    }),
);

testNeeding(
  ["node"],
  "report warns when a recording's clock is not that of a jitdump, and names its code all the same",
  () =>
    withFolder(async (folder) => {
      const report = await jsonReport(await recordNode(folder));
      assertStringIncludes(report.meta.warnings.join(), "record with -k monotonic");
      assertGreater([...selfSamples(report).keys()].filter((key) => key.includes("script.js")).length, 0);
    }),
);
