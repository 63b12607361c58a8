/** A recorder that is killed leaves a file that can be read, up to its last flush. */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { eventually } from "../../eventually.ts";
import { missing, testNeeding } from "../../needs.ts";
import { jsonReport, perfSampleCount, PMUCTL, pmuctl, pmuctlOk, program, withFolder } from "../harness.ts";
import { cpuSeconds, sizeOf } from "../watching.ts";

/** Enough to see a flaw of the design; PMUCTL_KILLS=200 looks for one in a thousand. */
const KILLS = Number(Deno.env.get("PMUCTL_KILLS") ?? 6);
/** Likewise of recorders that are killed as they start. */
const EARLY_KILLS = Number(Deno.env.get("PMUCTL_KILLS") ?? 20);
/** Offset of data.size in a perf.data file's header: it is 0 until the drain has started. */
const DATA_SIZE_AT = 48;
/** Samples a second of the workload's one thread, and how old the last flush may be, in seconds. */
const RATE = 2000, OLDEST = 1;

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

function dataSize(file: string): number {
  try {
    return Number(new DataView(Deno.readFileSync(file).buffer).getBigUint64(DATA_SIZE_AT, true));
  } catch {
    return 0; // not there yet, or without a header
  }
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
        await eventually(() => dataSize(file) > 0, "samples");
        const before = cpuSeconds(busy.pid);
        await sleep(Math.random() * 1500);
        const ran = cpuSeconds(busy.pid) - before; // of other programs there may be many
        recorder.kill("SIGKILL");
        await recorder.status;
        busy.kill("SIGKILL");
        await busy.status;

        const { meta, events: [{ samples }] } = await jsonReport(file);
        assertEquals([meta.lost, meta.ledger.total.overflow, meta.ledger.from], [null, null, "records"]);
        assertEquals([meta.command, meta.host], [`pid ${busy.pid}`, Deno.hostname()]);
        assertEquals(await perfSampleCount(file), samples);
        const least = RATE * Math.max(0, ran - OLDEST);
        assert(samples >= least, `killed after ${ran} s on a CPU: ${samples} samples, of at least ${least}`);
      }
    }),
);

/** The kinds of recordings that differ in what a file begins with. */
const KINDS = [
  ...[[], ["-g"], ["--call-graph", "dwarf"], ["-e", "task-clock:u,page-faults:u"]],
  ...missing(["root"]) ? [] : [["-a"], ["-a", "-g"]],
];

testNeeding(
  ["cc"],
  "a recorder that is killed as it starts has made no file, or one that can be read",
  () =>
    withFolder(async (folder) => {
      const busy = new Deno.Command(program("ratio"), { args: ["10000000"], stdout: "null" }).spawn();
      const known = new Set<string>();
      for (let i = 0; i < EARLY_KILLS; i++) {
        const kind = KINDS[i % KINDS.length];
        const file = `${folder}/${i}.data`;
        if (i % 3 === 0) await Deno.writeTextFile(file, "another file");
        const old = i % 3 === 0 ? Deno.lstatSync(file).ino : null;
        const recorder = new Deno.Command(PMUCTL, {
          args: ["record", "-q", "-o", file, ...kind, ...kind.includes("-a") ? [] : ["-p", `${busy.pid}`]],
          stdout: "null",
          stderr: "null",
        }).spawn();
        // at the very moment when there is a file, or at any
        const atOnce = i % 2 === 0;
        const latest = performance.now() + (atOnce ? 20_000 : Math.random() * 1500);
        while (performance.now() < latest && !(atOnce && isNew(file, old))) await sleep(0);
        recorder.kill("SIGKILL");
        await recorder.status;
        if (isNew(file, old)) await pmuctlOk(["report", "--force", "--json", "-i", file]);
        for (const { name } of Deno.readDirSync(folder)) known.add(name);
      }
      busy.kill("SIGKILL");
      await busy.status;
      assertEquals([...known].filter((name) => !/^[0-9]+\.data(\.old)?$/.test(name)), []);
    }),
);

/** Whether there is a file with another inode than the one that was there before. */
function isNew(file: string, old: number | null): boolean {
  try {
    return Deno.lstatSync(file).ino !== old;
  } catch {
    return false;
  }
}

testNeeding(
  ["cc"],
  "report says of a recording that was killed that nobody knows what was lost, in every form",
  () =>
    withFolder(async (folder) => {
      const [file, pipe] = [`${folder}/file.data`, `${folder}/pipe.data`];
      for (const [output, into] of [[file, "/dev/null"], ["-", pipe]]) {
        const record = `exec ${PMUCTL} record -q -F ${RATE} -o ${output} -- ${
          program("ratio")
        } 100000 >${into}`;
        const recorder = new Deno.Command("sh", { args: ["-c", record] }).spawn();
        const written = output === "-" ? pipe : file;
        // more than what stands in front of the first sample
        await eventually(() => sizeOf(written) > 120_000, "samples");
        recorder.kill("SIGKILL");
        await recorder.status;
        const report = async (...args: string[]) =>
          (await pmuctl(["report", "--force", ...args, "-i", written])).stdout;
        const text = await report("--ledger");
        assertMatch(text, /^lost {5}not finished: loss unknown$/m);
        assertMatch(text, /^warning {2}the recording was not finished/m);
        assertMatch(text, /^ledger +all +\d+ +- +-$/m);
        assertMatch(await report("--stats"), /^not finished: loss unknown$/m);
        const stats = JSON.parse(await report("--stats", "--json"));
        assertEquals([stats.lost, stats.lostSamples, stats.finished], [null, null, false]);
        assertStringIncludes(await report("--format", "html"), "not finished: loss unknown");
      }
    }),
);
