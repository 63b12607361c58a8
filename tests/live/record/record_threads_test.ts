/** `pmuctl record` of a process with very many threads. */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { testNeeding } from "../../needs.ts";
import {
  jsonReport,
  ledgerSamples,
  perfSampleCount,
  PMUCTL,
  pmuctl,
  program,
  type Ran,
  run,
  withFolder,
} from "../harness.ts";

/** Threads of the recorded process; PMUCTL_THREADS=5000 for the full count. */
const THREADS = Number(Deno.env.get("PMUCTL_THREADS") ?? 500);

/** Runs `body` while a process with THREADS threads that sleep, two that spin and one that starts others runs. */
async function withCrowd(body: (pid: number) => Promise<void>): Promise<void> {
  const child = new Deno.Command(program("crowd"), {
    args: [`${THREADS}`, "2", "60", "churn"],
    stdout: "piped",
  }).spawn();
  const stdout = child.stdout.getReader();
  try {
    await stdout.read(); // "ready"
    await body(child.pid);
  } finally {
    child.kill("SIGKILL");
    await stdout.cancel();
    await child.status;
  }
}

const cpus = navigator.hardwareConcurrency;

/** Runs pmuctl where no more than `files` descriptors may be had, whoever asks. */
function pmuctlWith(files: number, args: string[]): Promise<Ran> {
  const limited = `ulimit -n ${files} && exec "$@"`;
  return run("setpriv", [
    "--bounding-set",
    "-sys_resource",
    "sh",
    "-c",
    limited,
    "sh",
    PMUCTL,
    ...args,
  ]);
}

testNeeding(
  ["cc", "perf"],
  "record -p samples a process whose threads are very many, and come and go",
  () =>
    withCrowd((pid) =>
      withFolder(async (folder) => {
        const file = `${folder}/crowd.data`;
        const ran = await pmuctl(["record", "-F", "500", "-o", file, "-p", `${pid}`, "--duration", "0.5"]);
        assertEquals(ran.status, 0, ran.stderr);
        const { rows } = (await jsonReport(file)).events.find((event) => event.samples > 0)!;
        assertEquals(rows.find((row) => row.symbol === "spin_on")?.command, "crowd");
        assertEquals(await perfSampleCount(file), ledgerSamples(ran.stderr));
      })
    ),
);

testNeeding(
  ["cc", "root", "setpriv"],
  "record -p does with one descriptor a thread and CPU where it may not have more",
  () =>
    withCrowd((pid) =>
      withFolder(async (folder) => {
        const file = `${folder}/crowd.data`;
        const args = ["-F", "500", "-o", file, "-p", `${pid}`, "--duration", "0.5"];
        const ran = await pmuctlWith(Math.ceil((THREADS + 4) * cpus * 1.5) + 256, ["record", ...args]);
        assertEquals(ran.status, 0, ran.stderr);
        const [event, ...more] = (await jsonReport(file)).events;
        assertEquals(more, [], "there is room for no tracker");
        assertEquals(event.rows.find((row) => row.symbol === "spin_on")?.command, "crowd");
      })
    ),
);

testNeeding(
  ["cc", "root", "setpriv"],
  "record -p says how many descriptors it would take when it may not have them",
  () =>
    withCrowd((pid) =>
      withFolder(async (folder) => {
        const file = `${folder}/crowd.data`;
        const ran = await pmuctlWith(300, ["record", "-o", file, "-p", `${pid}`]);
        assertEquals(ran.status, 3, ran.stderr);
        assertMatch(ran.stderr, /1 event, \d+ threads and \d+ CPUs? take \d+ file descriptors/);
        assertStringIncludes(ran.stderr, "no more than 300 are allowed: raise the limit (ulimit -n ");
        assert(!Array.from(Deno.readDirSync(folder)).length, "no file is left");
      })
    ),
);

for (const [name, options] of [["", []], [" with rows", ["-i", "0.1", "-n", "1"]]] as const) {
  testNeeding(
    ["cc", "root", "setpriv"],
    `bind -p${name} says how many descriptors it would take when it may not have them`,
    () =>
      withCrowd(async (pid) => {
        const args = ["bind", ...options, "-e", "task-clock", "-p", `${pid}`];
        for (const files of [300, THREADS, 2 * THREADS]) {
          const ran = await pmuctlWith(files, args);
          assertEquals([ran.status, ran.stdout], [3, ""], ran.stderr);
          assertMatch(ran.stderr, /1 event, \d+ threads and \d+ CPUs? take \d+ file descriptors/);
        }
        // -n ends it only where there are ticks
        if (options.length === 0) return;
        const enough = Number(/ulimit -n (\d+)/.exec((await pmuctlWith(300, args)).stderr)![1]);
        const counted = await pmuctlWith(enough + 100, args);
        assertEquals(counted.status, 0, counted.stderr);
      }),
  );
}
