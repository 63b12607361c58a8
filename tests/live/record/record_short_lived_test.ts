/** `pmuctl record` of many short-lived processes: each sample belongs to the command and object that it was in. */

import { assert, assertEquals, assertGreater } from "@std/assert";
import { testNeeding } from "../../needs.ts";
import { jsonReport, perfReportRows, pmuctl, program, symbolDifferences, withFolder } from "../harness.ts";

/** How many jobs each test starts; PMUCTL_JOBS=10000 for the full count. */
const JOBS = Deno.env.get("PMUCTL_JOBS") ?? "60";
const KINDS = [0, 1, 2, 3];

/** Records `jobs HOW`, and checks what came of it against what each job is known to do. */
async function recordJobs(how: string, options: string[]): Promise<void> {
  const jobs = program("jobs");
  await withFolder(async (folder) => {
    for (const k of KINDS) Deno.copyFileSync(jobs, `${folder}/job-${k}`);
    const file = `${folder}/jobs.data`;
    const ran = await pmuctl([
      ...["record", "-g", "-F", "5000", "-o", file, ...options, "--", jobs, how, JOBS, folder, "1000000"],
    ]);
    assertEquals(ran.status, 0, ran.stderr);
    const report = await jsonReport(file);
    // what else runs on the machine is none of this test's business
    const rows = report.events.flatMap((event) => event.rows).filter((row) =>
      /^job/.test(row.command) || /^job/.test(row.object)
    );
    let unresolved: Map<string, number> | undefined;
    for (const { command, object, symbol, self } of rows) {
      const inObject = /^job-(\d)$/.exec(object)?.[1], inSpin = /^spin_(\d)$/.exec(symbol ?? "")?.[1];
      const where = `${command} in ${object} ${symbol}`;
      if (inObject !== undefined) assertEquals(command, `job-${inObject}`, where);
      if (inSpin !== undefined) assertEquals(object, `job-${inSpin}`, where);
      if (command.startsWith("job-")) assert(object !== "jobs", where);
      if (!command.startsWith("job") || symbol !== null || self.count === 0) continue;
      // the C library has code that no symbol covers: there perf has none either
      assert(/^(libc|ld-linux)/.test(object), `unresolved: ${where}`);
      const perfs = (unresolved ??= await perfUnresolved(file)).get(object) ?? 0;
      assert(self.count <= perfs, `unresolved: ${where}: ${self.count}, perf has ${perfs}`);
    }
    for (const k of KINDS) {
      const spin = rows.find((row) => row.symbol === `spin_${k}`);
      assertGreater(spin?.self.count ?? 0, 0, `no sample in spin_${k}`);
    }
    if (!options.includes("-a")) {
      assertEquals(symbolDifferences(report, await perfReportRows(file)), []);
    }
  });
}

/** Samples that perf has no symbol for, by object. */
async function perfUnresolved(file: string): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  for (const { object, symbol, samples } of await perfReportRows(file)) {
    if (/^0x[0-9a-f]+$/.test(symbol)) counts.set(object, (counts.get(object) ?? 0) + samples);
  }
  return counts;
}

for (const how of ["fork", "vfork", "spawn", "thread"]) {
  testNeeding(
    ["cc", "perf"],
    `record attributes short processes started by ${how} to the right command and object`,
    () => recordJobs(how, []),
  );
}

testNeeding(
  ["cc", "perf", "root"],
  "record attributes processes that get one and the same id",
  () => recordJobs("reuse", []),
);

testNeeding(
  ["cc", "perf", "root"],
  "record -a attributes short processes of the whole system",
  () => recordJobs("fork", ["-a"]),
);

testNeeding(
  ["cc"],
  "record -D resolves what the command had mapped before sampling began",
  () =>
    withFolder(async (folder) => {
      const file = `${folder}/late.data`;
      const ran = await pmuctl(["record", "-D", "100", "-o", file, "--", program("ratio"), "1000"]);
      assertEquals(ran.status, 0, ran.stderr);
      const { rows } = (await jsonReport(file)).events.find((event) => event.samples > 0)!;
      const hot = rows.find((row) => row.symbol === "hot");
      assertEquals([hot?.command, hot?.object], ["ratio", "ratio"]);
    }),
);
