/** `pmuctl report` against `perf report` on the same files: a table in Markdown, then every difference, a line each. */

import { parseArgs } from "@std/cli/parse-args";
import { perfOk, pmuctlOk, withFolder } from "../tests/live/harness.ts";
import { compareWithPerf, type Comparison } from "../tests/live/perf_rows.ts";
import { lacking, LARGE_WORKLOADS, type Workload, WORKLOADS } from "../tests/live/workloads.ts";

/** With fewer samples, shares to two places tell how many they are: see compareWithPerf(). */
const MAX_SAMPLES = 10_000;
const RECORDING = ["record", "-q", "-e", "cpu-clock", "-F", "3000", "-g", "-N", "-o"];
const COLUMNS =
  "| file | samples | symbols | with callers | self differs | total differs | unresolved differs |";

const { ms, _: files } = parseArgs(Deno.args, { string: ["ms"], default: { ms: "1000" } });
const found: [name: string, Comparison][] = [];

console.log(`${COLUMNS}\n|${" --- |".repeat(COLUMNS.split("|").length - 2)}`);
if (files.length > 0) { for (const file of files) show(`${file}`, await compareWithPerf(`${file}`)); }
else {await withFolder(async (folder) => {
    for (const workload of [...WORKLOADS, ...LARGE_WORKLOADS]) await recordAndShow(workload, folder);
  });}
for (const [name, { samples, self, total, unresolved, discardedChains, failedObjects }] of found) {
  if (samples >= MAX_SAMPLES) console.log(`\n${name}: with this many samples, totals agree only to 0.01%`);
  if (self.length + total.length + unresolved.length === 0) continue;
  console.log(
    `\n${name}: perf discards ${discardedChains} chains` +
      failedObjects.map((path) => `; fails to open ${path}`),
  );
  const lines: [string, string[]][] = [["self", self], ["total", total], ["unresolved", unresolved]];
  for (const [what, rows] of lines) for (const row of rows) console.log(`  ${what}: ${row}`);
}

/** Records a workload with pmuctl and with perf, and holds both programs against each other on both files. */
async function recordAndShow(workload: Workload, folder: string): Promise<void> {
  const missing = lacking(workload);
  if (missing.length > 0) return console.error(`SKIP ${workload.name}: it needs ${missing.join(", ")}`);
  const command = await workload.make(folder, Number(ms));
  for (const [recorder, record] of [["pmuctl", pmuctlOk], ["perf", perfOk]] as const) {
    const file = `${folder}/${workload.name}.${recorder}`;
    await record([...RECORDING, file, "--", ...command]);
    show(`${workload.name}, by ${recorder}`, await compareWithPerf(file));
  }
}

function show(name: string, compared: Comparison): void {
  const { samples, selfRows, totalRows, self, total, unresolved } = compared;
  const cells = [name, samples, selfRows, totalRows, self.length, total.length, unresolved.length];
  console.log(`| ${cells.join(" | ")} |`);
  found.push([name, compared]);
}
