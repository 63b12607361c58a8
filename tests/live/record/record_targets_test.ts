/** `pmuctl record` of what runs already: processes, threads, CPUs. */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { eventually } from "../../eventually.ts";
import { testNeeding } from "../../needs.ts";
import {
  jsonReport,
  ledgerSamples,
  perfSampleCount,
  PMUCTL,
  pmuctl,
  pmuctlOk,
  program,
  run,
  withFolder,
} from "../harness.ts";
import { cpuSeconds } from "../watching.ts";

/** Runs `body` while four threads spin, each in a function of its own. */
async function withThreads(body: (pid: number) => Promise<void>): Promise<void> {
  const child = new Deno.Command(program("threads"), { args: ["100000000"], stdout: "null" }).spawn();
  try {
    await eventually(() => cpuSeconds(child.pid) > 0.1, "its threads");
    await body(child.pid);
  } finally {
    child.kill("SIGKILL");
    await child.status;
  }
}

testNeeding(
  ["cc", "perf"],
  "record -p samples all threads of a running process, with names, maps and symbols",
  () =>
    withThreads((pid) =>
      withFolder(async (folder) => {
        const file = `${folder}/pid.data`;
        const ran = await pmuctl([
          "record",
          "-g",
          "-F",
          "2000",
          "-o",
          file,
          "-p",
          `${pid}`,
          "--duration",
          "1",
        ]);
        assertEquals(ran.status, 0, ran.stderr);
        const { events: [event], meta } = await jsonReport(file);
        assertEquals(meta.command, `pid ${pid}`);
        for (const k of [0, 1, 2, 3]) {
          const row = event.rows.find((r) => r.symbol === `spin_${k}`);
          assertEquals(row?.command, `worker-${k}`);
          assert(row!.self.count > 100, `worker-${k} has ${row!.self.count} samples`);
        }
        assertEquals(await perfSampleCount(file), ledgerSamples(ran.stderr));
      })
    ),
);

testNeeding(
  ["cc"],
  "record -t samples one thread alone",
  () =>
    withThreads((pid) =>
      withFolder(async (folder) => {
        const tids = Array.from(Deno.readDirSync(`/proc/${pid}/task`), (e) => Number(e.name)).sort((a, b) =>
          a - b
        );
        const file = `${folder}/tid.data`;
        const ran = await pmuctl([
          "record",
          "-F",
          "2000",
          "-o",
          file,
          "-t",
          `${tids[2]}`,
          "--duration",
          "0.5",
        ]);
        assertEquals(ran.status, 0, ran.stderr);
        const { events: [event] } = await jsonReport(file);
        assertEquals([...new Set(event.rows.map((r) => r.command))], ["worker-1"]);
      })
    ),
);

testNeeding(["cc"], "record -p ends when the process does", () =>
  withFolder(async (folder) => {
    const child = new Deno.Command(program("ratio"), { args: ["2000"], stdout: "null" }).spawn();
    const ran = await pmuctl(["record", "-o", `${folder}/end.data`, "-p", `${child.pid}`]);
    await child.status;
    assertEquals(ran.status, 0, ran.stderr);
    assert(ledgerSamples(ran.stderr) > 0, ran.stderr);
  }));

testNeeding(["root"], "record -C samples those CPUs and no other", () =>
  withFolder(async (folder) => {
    const file = `${folder}/cpu.data`;
    const ran = await pmuctl(["record", "-F", "500", "-C", "0", "-o", file, "--duration", "0.5"]);
    assertEquals(ran.status, 0, ran.stderr);
    assertMatch(ran.stderr, /ledger: sample \d+/);
    assert((await jsonReport(file)).events[0].samples > 0);
  }));

Deno.test("record says in one line which target is not there", async () => {
  const cases: [string[], number, string][] = [
    [["-p", "4194305"], 3, "cannot record process 4194305: there is no such process"],
    [["-t", "4194305"], 3, "cannot record thread 4194305"],
    [["-p", "abc"], 2, "--pid 'abc': expected numbers"],
    [["-C", "9999"], 2, "CPU 9999 is not online"],
    [["-a", "-p", "1"], 2, "--all-cpus and --pid exclude each other"],
    [["-p", "1", "--", "true"], 2, "a command and --pid exclude each other"],
  ];
  for (const [args, status, part] of cases) {
    const ran = await pmuctl(["record", ...args]);
    assertEquals(ran.status, status, args.join(" "));
    assertStringIncludes(ran.stderr, part);
    assertEquals(ran.stderr.trim().split("\n").length, 1, ran.stderr);
  }
});

/** Runs pmuctl in a pid namespace of its own. */
const inNamespace = (args: string[], options: string[] = ["--mount-proc"]) =>
  run("unshare", ["--pid", "--fork", ...options, PMUCTL, ...args]);

testNeeding(
  ["cc", "mountNamespace"],
  "record -a in a pid namespace tells the processes outside from the idle task, with and without a /proc of its own",
  () =>
    withThreads(() =>
      withFolder(async (folder) => {
        for (const options of [["--mount-proc"], []]) {
          const file = `${folder}/${options.length}.data`;
          const ran = await inNamespace(["record", "-a", "-o", file, "--duration", "0.5"], options);
          assertEquals(ran.status, 0, ran.stderr);
          assertStringIncludes(ran.stderr, "this is a pid namespace");
          assertEquals(ran.stderr.includes("/proc belongs to another pid namespace"), options.length === 0);
          const text = await pmuctlOk(["report", "-i", file]);
          assertStringIncludes(text, "samples are of processes outside the recorded pid namespace");
          const { events: [{ rows }] } = await jsonReport(file);
          const outside = rows.filter(({ command }) => command === "[other pid namespace]");
          assertEquals([...new Set(outside.map(({ object }) => object))], ["[unknown]"]);
          assert(outside.reduce((sum, { self }) => sum + self.count, 0) > 100);
          assert(rows.every(({ command }) => command !== "swapper"));
        }
      })
    ),
);

testNeeding(
  ["mountNamespace"],
  "a pid of another pid namespace is refused with the reason by record and bind",
  async () => {
    for (const command of ["record", "bind -e task-clock"]) {
      const outside = await inNamespace([...command.split(" "), "-p", `${Deno.pid}`]);
      assertEquals(outside.status, 3);
      assertMatch(outside.stderr, /no such process: .*outside this container \(pid namespace\)/);
      const foreign = await inNamespace([...command.split(" "), "-p", "1"], []);
      assertEquals(foreign.status, 3);
      assertMatch(foreign.stderr, /\/proc belongs to another pid namespace.*: mount one/);
    }
  },
);

Deno.test("record of a target that sleeps says for how long it was on a CPU, and how to see where it waits", () =>
  withFolder(async (folder) => {
    const file = `${folder}/s.data`;
    const ran = await pmuctl([
      "record",
      "-c",
      "10000000000",
      "-e",
      "cpu-clock",
      "-o",
      file,
      "--",
      "sleep",
      "0.3",
    ]);
    assertEquals(ran.status, 0, ran.stderr);
    assertMatch(
      ran.stderr,
      /no samples: sleep was on a CPU for [\d.]+ ms of the 0\.\d+ s, .*sched:sched_switch/,
    );
    const child = new Deno.Command("sleep", { args: ["100"] }).spawn();
    try {
      const running = await pmuctl(["record", "-o", file, "-p", `${child.pid}`, "--duration", "0.3"]);
      assertMatch(running.stderr, /no samples: pid \d+ was on a CPU for less than 10 ms of the 0\.\d+ s/);
    } finally {
      child.kill("SIGKILL");
      await child.status;
    }
  }));
