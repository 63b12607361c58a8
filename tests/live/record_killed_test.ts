/** A recorder that is killed leaves a file that can be read, up to its last flush. */

import { assert, assertEquals } from "@std/assert";
import { testNeeding } from "../needs.ts";
import { jsonReport, perfSampleCount, PMUCTL, program, withFolder } from "./harness.ts";

/** Enough to see a flaw of the design; PMUCTL_KILLS=200 looks for one in a thousand. */
const KILLS = Number(Deno.env.get("PMUCTL_KILLS") ?? 6);
/** By then the recorder has written what /proc says, in ms. */
const STARTED = 700;
/** Samples a second of the workload's one thread, and how old the last flush may be, in seconds. */
const RATE = 2000, OLDEST = 1;

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
        const ran = STARTED + Math.random() * 1500;
        await new Promise((resolve) => setTimeout(resolve, ran));
        recorder.kill("SIGKILL");
        await recorder.status;
        busy.kill("SIGKILL");
        await busy.status;

        const samples = (await jsonReport(file)).events[0].samples;
        assertEquals(await perfSampleCount(file), samples);
        const least = RATE * Math.max(0, (ran - STARTED) / 1000 - OLDEST);
        assert(
          samples >= least,
          `killed after ${ran.toFixed(0)} ms: ${samples} samples, of at least ${least}`,
        );
      }
    }),
);
