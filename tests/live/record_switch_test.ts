/** `pmuctl record` into several files, and into one that may not grow for ever. */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { testNeeding } from "../needs.ts";
import {
  jsonReport,
  ledgerSamples,
  perfReportRows,
  perfSampleCount,
  PMUCTL,
  pmuctl,
  program,
  symbolDifferences,
  withFolder,
} from "./harness.ts";

/** The files of a recording that was switched, oldest first. */
function partsIn(folder: string): string[] {
  return Array.from(Deno.readDirSync(folder), ({ name }) => `${folder}/${name}`).sort();
}

/** Checks that each file is complete by itself; gives the samples in all of them. */
async function samplesOf(files: string[]): Promise<number> {
  let sum = 0;
  for (const file of files) {
    assertMatch(file, /\.data\.\d{16}$/);
    const report = await jsonReport(file);
    const { samples } = report.events[0];
    assertEquals(await perfSampleCount(file), samples);
    assertEquals(symbolDifferences(report, await perfReportRows(file)), []);
    assertEquals(report.meta.warnings, []);
    sum += samples;
  }
  return sum;
}

testNeeding(
  ["perf", "cc"],
  "record --switch-output by time: files that resolve alone, and whose samples are all there are",
  () =>
    withFolder(async (folder) => {
      const ran = await pmuctl([
        ..."record -F 2000 -g --switch-output=1s".split(" "),
        ...["-o", `${folder}/t.data`, "--", program("ratio"), "2500"],
      ]);
      assertEquals(ran.status, 0, ran.stderr);
      const files = partsIn(folder);
      assert(files.length >= 2, ran.stderr);
      assertEquals(await samplesOf(files), ledgerSamples(ran.stderr));
      // the program began in the first file, and is known in the others
      for (const file of files) {
        const rows = (await jsonReport(file)).events[0].rows;
        const known = rows.filter((row) => row.command === "ratio" && row.symbol === "hot");
        if (rows.length > 1) assert(known.length > 0, `${file} does not know the program`);
      }
      assertStringIncludes(ran.stderr, `${files.length} files`);
    }),
);

testNeeding(
  ["perf", "cc"],
  "record --switch-output begins a file at SIGUSR2, goes on recording, and keeps the youngest",
  () =>
    withFolder(async (folder) => {
      const recorder = new Deno.Command(PMUCTL, {
        args: ["record", "-F", "1000", "--switch-output", "--switch-max-files", "2", "-o", `${folder}/s.data`]
          .concat("--", program("ratio"), "4000"),
        stdout: "null",
        stderr: "piped",
      }).spawn();
      const output = recorder.output();
      let switched = 0;
      for (let i = 0; i < 100 && switched < 3; i++) {
        await new Promise((resolve) => setTimeout(resolve, 100));
        if (partsIn(folder).length === 0) continue; // it has yet to start
        recorder.kill("SIGUSR2");
        switched++;
        await new Promise((resolve) => setTimeout(resolve, 300));
      }
      const { code, stderr } = await output;
      const talk = new TextDecoder().decode(stderr);
      assertEquals(code, 0, talk);
      assertEquals([...talk.matchAll(/^pmuctl: wrote .*$/gm)].length, 4, talk);
      const files = partsIn(folder);
      assertEquals(files.length, 2, talk);
      assert(await samplesOf(files) < ledgerSamples(talk), "the older files count in the ledger");
    }),
);

testNeeding(
  ["perf", "cc"],
  "record --max-size stops recording at that size, and leaves the command alone",
  () =>
    withFolder(async (folder) => {
      const file = `${folder}/m.data`;
      const ran = await pmuctl(
        ["record", "-F", "4000", "-g", "--max-size", "40K", "-o", file, "--", program("ratio"), "1500"],
      );
      assertEquals(ran.status, 0, ran.stderr);
      assertMatch(ran.stdout, /^\d+$/m); // what ratio prints at its end
      assertStringIncludes(ran.stderr, "m.data has reached its size (--max-size), recording has stopped");
      const { samples } = (await jsonReport(file)).events[0];
      assertEquals(await perfSampleCount(file), samples);
      assertEquals(samples, ledgerSamples(ran.stderr));
      assert(Deno.statSync(file).size >= 40 * 1024);
      assert(samples < 4 * 1500 * 0.9, `${samples} samples: it did not stop`);
    }),
);

Deno.test("record says what --switch-output, --switch-max-files and --max-size are for", async () => {
  for (
    const [args, says] of [
      [["--switch-output=10"], "--switch-output '10': 'signal', a size"],
      [["--switch-output", "-o", "-"], "name a file with -o"],
      [["--switch-max-files", "3"], "it is for --switch-output"],
      [["--max-size", "many"], "--max-size 'many': a size is wanted"],
    ] as const
  ) {
    const ran = await pmuctl(["record", ...args, "--", "true"]);
    assertEquals(ran.status, 2, ran.stderr);
    assertStringIncludes(ran.stderr, says);
  }
});
