/** Walks over perf's copies of stacks against perf's own. */

import { assertEquals, assertGreater } from "@std/assert";
import { hasCommand, testUnless } from "../needs.ts";
import { compareChains } from "../unwind/perf_chains.ts";
import { perfOk, withFolder } from "./harness.ts";
import { lacking, LARGE_WORKLOADS, WORKLOADS } from "./workloads.ts";

const NAMES = ["c", "c++", "stripped", "kernel", "sqlite3", "cc1plus"];

for (const workload of [...WORKLOADS, ...LARGE_WORKLOADS].filter(({ name }) => NAMES.includes(name))) {
  const missing = [...hasCommand("perf") ? [] : ["perf"], ...lacking(workload)];
  const hindrance = Deno.build.arch !== "x86_64"
    ? "it needs x86_64"
    : missing.length > 0 && `it needs ${missing.join(", ")}`;
  testUnless(
    hindrance,
    `chains are perf's, or go on to the root where perf's end: ${workload.what}`,
    () =>
      withFolder(async (folder) => {
        const file = `${folder}/perf.data`, command = await workload.make(folder, 200);
        const options = ["-q", "-e", "cpu-clock", "-F", "997", "--call-graph", "dwarf,32768"];
        await perfOk(["record", ...options, "-o", file, "--", ...command]);
        const { samples, equal, longer, whole, different } = await compareChains(file);
        assertGreater(samples, 20);
        assertEquals(samples, equal + longer + different.length);
        // perf goes by frame pointers in the few functions without tables, such as the dynamic linker's, and leaves callers out
        if (different.length > 3 + samples / 100) assertEquals(different.slice(0, 5), []);
        assertGreater(whole, 0.98 * samples);
      }),
  );
}
