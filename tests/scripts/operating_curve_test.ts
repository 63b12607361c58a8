import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { seededRandom } from "../../lib/run/random.ts";
import { run } from "../live/harness.ts";
import { testNeeding } from "../needs.ts";
import { noise } from "../check/simulated_checks.ts";

const SCRIPT = new URL("../../scripts/operating-curve", import.meta.url).pathname;

/** Writes a series as the script keeps them, of runs of 10 ms on a machine of which half is busy at times. */
function writeSeries(folder: string, workload: string, percent: number, loaded: boolean, seed: number) {
  const random = seededRandom(seed), factor = 1 + percent / 100;
  let isBusy = false;
  const runs = Array.from({ length: 600 }, (_, i) => {
    if (loaded && random() < 0.1) isBusy = !isBusy;
    // old and new take turns, and the order within rounds does, too
    const command = (i + (i >> 1)) % 2, cpu = 1e7 * (command ? factor : 1) * noise(random, 0.01);
    const wallNs = 1.01 * cpu * (isBusy ? 1 + 2 * random() : 1);
    return {
      ...{ command, wallNs, clockNs: cpu, userNs: cpu, systemNs: 0 },
      ...{ waits: 1, preemptions: 1, faults: 50, steal: 0, tookMs: wallNs / 1e6 + 1 },
    };
  });
  const series = { workload, factor, loaded, loadavg: [1, 2], runs };
  const name = `${workload}-${percent}-${loaded ? "loaded" : "quiet"}`;
  Deno.writeTextFileSync(`${folder}/${name}.json`, JSON.stringify(series));
}

testNeeding(
  ["cc"],
  "the operating curve of check is that of the series which it is replayed on",
  async () => {
    const folder = await Deno.makeTempDir({ prefix: "pmuctl-curve-" });
    try {
      let seed = 1;
      for (const workload of ["cpu", "memory", "processes"]) {
        writeSeries(folder, workload, 0, false, seed++);
        writeSeries(folder, workload, 0, true, seed++);
        writeSeries(folder, workload, 5, true, seed++);
      }
      const { status, stdout, stderr } = await run(SCRIPT, ["--quick", "--series", folder]);
      assertEquals(status, 0, stderr);
      assertStringIncludes(stdout, "**False alarms:** 0 of 1200 checks");
      assertMatch(stdout, /\| cpu +\| the same +\| +100 \| +0 \| +0 \| +100 \| +0 \| +2\d \| +0\.\d \|/);
      assertMatch(stdout, /\| memory +\| 5% longer +\| +30 \| +30 \| +0 \| +0 \| +0 \|/);
      assertMatch(
        stdout,
        /\| memory +\| 5% more work \(CPU time \+[45]\.\d%\) +\| +30 \| +30 \| +0 \| +0 \| +0 \|/,
      );
      assertMatch(stdout, /\| processes +\| 2% longer +\| +30 \| +\d \| +0 \| +\d \| +[23]\d \|/);
      assertMatch(stdout, /load averages of 1\.0 to 2\.0, and\n +300 to 300 rounds/);
      assertEquals((await run(SCRIPT, ["--quick", "--series", folder])).stdout, stdout);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
);

Deno.test("the operating curve is refused what it does not know", async () => {
  for (const args of [["--slow"], ["--quick", "--full"], ["cpu"]]) {
    const { status, stderr } = await run(SCRIPT, args);
    assertEquals(status, 2);
    assertStringIncludes(stderr, "usage: scripts/operating-curve [--quick | --full]");
  }
});
