/** Code made at run time, by what its program tells of it in a jitdump: against `perf inject --jit`. */

import { assertEquals, assertGreater, assertStringIncludes } from "@std/assert";
import { testNeeding } from "../../needs.ts";
import { jsonReport, perfOk, PMUCTL, pmuctl, pmuctlOk, run, selfSamples, withFolder } from "../harness.ts";

const SCRIPT = `
function fib(n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }
function mix(k) { let s = 0; for (let i = 0; i < k; i++) s = (s * 31 + i) % 1000003; return s; }
const end = Date.now() + 700;
let x = 0;
while (Date.now() < end) x += fib(20) + mix(20000);
`;

/** Records node, which writes its jitdump where it runs; or its perf map, by another `option`. */
async function recordNode(
  folder: string,
  { option = "--perf-prof" } = {},
  ...options: string[]
): Promise<string> {
  await Deno.writeTextFile(`${folder}/script.js`, SCRIPT);
  const file = `${folder}/perf.data`;
  const args = ["record", "-q", "-e", "cpu-clock:u", ...options, "-o", file, "--"];
  await pmuctlOk([...args, "node", option, "script.js"], { cwd: folder });
  return file;
}

/** Removes what a process of `recordNode` wrote about its code. */
async function removeNames(folder: string): Promise<void> {
  const dumps = [...Deno.readDirSync(folder)].filter(({ name }) => name.endsWith(".dump"));
  const maps = [...Deno.readDirSync("/tmp")].filter(({ name }) => /^perf-\d+\.map$/.test(name));
  const gone = [
    ...dumps.map(({ name }) => `${folder}/${name}`),
    ...maps.map(({ name }) => `/tmp/${name}`).filter((path) => names(path, folder)),
  ];
  assertGreater(gone.length, 0);
  for (const path of gone) await Deno.remove(path);
}

/** Returns whether a perf map has code of the script in a folder; false for one that is gone by now. */
function names(path: string, folder: string): boolean {
  try {
    return Deno.readTextFileSync(path).includes(`${folder}/script.js`);
  } catch {
    return false;
  }
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
      const file = await recordNode(folder, {}, "-k", "monotonic");
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

testNeeding(
  ["node"],
  "a recording keeps the names of code that samples hit, whether of a perf map or a jitdump",
  () =>
    withFolder(async (folder) => {
      for (const [option, ...clock] of [["--perf-basic-prof"], ["--perf-prof", "-k", "monotonic"]]) {
        const file = await recordNode(folder, { option }, ...clock);
        const before = await pmuctlOk(["report", "--lines", "-g", "-i", file]);
        assertStringIncludes(before, "fib");
        await removeNames(folder);
        assertEquals(await pmuctlOk(["report", "--lines", "-g", "-i", file]), before);
      }
    }),
);

testNeeding(
  ["node"],
  "a recording says that a jitdump was damaged once that is gone, in a file, in a pipe, and bundled again",
  () =>
    withFolder(async (folder) => {
      // times of the CPU's own counter: bit 0 of the flags at byte 32
      const damage = `const fs = require("fs"), file = fs.openSync("jit-" + process.pid + ".dump", "r+");
        fs.writeSync(file, Buffer.from([1]), 0, 1, 32);`;
      await Deno.writeTextFile(`${folder}/script.js`, damage + SCRIPT);
      const record = `"$0" record -q -k monotonic -e cpu-clock:u -o`, node = "-- node --perf-prof script.js";
      const script = `${record} file ${node} && ${record} - ${node} >pipe`;
      assertEquals((await run("sh", ["-ec", script, PMUCTL], { cwd: folder })).status, 0);
      for (const name of ["file", "pipe"]) {
        const [path, bundle] = [`${folder}/${name}`, `${folder}/${name}.bundle`];
        const before = (await jsonReport(path)).meta.warnings.filter((text) => text.includes(".dump"));
        assertEquals(before.length, 1, name);
        assertStringIncludes(before[0], "times of the CPU's own counter");
        const dump = before[0].match(/jit-\d+\.dump/)![0];
        await Deno.remove(`${folder}/${dump}`);
        await pmuctlOk(["bundle", "-q", path, "-o", bundle]);
        for (const each of [path, bundle]) {
          const { meta: { warnings } } = await jsonReport(each);
          assertEquals(warnings.filter((text) => text.includes(".dump")), before, each);
        }
      }
    }),
);

testNeeding(
  ["node"],
  "a recording in a pipe carries the names of run-time code behind its records",
  () =>
    withFolder(async (folder) => {
      await Deno.writeTextFile(`${folder}/script.js`, SCRIPT);
      for (const option of ["--perf-basic-prof", "--perf-prof"]) {
        const script = `"$0" record -q -e cpu-clock:u -o - -- node ${option} script.js >piped.data`;
        assertEquals((await run("sh", ["-c", script, PMUCTL], { cwd: folder })).status, 0);
        await removeNames(folder);
        const file = `${folder}/piped.data`, bytes = await Deno.readFile(file);
        const byFile = await pmuctlOk(["report", "-i", file]);
        assertStringIncludes(byFile, "fib");
        const byPipe = await pmuctl(["report", "-i", "-"], { stdin: bytes });
        assertEquals([byPipe.status, byPipe.stdout], [0, byFile]);
      }
    }),
);

testNeeding(
  ["node"],
  "each file of a recording that goes on in another one keeps the names of its own samples",
  () =>
    withFolder(async (folder) => {
      await recordNode(folder, { option: "--perf-basic-prof" }, "-g", "--switch-output=128K");
      await removeNames(folder);
      const files = [...Deno.readDirSync(folder)].filter(({ name }) => /^perf\.data\.\d+$/.test(name));
      assertGreater(files.length, 1);
      let named = 0;
      for (const { name } of files) {
        const keys = [...selfSamples(await jsonReport(`${folder}/${name}`)).keys()];
        if (keys.some((key) => key.includes("fib") && key.includes("script.js"))) named++;
      }
      assertGreater(named, 1);
    }),
);

testNeeding(
  ["node", "perf"],
  "perf reads a recording with names as it reads one without",
  () =>
    withFolder(async (folder) => {
      const file = await recordNode(folder, { option: "--perf-basic-prof" });
      const samples = (await jsonReport(file)).events[0].samples;
      const lines = (await perfOk(["script", "-F", "ip", "-i", file])).trim().split("\n");
      assertEquals(lines.length, samples);
      assertStringIncludes(await perfOk(["report", "--header-only", "-i", file]), "# perf version : pmuctl");
    }),
);
