/**
 * `pmuctl report` against `perf report`: the programs of workloads.ts, recorded by pmuctl. scripts/compare-perf does
 * the same at length, with files of perf's own and larger programs.
 */

import { assertEquals, assertGreater } from "@std/assert";
import { hasCommand, testUnless } from "../../needs.ts";
import { pmuctlOk, withFolder } from "../harness.ts";
import { compareWithPerf } from "../perf_rows.ts";
import { lacking, WORKLOADS } from "../workloads.ts";

for (const workload of WORKLOADS) {
  const missing = [...hasCommand("perf") ? [] : ["perf"], ...lacking(workload)];
  testUnless(
    missing.length > 0 && `it needs ${missing.join(", ")}`,
    `report has perf's samples of each symbol, self and total: ${workload.what}`,
    () =>
      withFolder(async (folder) => {
        const file = `${folder}/perf.data`;
        const command = await workload.make(folder, 200);
        await pmuctlOk(["record", "-q", "-e", "cpu-clock", "-F", "1000", "-g", "-o", file, "--", ...command]);
        const { samples, self, total, unresolved, discardedChains } = await compareWithPerf(file);
        assertGreater(samples, 0);
        assertEquals(self, []);
        // perf throws chains away that pmuctl keeps up to their damage: then totals differ
        if (discardedChains === 0) assertEquals([total, unresolved], [[], []]);
      }),
  );
}
