/** The header of what `pmuctl record` writes, beside perf's own on the same machine. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { testNeeding } from "../../needs.ts";
import { perfOk, pmuctlOk, run, withFolder } from "../harness.ts";

/** Lines of `perf report --header-only -I` on what does not change from one recording to the next, sorted. */
async function machineLines(file: string): Promise<string[]> {
  const header = await perfOk(["report", "--header-only", "-I", "-i", file]);
  const about =
    /^# (hostname|os release|arch|nrcpus|cpudesc|cpuid|total memory|sibling|CPU|pmu mappings|node\d|memory| {2})/;
  return header.split("\n").filter((line) => about.test(line)).map((line) =>
    line.replace(/, free = .*/, "").replace(
      /: (.*=.*)/,
      (_, list) => ": " + list.split(", ").sort().join(", "),
    )
  ).sort();
}

testNeeding(
  ["perf"],
  "record describes the machine in the header as perf does",
  () =>
    withFolder(async (folder) => {
      const [ours, perfs] = [`${folder}/ours.data`, `${folder}/perfs.data`];
      await pmuctlOk(["record", "-e", "cpu-clock", "-o", ours, "--", "true"]);
      await perfOk(["record", "-q", "-e", "cpu-clock", "-o", perfs, "--", "true"]);
      const lines = await machineLines(ours);
      assertEquals(lines, await machineLines(perfs));
      assert(lines.length > 10, lines.join("\n"));
    }),
);

testNeeding(
  ["perf"],
  "record keeps the times of the first and the last sample in the header",
  () =>
    withFolder(async (folder) => {
      const file = `${folder}/times.data`;
      await pmuctlOk(["record", "-e", "page-faults", "-c", "1", "-o", file, "--", "ls", "-R", "/etc/ssl"]);
      const header = await perfOk(["report", "--header-only", "-i", file]);
      const times = [...header.matchAll(/^# time of (?:first|last) sample : (\S+)$/gm)].map(([, time]) =>
        time
      );
      const samples = (await perfOk(["script", "--ns", "-F", "time", "-i", file])).trim().split(/:\s*/);
      const micros = (time: string) => time.slice(0, time.indexOf(".") + 7); // the header cuts them off
      assertEquals(times.map(micros), [samples[0], samples.findLast((time) => time !== "")!].map(micros));
    }),
);

testNeeding(
  ["perf"],
  "record -k says how fine the recording's clock is, as perf does, and what the wall clock showed at a time of it",
  () =>
    withFolder(async (folder) => {
      const [file, theirs] = [`${folder}/clock.data`, `${folder}/perf.data`];
      const before = Date.now() / 1000;
      await pmuctlOk(["record", "-k", "mono", "-e", "cpu-clock", "-o", file, "--", "true"]);
      const header = await perfOk(["report", "--header-only", "-i", file]);
      assertMatch(header, /^# clockid: monotonic \(1\)$/m);
      const { status } = await run("perf", [
        "record",
        "-q",
        "-k",
        "mono",
        "-e",
        "cpu-clock",
        "-o",
        theirs,
        "true",
      ]);
      assertEquals(status, 0);
      const frequency = /^# clockid frequency: \d+ MHz$/m;
      assertEquals(
        frequency.exec(header)?.[0],
        frequency.exec(await perfOk(["report", "--header-only", "-i", theirs]))?.[0] ?? "perf says nothing",
      );
      const [, wall] = /^# reference time: .* = (\d+\.\d+) \(TOD\) = \d+\.\d+ \(monotonic\)$/m.exec(header)!;
      assert(
        Number(wall) >= before - 1 && Number(wall) <= Date.now() / 1000 + 1,
        `${wall}, recorded after ${before}`,
      );
    }),
);
