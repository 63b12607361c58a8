/** Tracepoints in what `pmuctl record` writes: perf prints their fields. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { testNeeding } from "../../needs.ts";
import { jsonReport, perfOk, PMUCTL, pmuctl, program, run, withFolder } from "../harness.ts";

const WAITS = "sched:sched_process_wait";
const FORKS = "sched:sched_process_fork";

/** The lines of `perf script`, which complains of functions in the formats that it does not know. */
async function script(file: string): Promise<string[]> {
  const { status, stdout } = await run("perf", ["script", "-i", file, "-F", "comm,event,trace"]);
  assertEquals(status, 0);
  return stdout.split("\n").filter((line) => line !== "").map((line) => line.trim());
}

/** What does not differ from one run to the next. */
const plain = (line: string) => line.replace(/\s+/g, " ").replace(/pid=\d+/g, "pid=N");

testNeeding(
  ["perf", "root", "cc"],
  "record of tracepoints has their fields, as perf records and prints them",
  () =>
    withFolder(async (folder) => {
      const [ours, perfs] = [`${folder}/ours.data`, `${folder}/perfs.data`];
      const args = ["-e", WAITS, "-e", FORKS, "-e", "page-faults"];
      const workload = ["--", program("forks"), "5", "1000"];
      const ran = await pmuctl(["record", ...args, "-o", ours, ...workload]);
      assertEquals(ran.status, 0, ran.stderr);
      await perfOk(["record", "-q", ...args, "-o", perfs, ...workload]);
      const traced = async (file: string) =>
        (await script(file)).filter((line) => /sched:/.test(line)).map(plain);
      const lines = await traced(ours);
      assertEquals(lines, await traced(perfs));
      assertEquals(
        lines.filter((line) => line.startsWith(`forks ${FORKS}: comm=forks pid=N child_comm=forks`)).length,
        5,
      );
      const { events } = await jsonReport(ours);
      assertEquals(events.find(({ name }) => name === FORKS)?.samples, 5);
    }),
);

testNeeding(
  ["perf", "root", "cc"],
  "record of tracepoints into a pipe has their fields too",
  () =>
    withFolder(async (folder) => {
      const file = `${folder}/pipe.data`;
      const command = '"$0" record -q -e "$1" -o - -- "$2" 5 1000 > "$3"';
      const ran = await run("sh", ["-c", command, PMUCTL, FORKS, program("forks"), file]);
      assertEquals(ran.status, 0, ran.stderr);
      const lines = await script(file);
      assertEquals(lines.length, 5);
      assertMatch(
        lines[0],
        /^forks +sched:sched_process_fork: comm=forks pid=\d+ child_comm=forks child_pid=\d+$/,
      );
      const { events: [event] } = await jsonReport(file);
      assert(event.samples === 5, `${event.samples} samples`);
    }),
);
