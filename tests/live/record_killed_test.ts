/** A recorder that is killed leaves a file that can be read, up to its last flush. */

import { assert, assertEquals } from "@std/assert";
import { testNeeding } from "../needs.ts";
import { jsonReport, perfSampleCount, PMUCTL, program, withFolder } from "./harness.ts";

/** Enough to see a flaw of the design; PMUCTL_KILLS=200 looks for one in a thousand. */
const KILLS = Number(Deno.env.get("PMUCTL_KILLS") ?? 6);
/** Offset of data.size in a perf.data file's header: it is 0 until the drain has started. */
const DATA_SIZE_AT = 48;
/** Samples a second of the workload's one thread, and how old the last flush may be, in seconds. */
const RATE = 2000, OLDEST = 1;

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 1000 && !condition(); i++) await sleep(10);
  assert(condition());
}

function dataSize(file: string): number {
  try {
    return Number(new DataView(Deno.readFileSync(file).buffer).getBigUint64(DATA_SIZE_AT, true));
  } catch {
    return 0; // not there yet, or without a header
  }
}

/** User and system time of a process: fields 14 and 15 of its stat, in ticks of 10 ms. */
function cpuSeconds(pid: number): number {
  const fields = Deno.readTextFileSync(`/proc/${pid}/stat`).split(") ")[1].split(" ");
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

testNeeding(
  ["perf", "cc"],
  "a recording that is killed at any moment is read by report and by perf",
  () =>
    withFolder(async (folder) => {
      for (let i = 0; i < KILLS; i++) {
        const file = `${folder}/${i}.data`;
        const busy = new Deno.Command(program("ratio"), { args: ["100000"], stdout: "null" }).spawn();
        const recorder = new Deno.Command(PMUCTL, {
          args: ["record", "-q", "-g", "-F", `${RATE}`, "-o", file, "-p", `${busy.pid}`],
          stdout: "null",
          stderr: "null",
        }).spawn();
        await until(() => dataSize(file) > 0);
        const before = cpuSeconds(busy.pid);
        await sleep(Math.random() * 1500);
        const ran = cpuSeconds(busy.pid) - before; // of other programs there may be many
        recorder.kill("SIGKILL");
        await recorder.status;
        busy.kill("SIGKILL");
        await busy.status;

        const samples = (await jsonReport(file)).events[0].samples;
        assertEquals(await perfSampleCount(file), samples);
        const least = RATE * Math.max(0, ran - OLDEST);
        assert(samples >= least, `killed after ${ran} s on a CPU: ${samples} samples, of at least ${least}`);
      }
    }),
);
