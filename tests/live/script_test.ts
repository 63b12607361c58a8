/** `pmuctl script` and `perf script` of the same recordings, line by line. */

import { assert, assertEquals } from "@std/assert";
import { eventually } from "../eventually.ts";
import { testNeeding } from "../needs.ts";
import { assertRefusals, perfOk, pmuctlOk, program, run, withFolder } from "./harness.ts";

/** Options that leave names as they are in the symbol tables. */
const AS_IS = ["--no-inline", "--no-demangle"];

/** Perf's lines of a file. */
async function perfLines(file: string, ...options: string[]): Promise<string[]> {
  return linesOf(await perfOk(["script", "-i", file, ...AS_IS, ...options]));
}

/**
 * The lines of a listing, without their columns, which differ between versions of perf. Addresses in call chains are left
 * out, as those of perf 6.1 are relative to the object, and so are the names of PLT stubs, of which it does not know some.
 */
function linesOf(text: string): string[] {
  return text.trimEnd().split("\n").map((line) =>
    line.replace(/^\t +[0-9a-f]+ /, "").replace(/\S*@plt\b/, "@plt").replace(/ +/g, " ").replace(
      / ?\/ ?/,
      "/",
    ).trim()
  );
}

const RECORDED: readonly [what: string, options: readonly string[], command: readonly string[]][] = [
  ["one event", ["-e", "cpu-clock", "-F", "3000"], ["threads", "40"]],
  ["with callers", ["-e", "cpu-clock", "-F", "3000", "--call-graph", "fp"], ["threads", "40"]],
  ["two events", ["-e", "cpu-clock,page-faults", "-F", "3000"], ["faults", "20000"]],
];

for (const [what, options, [name, ...args]] of RECORDED) {
  testNeeding(
    ["perf", "cc"],
    `script prints what perf script prints: ${what}`,
    () =>
      withFolder(async (folder) => {
        const file = `${folder}/perf.data`;
        await pmuctlOk(["record", "-q", ...options, "-o", file, "--", program(name), ...args]);
        for (
          const more of [[], ["-G"], ["--ns"], ["-F", "comm,pid,tid,time,event,ip,sym"], [
            "-F",
            "-period,-dso",
          ]]
        ) {
          const ours = linesOf(await pmuctlOk(["script", "-i", file, ...AS_IS, ...more]));
          const theirs = await perfLines(file, ...more);
          assert(ours.length > 20, `${ours.length} lines`);
          assertEquals(ours, theirs, more.join(" "));
        }
      }),
  );
}

const UNTIMED: readonly (readonly [what: string, options: readonly string[]])[] = [
  ["no times", ["--no-timestamp", "-e", "cpu-clock"]],
  ["no times, with callers and CPUs", ["--no-timestamp", "-e", "cpu-clock", "-g", "--sample-cpu"]],
];
for (const [what, options] of UNTIMED) {
  testNeeding(
    ["perf", "cc"],
    `script prints what perf script prints of recordings with ${what}`,
    () =>
      withFolder(async (folder) => {
        const file = `${folder}/perf.data`, command = [program("threads"), "40"];
        await eventually(async () => {
          return (await run("perf", ["record", "-q", "-N", ...options, "-o", file, ...command])).status === 0;
        }, "perf to record");
        const ours = linesOf(await pmuctlOk(["script", "-i", file, ...AS_IS]));
        assert(ours.length > 20, `${ours.length} lines`);
        assertEquals(ours, await perfLines(file));
      }),
  );
}

testNeeding(
  ["perf", "cc"],
  "script prints all samples where only some events have times",
  () =>
    withFolder(async (folder) => {
      const file = `${folder}/perf.data`, events = ["-e", "cpu-clock/time=0/", "-e", "page-faults"];
      await eventually(async () => {
        const recording = ["record", "-q", "-N", ...events, "-o", file, program("threads"), "40"];
        return (await run("perf", recording)).status === 0;
      }, "perf to record");
      const ours = linesOf(await pmuctlOk(["script", "-i", file, ...AS_IS]));
      const time = / \d+\.\d{6}:/;
      for (const line of ours) assertEquals(time.test(line), line.includes("page-faults"), line);
      // perf leaves the times out of all, and has another order
      const theirs = await perfLines(file);
      assertEquals(
        ours.map((line) => line.replace(time, "")).sort(),
        theirs.map((line) => line.replace(time, "")).sort(),
      );
    }),
);

testNeeding(
  ["perf", "root"],
  "script prints what tracepoints carry as perf does",
  () =>
    withFolder(async (folder) => {
      const file = `${folder}/perf.data`;
      const events =
        "sched:sched_switch,sched:sched_process_fork,sched:sched_process_exit,syscalls:sys_enter_read," +
        "syscalls:sys_exit_read,kmem:mm_page_alloc,irq:softirq_entry";
      const work = ["sh", "-c", "for i in 1 2 3; do cat /proc/self/status >/dev/null; done"];
      await pmuctlOk(["record", "-q", "-e", events, "-c", "1", "-o", file, "--", ...work]);
      // perf has no names of threads that have ended
      const ours = linesOf(await pmuctlOk(["script", "-i", file, ...AS_IS, "-F", "-comm"]));
      assert(ours.length > 20, `${ours.length} lines`);
      assert(
        ours.some((line) => /sched_switch: prev_comm=\S+ prev_pid=\d+ .* ==> next_comm=/.test(line)),
        ours[0],
      );
      assertEquals(ours, await perfLines(file, "-F", "-comm"));
      const json = await pmuctlOk(["script", "--json", "-i", file]);
      assertEquals(json.trimEnd().split("\n").filter((line) => JSON.parse(line).trace).length, ours.length);
    }),
);

testNeeding(
  ["cc"],
  "script prints the samples that report counts, also of a pipe, and of a part",
  () =>
    withFolder(async (folder) => {
      const file = `${folder}/perf.data`;
      await pmuctlOk([
        "record",
        "-q",
        "-e",
        "cpu-clock",
        "-F",
        "3000",
        "-g",
        "-o",
        file,
        "--",
        program("threads"),
        "40",
      ]);
      const { events: [{ samples }] } = JSON.parse(await pmuctlOk(["report", "--json", "-i", file]));
      const count = async (...options: string[]) =>
        (await pmuctlOk(["script", "--json", "-i", file, ...options])).trimEnd().split("\n").length;
      assertEquals(await count(), samples);
      const halves = await count("--time", "0%-50%") + await count("--time", "50%-100%");
      assert(halves >= samples && halves <= samples + 2, `${halves} of ${samples}`);
      assert(await count("-k") < samples);
    }),
);

Deno.test("script refuses what makes no sense, in one line", () =>
  assertRefusals([
    [["script", "-F", "comm,weight"], /'weight' is no field: expected any of comm, pid/, 2],
    [["script", "--json", "-F", "comm"], /--json has all fields/, 2],
    [["script", "--json", "--ns"], /--ns and --json exclude each other/, 2],
    [["script", "--reltime", "--deltatime"], /exclude each other/, 2],
    [["script", "--gen-script", "python"], /scripts are not run/, 2],
    [["script", "-i", "/nowhere/perf.data"], /cannot read \/nowhere\/perf\.data: no such file/, 4],
  ]));
