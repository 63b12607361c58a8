/** `pmuctl record` into several files, and into one that may not grow for ever. */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { eventually } from "../../eventually.ts";
import { testNeeding } from "../../needs.ts";
import {
  jsonReport,
  ledgerSamples,
  perfOk,
  perfReportRows,
  perfSampleCount,
  PMUCTL,
  pmuctl,
  program,
  symbolDifferences,
  withFolder,
} from "../harness.ts";
import { exists, sizeOf } from "../watching.ts";

/** The files of a recording that was switched, oldest first. */
function partsIn(folder: string): string[] {
  return Array.from(Deno.readDirSync(folder), ({ name }) => `${folder}/${name}`).sort();
}

/** Calls `body` with the folder of the files, and one for all else. */
function withFolders(body: (folder: string, other: string) => Promise<void>): Promise<void> {
  return withFolder((folder) => withFolder((other) => body(folder, other)));
}

/** Checks that each file is complete by itself; gives the samples in all of them. */
async function samplesOf(files: string[]): Promise<number> {
  let sum = 0;
  for (const file of files) {
    assertMatch(file, /\.data\.\d{16}$/);
    const report = await jsonReport(file);
    const { samples } = report.events[0];
    assertEquals(await perfSampleCount(file), samples);
    // of a last file that came to nothing perf only says so
    if (samples > 0) assertEquals(symbolDifferences(report, await perfReportRows(file)), []);
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
        ...["-o", `${folder}/t.data`, "--", program("ratio"), "6000"],
      ]);
      assertEquals(ran.status, 0, ran.stderr);
      const files = partsIn(folder);
      assert(files.length >= 2, ran.stderr);
      assertEquals(await samplesOf(files), ledgerSamples(ran.stderr));
      const all = (await Promise.all(files.map(times))).flat();
      assertEquals(new Set(all).size, all.length, "a sample is in two files");
      // the program began in the first file, and is known in the others
      for (const file of files) {
        const rows = (await jsonReport(file)).events[0].rows;
        const known = rows.some((row) => row.command === "ratio" && row.symbol === "hot");
        assert(known || rows.length < 2, `${file} does not know the program`);
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
          .concat("--", program("ratio"), "6000"),
        stdout: "null",
        stderr: "piped",
      }).spawn();
      const output = recorder.output();
      const named = new Set<string>();
      for (let i = 0; i < 3; i++) {
        await eventually(() => partsIn(folder).some((file) => sizeOf(file) > 0), "something to be recorded");
        recorder.kill("SIGUSR2");
        const isNew = (file: string) => /\d{16}$/.test(file) && !named.has(file);
        await eventually(() => partsIn(folder).some(isNew), "another file");
        for (const file of partsIn(folder)) named.add(file);
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
      assertStringIncludes(ran.stderr, `recording stopped: ${file} has reached its size (--max-size); `);
      const { samples } = (await jsonReport(file)).events[0];
      assertEquals(await perfSampleCount(file), samples);
      assertEquals(samples, ledgerSamples(ran.stderr));
      assert(Deno.statSync(file).size >= 40 * 1024);
      assert(samples < 4 * 1500 * 0.9, `${samples} samples: it did not stop`);
    }),
);

testNeeding(
  ["perf", "cc"],
  "record --duration stops recording at that time, and leaves the command alone, on its own and with -a",
  () =>
    withFolder(async (folder) => {
      for (const all of [[], ["-a"]]) {
        const file = `${folder}/t${all.length}.data`;
        const work = `${program("ratio")} 1500; exit 7`;
        const ran = await pmuctl(["record", ...all, "--duration", "0.3", "-o", file, "--", "sh", "-c", work]);
        assertEquals(ran.status, 7, ran.stderr);
        assertMatch(ran.stdout, /^\d+$/m); // what ratio prints at its end
        assertStringIncludes(ran.stderr, "recording stopped: 0.3 s are over (--duration); sh keeps running");
        const seconds = parseFloat(/ samples .* in ([\d.]+) s/.exec(ran.stderr)?.[1] ?? "");
        assert(seconds >= 0.3 && seconds < 1.4, ran.stderr);
        assertEquals(await perfSampleCount(file), ledgerSamples(ran.stderr));
      }
    }),
);

/** The times of the samples of a file, in seconds, as perf script tells them. */
async function times(file: string): Promise<number[]> {
  return (await perfOk(["script", "-i", file, "-F", "time", "--ns"])).split("\n").filter((line) =>
    line.trim()
  )
    .map((line) => parseFloat(line));
}

testNeeding(
  ["perf", "cc"],
  "record --overwrite writes the youngest samples at SIGUSR2 and at the end, each once",
  () =>
    withFolders(async (folder, at) => {
      const script = '"$0" 800; : >"$1/worked"; until [ -e "$1/go-on" ]; do sleep 0.02; done; "$0" 800';
      const recorder = new Deno.Command(PMUCTL, {
        args: ["record", "-F", "4000", "-g", "--overwrite", "-m", "4", "-o", `${folder}/f.data`]
          .concat("--", "sh", "-c", script, program("ratio"), at),
        stdout: "null",
        stderr: "piped",
      }).spawn();
      const output = recorder.output();
      await eventually(() => exists(`${at}/worked`), "the command's first part");
      recorder.kill("SIGUSR2");
      await eventually(() => partsIn(folder).some((file) => /\d{16}$/.test(file)), "the first file");
      await Deno.writeTextFile(`${at}/go-on`, "");
      const { code, stderr } = await output;
      const talk = new TextDecoder().decode(stderr);
      assertEquals(code, 0, talk);
      const files = partsIn(folder);
      assertEquals(files.length, 2, talk);
      assertEquals(await samplesOf(files), ledgerSamples(talk));
      assertMatch(talk, /of older records were overwritten/);
      assertStringIncludes(talk, "call stacks are whole only in programs built with frame pointers");
      assertMatch(talk, /ledger: sample \d+ +overflow 0 .* overwritten_bytes [1-9]/);
      const [first, second] = await Promise.all(files.map(times));
      assert(Math.max(...first) < Math.min(...second), "the second file begins behind the first");
      for (const file of files) {
        const rows = (await jsonReport(file)).events[0].rows;
        assert(rows.some(({ command, symbol }) => command === "ratio" && symbol === "hot"), talk);
      }
    }),
);

Deno.test("record says what --switch-output, --switch-max-files and --max-size are for", async () => {
  for (
    const [args, says] of [
      [["--switch-output=10"], "--switch-output '10': expected signal, a size"],
      [["--switch-output", "-o", "-"], "name a file with -o"],
      [["--switch-max-files", "3"], "needs --switch-output"],
      [["--overwrite", "-o", "-"], "--overwrite writes files"],
      [["--overwrite", "--switch-output=1M"], "use -m to set how much is kept"],
      [["--overwrite", "--max-size", "1M"], "exclude each other"],
      [["--max-size", "many"], "--max-size 'many': expected a size"],
    ] as const
  ) {
    const ran = await pmuctl(["record", ...args, "--", "true"]);
    assertEquals(ran.status, 2, ran.stderr);
    assertStringIncludes(ran.stderr, says);
  }
});
