/** `pmuctl record` into outputs that are slow, full, gone, limited, or taken: the file stays readable, the ledger exact. */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { eventually } from "../../eventually.ts";
import { testNeeding } from "../../needs.ts";
import { jsonReport, perfOk, perfSampleCount, PMUCTL, pmuctl, program, run, withFolder } from "../harness.ts";
import { cpuSeconds, sizeOf, waitsIn } from "../watching.ts";

/** Recordings that provoke loss; PMUCTL_LOSSES=50 for all the ways there are to mix, several times over. */
const LOSSES = Number(Deno.env.get("PMUCTL_LOSSES") ?? 5);

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

interface Counts {
  sample: number;
  overflow: number;
  dropbuf: number;
  dropbuf_sample: number;
}

/** The ledger as record prints it. */
function ledgerOf(stderr: string): Counts {
  const line = /^pmuctl: ledger: (.*)$/m.exec(stderr)?.[1];
  assert(line, stderr);
  const count = (name: string) => Number(new RegExp(`\\b${name} (\\d+)`).exec(line)![1]);
  return {
    sample: count("sample"),
    overflow: count("overflow"),
    dropbuf: count("dropbuf"),
    dropbuf_sample: count("dropbuf_sample"),
  };
}

/** The samples that a file's PERF_RECORD_LOST_SAMPLES say are missing, by perf: `lost samples :23` in its dump. */
async function lostSamplesIn(file: string): Promise<number> {
  const dump = await run("sh", [
    "-c",
    `perf report -D -i ${file} 2>/dev/null | grep PERF_RECORD_LOST_SAMPLES`,
  ]);
  return Array.from(dump.stdout.matchAll(/lost samples :(\d+)/g)).reduce((sum, [, n]) => sum + Number(n), 0);
}

/** One line of complaint, with what it has to hold, and status 3. */
function assertSaid(ran: { status: number; stderr: string }, complaint: RegExp) {
  assertEquals(ran.status, 3, ran.stderr);
  const lines = ran.stderr.split("\n").filter((line) => line.includes("cannot "));
  assertEquals(lines.length, 1, ran.stderr);
  assertMatch(lines[0], complaint);
}

/**
 * The file of a recording that had no room for its end says what standard error says: the samples, what was lost, of
 * which command and host; perf finds the same in it.
 */
async function assertFileAgrees(file: string, ran: { stderr: string }) {
  const ledger = ledgerOf(ran.stderr);
  assert(ledger.sample > 0 && ledger.dropbuf_sample > 0, ran.stderr);
  for (const report of [await jsonReport(file), await jsonReportOfStream(file)]) {
    const { meta, events: [{ samples }] } = report;
    assertEquals([samples, meta.lost], [ledger.sample, ledger.overflow + ledger.dropbuf_sample], ran.stderr);
    assertEquals([meta.ledger.from, meta.ledger.total.sample], ["recorder", ledger.sample]);
    assertStringIncludes(meta.command, program("ratio"));
    assertEquals(meta.host, Deno.hostname());
  }
  assertEquals(await perfSampleCount(file), ledger.sample);
  const header = await perfOk(["report", "--header-only", "-i", file]);
  assertStringIncludes(header, "# cmdline : pmuctl record ");
  assertStringIncludes(await perfOk(["buildid-list", "-i", file]), program("ratio"));
}

async function jsonReportOfStream(file: string): ReturnType<typeof jsonReport> {
  return JSON.parse((await run("sh", ["-c", `cat ${file} | ${PMUCTL} report --json -i -`])).stdout);
}

/** Calls `body` with the folder of a small file system of its own. */
async function withSmallDisk(kib: number, body: (folder: string) => Promise<void>): Promise<void> {
  await withFolder(async (folder) => {
    assertEquals((await run("mount", ["-t", "tmpfs", "-o", `size=${kib}k`, "tmpfs", folder])).status, 0);
    try {
      await body(folder);
    } finally {
      await run("umount", ["-l", folder]);
    }
  });
}

/** Calls `body` with a folder that no more than so much may be written to, on a btrfs of its own. */
async function withQuota(kib: number, body: (folder: string) => Promise<void>): Promise<void> {
  await withFolder(async (folder) => {
    const [image, mounted] = [`${folder}/image`, `${folder}/mounted`];
    await Deno.mkdir(mounted);
    const ok = async (...[command, ...args]: [string, ...string[]]) => {
      const { status, stderr } = await run(command, args);
      assertEquals(status, 0, stderr);
    };
    await ok("truncate", "-s", "128M", image);
    await ok("sh", "-c", 'PATH=$PATH:/usr/sbin:/sbin; mkfs.btrfs -q "$0"', image);
    await ok("mount", "-o", "loop", image, mounted);
    try {
      await ok("btrfs", "quota", "enable", mounted);
      await ok("btrfs", "qgroup", "limit", `${kib}K`, mounted);
      await body(mounted);
    } finally {
      await run("umount", ["-l", mounted]);
    }
  });
}

/** Recordings that lose samples in the kernel, to a slow output, or both. */
const LOSSY = [
  { pages: 1, rate: 20000, slow: false, mode: "fp", work: 500 },
  { pages: 2, rate: 9000, slow: true, mode: "fp", work: 500 },
  { pages: 128, rate: 20000, slow: true, mode: "auto,4K", work: 500 },
  { pages: 1, rate: 4000, slow: false, mode: "fp", work: 500 },
  { pages: 16, rate: 4000, slow: true, mode: "auto,4K", work: 4000 },
];

testNeeding(
  ["perf", "cc", "mounts"],
  "seen = written + lost, in the ledger and in the file, whatever the loss comes from",
  () =>
    withFolder(async (folder) => {
      const file = `${folder}/lossy.data`;
      let dropped = 0, overflowed = 0;
      for (let i = 0; i < LOSSES; i++) {
        const { pages, rate, slow, mode, work } = LOSSY[i % LOSSY.length];
        // it stands still once the recording is under way: the pipe fills, then the queue
        const reader = slow ? `(head -c 30000; sleep 1; cat) >${file}` : `cat >${file}`;
        const ran = await run("sh", [
          "-c",
          `${PMUCTL} record -F ${rate} --keep-rate --call-graph ${mode} --queue 64K -m ${pages} -o - -- ` +
          `${program("threads")} ${work} | ${reader}`,
        ]);
        const ledger = ledgerOf(ran.stderr);
        const report = await jsonReport(file);
        const written = report.events[0].samples;
        const what = `-m ${pages} -F ${rate} ${mode}${slow ? ", slow" : ""}: ${ran.stderr}`;
        assertEquals(written, ledger.sample, what);
        assertEquals(report.meta.lost, ledger.overflow + ledger.dropbuf_sample, what);
        assertEquals(await lostSamplesIn(file), ledger.dropbuf_sample, what);
        const stats = await run("perf", ["report", "-i", file, "--stats"]);
        assertEquals(Number(/SAMPLE events:\s+(\d+)/.exec(stats.stdout)?.[1]), written, what);
        dropped += ledger.dropbuf_sample;
        overflowed += ledger.overflow;
      }
      assert(dropped > 0, "none was dropped");
      console.log(`${LOSSES} recordings: ${dropped} samples dropped, ${overflowed} records lost`);
    }),
);

testNeeding(
  ["perf", "cc", "mounts"],
  "record to a disk that fills up keeps what came before, counts the rest, and says so in one line",
  () =>
    withSmallDisk(200, async (folder) => {
      const file = `${folder}/full.data`;
      const ran = await pmuctl(["record", "-g", "-F", "10000", "-o", file, "--", program("ratio"), "800"]);
      assertSaid(
        ran,
        /cannot write all of \S*full\.data: no space left on device: the file contains the samples until then/,
      );
      await assertFileAgrees(file, ran);
    }),
);

testNeeding(
  ["perf", "cc", "mounts", "btrfs"],
  "record beyond a quota keeps what came before, counts the rest, and says so in one line",
  () =>
    withQuota(300, async (folder) => {
      const file = `${folder}/over.data`;
      const ran = await pmuctl(["record", "-g", "-F", "10000", "-o", file, "--", program("ratio"), "800"]);
      assertSaid(
        ran,
        /cannot write all of \S*over\.data: disk quota exceeded: the file contains the samples until then/,
      );
      await assertFileAgrees(file, ran);
    }),
);

testNeeding(
  ["perf", "cc", "mounts"],
  "a flight recorder's last file on a full disk says what it lacks",
  () =>
    withSmallDisk(120, async (folder) => {
      const file = `${folder}/full.data`;
      const args = ["-g", "-F", "10000", "--overwrite", "-m", "64", "-o", file];
      const ran = await pmuctl(["record", ...args, "--", program("ratio"), "800"]);
      assertSaid(ran, /cannot write all of \S*full\.data: no space left on device/);
      const [part] = Array.from(Deno.readDirSync(folder), ({ name }) => `${folder}/${name}`);
      await assertFileAgrees(part, ran);
    }),
);

testNeeding(
  ["perf", "cc", "mounts"],
  "record -o - into a file on a full disk leaves whole records, and a report that does not know the loss",
  () =>
    withSmallDisk(100, async (folder) => {
      const file = `${folder}/full.data`;
      const record = `${PMUCTL} record -g -F 10000 -o - -- ${program("ratio")} 800 >${file}`;
      const ran = await run("sh", ["-c", record]);
      assertSaid(ran, /cannot write everything to standard output: no space left on device/);
      const { meta, events: [{ samples }] } = await jsonReport(file);
      assertEquals([samples, meta.lost], [ledgerOf(ran.stderr).sample, null]);
      const stats = await perfOk(["report", "-i", file, "--stats"]);
      assertEquals(Number(/SAMPLE events:\s+(\d+)/.exec(stats)?.[1]), samples);
    }),
);

testNeeding(
  ["cc"],
  "of a file that was cut off after it was recorded, what is missing is lost",
  () =>
    withFolder(async (folder) => {
      const [whole, cut] = [`${folder}/whole.data`, `${folder}/cut.data`];
      const ran = await pmuctl(["record", "-F", "2000", "-o", whole, "--", program("ratio"), "500"]);
      const bytes = await Deno.readFile(whole);
      await Deno.writeFile(cut, bytes.subarray(0, bytes.length - 20_000));
      const { meta, events: [{ samples }] } = JSON.parse(
        (await pmuctl(["report", "--force", "--json", "-i", cut])).stdout,
      );
      const atLeast = ledgerOf(ran.stderr).sample - samples;
      assertEquals([meta.lost, meta.ledger.unfinished, atLeast > 0], [null, { atLeast }, true]);
    }),
);

testNeeding(
  ["cc", "mounts"],
  "where not even the front of a file has room nothing is recorded, and the file that was there stays",
  () =>
    withSmallDisk(40, async (folder) => {
      const file = `${folder}/kept.data`;
      await Deno.writeTextFile(file, "x".repeat(36_000));
      const ran = await pmuctl(["record", "-o", file, "--", "touch", `${folder}/ran`]);
      assertSaid(ran, /cannot write \S*kept\.data: no space left on device: name another file with -o/);
      assertEquals(Array.from(Deno.readDirSync(folder), ({ name }) => name), ["kept.data"]);
      assertEquals((await Deno.readTextFile(file)).length, 36_000);
    }),
);

testNeeding(
  ["perf", "cc"],
  "record under a limit of file size is not killed by SIGXFSZ: the file ends there",
  () =>
    withFolder(async (folder) => {
      const file = `${folder}/limited.data`;
      const ran = await run("sh", [
        "-c",
        `ulimit -f 200; exec ${PMUCTL} record -g -F 10000 -o ${file} -- ${program("ratio")} 800`,
      ]);
      assertSaid(ran, /cannot write all of .*: file too large/);
      await assertFileAgrees(file, ran);
    }),
);

testNeeding(
  ["cc"],
  "an output that another recorder writes is refused and left alone; two outputs at once are both right",
  () =>
    withFolder(async (folder) => {
      const [one, two] = [`${folder}/one.data`, `${folder}/two.data`];
      const record = (file: string, ...command: string[]) =>
        pmuctl(["record", "-F", "2000", "-o", file, "--", ...command]);
      const ended = `${folder}/ended`;
      const first = record(one, "sh", "-c", `until [ -e ${ended} ]; do ${program("ratio")} 100; done`);
      await eventually(() => sizeOf(one) > 0, "the first recording to begin");
      const [refused, second] = await Promise.all([
        record(one, program("ratio"), "10"),
        record(two, program("ratio"), "300"),
      ]);
      await Deno.writeTextFile(ended, "");
      assertSaid(
        refused,
        /cannot write .*one\.data: another recorder is writing it: name another file with -o/,
      );
      assertEquals((await first).status, 0);
      for (const [file, ran] of [[one, await first], [two, second]] as const) {
        assertEquals((await jsonReport(file)).events[0].samples, ledgerOf(ran.stderr).sample);
      }
      const files = Array.from(Deno.readDirSync(folder), ({ name }) => name).sort();
      assertEquals(files, ["ended", "one.data", "two.data"]);
    }),
);

testNeeding(
  ["root", "cc"],
  "a second Ctrl-C ends a recording whose reader takes nothing",
  () =>
    withFolder(async (folder) => {
      const stderr = `${folder}/stderr`;
      const fifo = `${folder}/fifo`;
      await run("mkfifo", [fifo]);
      const holder = new Deno.Command("sh", { args: ["-c", `exec sleep 30 <>${fifo}`] }).spawn();
      const busy = new Deno.Command(program("threads"), { args: ["100000"], stdout: "null" }).spawn();
      const recorder = new Deno.Command("sh", {
        args: ["-c", `exec ${PMUCTL} record -F 20000 -g -p ${busy.pid} -o - >${fifo} 2>${stderr}`],
      }).spawn();
      try {
        await eventually(() => waitsIn(recorder.pid, /pipe_write/), "the recorder to wait for its reader");
        let ended: Deno.CommandStatus | undefined;
        // again and again: signals that come faster than they are looked at are one
        for (let tries = 0; tries < 20 && !ended; tries++) {
          recorder.kill("SIGINT");
          ended = await Promise.race([recorder.status, sleep(500).then(() => undefined)]);
        }
        assert(ended, "it still runs");
        const said = await Deno.readTextFile(stderr);
        assertSaid(
          { status: ended.code, stderr: said },
          /cannot write everything to standard output: the second request to stop/,
        );
        assert(ledgerOf(said).dropbuf_sample > 0, said);
      } finally {
        for (const child of [busy, holder]) child.kill("SIGKILL");
        await Promise.all([busy.status, holder.status]);
      }
    }),
);

testNeeding(
  ["perf", "cc"],
  "a recorder that was stopped goes on when it is continued, and counts what its rings could not take",
  () =>
    withFolder(async (folder) => {
      const file = `${folder}/stopped.data`;
      const busy = new Deno.Command(program("ratio"), { args: ["100000"], stdout: "null" }).spawn();
      const recorder = new Deno.Command(PMUCTL, {
        args: ["record", "-F", "10000", "--keep-rate", "-m", "4", "-o", file, "-p", `${busy.pid}`],
        stderr: "piped",
      }).spawn();
      try {
        await eventually(() => sizeOf(file) > 100_000, "samples");
        recorder.kill("SIGSTOP");
        const before = cpuSeconds(busy.pid);
        await eventually(() => cpuSeconds(busy.pid) > before + 0.5, "the workload to overrun the rings");
        const size = sizeOf(file);
        recorder.kill("SIGCONT");
        await eventually(() => sizeOf(file) > size, "the recording to go on");
        recorder.kill("SIGINT");
        const { code, stderr } = await recorder.output();
        const said = new TextDecoder().decode(stderr);
        assertEquals(code, 0, said);
        const ledger = ledgerOf(said);
        assert(ledger.overflow > 0, said);
        assertEquals((await jsonReport(file)).events[0].samples, ledger.sample);
        assertStringIncludes(said, "ring buffers overflowed");
      } finally {
        busy.kill("SIGKILL");
        await busy.status;
      }
    }),
);
