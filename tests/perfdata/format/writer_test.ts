import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { PERF_RECORD } from "../../../lib/base/system/abi.ts";
import { MemoryBytes } from "../../../lib/base/bytes/byte_source.ts";
import { concat } from "../../../lib/base/bytes/bytes.ts";
import { encodeAddedId, encodeFileStart } from "../../../lib/perfdata/format/writer.ts";
import { testNeeding } from "../../needs.ts";
import { perf } from "../run_perf.ts";
import { assertLikeScript, collect, type Reading, stream } from "../read_recording.ts";
import { EVENTS, FEATURES, killedFile, records, writtenFile, writtenPipe } from "../small_recording.ts";

/** Fails unless `reading` has the samples and records of small_recording.ts, in order of time. */
function assertContent(reading: Reading): void {
  assertEquals(
    reading.samples.map((
      { comm, tid, cpu, time, period, event, chain },
    ) => [comm, tid, cpu, time, period, event, chain]),
    [
      ["worker", 100, 0, 1_000_000_100n, 250_000, 0, [0x400123, 0x400456]],
      ["child", 101, 1, 1_000_000_200n, 250_000, 0, [0x500010]],
      ["worker", 100, 0, 1_000_000_300n, 250_000, 0, [-0x7f000000 + 0x100, 0x400456]],
      ["worker", 100, 1, 1_000_000_400n, 1, 1, [0x400200]],
    ],
  );
  const { MMAP, KSYMBOL, COMM, MMAP2, FORK, EXIT } = PERF_RECORD;
  const kernels = reading.records.filter((r) => r.type < 64);
  assertEquals(kernels.map((r) => r.type), [MMAP, KSYMBOL, COMM, MMAP2, MMAP2, FORK, COMM, EXIT]);
  assertEquals(reading.stats.rounds, 2);
  assertEquals(reading.stats.truncatedAt, -1);
  assertEquals(reading.header.events.map((event) => event.ids), EVENTS.map((event) => event.ids));
}

Deno.test("writer() makes a file that the reader reads back whole", async () => {
  for (const input of [new MemoryBytes(writtenFile()), stream(writtenFile(), 7)]) {
    const reading = await collect(input, { window: 64 });
    assertContent(reading);
    assertEquals(reading.header.events.map((event) => event.name), EVENTS.map((event) => event.name));
  }
});

Deno.test("writer() makes a pipe that the reader reads back whole", async () => {
  for (const input of [new MemoryBytes(writtenPipe()), stream(writtenPipe(), 7)]) {
    const reading = await collect(input, { window: 64 });
    assertContent(reading);
    assertEquals(reading.header.events.map((event) => event.name), EVENTS.map((event) => event.name));
    assertEquals(reading.header.features.ledger, FEATURES.ledger);
  }
});

Deno.test("writer() leaves a file that reads whole when the recorder is killed", async () => {
  assertContent(await collect(new MemoryBytes(killedFile())));
  const { dataOffset, dataSizeAt, bytes } = encodeFileStart(EVENTS);
  assertEquals(bytes.length, dataOffset);
  // What the recorder keeps up to date while it runs.
  const file = killedFile();
  new DataView(file.buffer).setBigUint64(dataSizeAt, BigInt(file.length - dataOffset), true);
  assertContent(await collect(new MemoryBytes(file)));
});

Deno.test("features come back as they were encoded", async () => {
  const { header } = await collect(new MemoryBytes(writtenFile()));
  const f = header.features;
  assertEquals(f.hostname, FEATURES.hostname);
  assertEquals(f.osrelease, FEATURES.osrelease);
  assertEquals(f.version, FEATURES.version);
  assertEquals(f.arch, FEATURES.arch);
  assertEquals(f.nrcpus, FEATURES.nrcpus);
  assertEquals(f.cpudesc, FEATURES.cpudesc);
  assertEquals(f.cpuid, FEATURES.cpuid);
  assertEquals(f.totalMem, FEATURES.totalMem);
  assertEquals(f.cmdline, FEATURES.cmdline);
  assertEquals(f.eventDesc, EVENTS);
  assertEquals(f.cpuTopology?.threadSiblings, ["0", "1"]);
  assertEquals(f.cpuTopology?.cpus[1], { core: 1, socket: 0, die: 0 });
  assertEquals(f.pmuMappings, new Map(FEATURES.pmuMappings));
  assertEquals(f.groupDesc, FEATURES.groupDesc);
  assertEquals(f.sampleTime, FEATURES.sampleTime);
  assertEquals(f.clockid, FEATURES.clockid);
  assertEquals(f.clockData, FEATURES.clockData);
  assertEquals(f.buildIds[0].buildId, FEATURES.buildIds![0].buildId);
  assertEquals(f.buildIds[0].filename, "/nonexistent/worker");
  assertEquals(f.ledger, FEATURES.ledger);
  const bare = await collect(new MemoryBytes(writtenFile({ ledger: FEATURES.ledger })));
  assertEquals([bare.header.features.ledger, bare.header.features.version], [FEATURES.ledger, ""]);
  const without = await collect(new MemoryBytes(writtenFile({ version: "1" })));
  assertEquals(without.header.features.ledger, undefined);
});

const SCRIPT = ["script", "--ns", "-F", "comm,pid,tid,cpu,time,period,event,ip"];

testNeeding(["perf"], "perf script reads our file as our reader does", async () => {
  assertLikeScript(await collect(new MemoryBytes(writtenFile())), await perf(SCRIPT, writtenFile()));
});

testNeeding(
  ["perf"],
  "perf report, evlist and the header listing take our file without a complaint",
  async () => {
    const ungrouped = writtenFile({ ...FEATURES, groupDesc: undefined });
    const report = await perf(["report", "--stdio"], ungrouped);
    assertStringIncludes(report, "Samples: 3  of event 'cpu-clock'");
    assertStringIncludes(report, "Samples: 1  of event 'page-faults:u'");
    assertStringIncludes(
      await perf(["report", "--stdio"], writtenFile()),
      "of events 'anon group { cpu-clock, page-faults:u }'",
    );
    assertEquals((await perf(["evlist"], writtenFile())).trim().split("\n").slice(0, 2), [
      "cpu-clock",
      "page-faults:u",
    ]);
    const header = await perf(["report", "--header-only"], writtenFile());
    for (
      const line of [
        "# hostname : testhost",
        "# os release : 6.18.0",
        "# perf version : 0.1.0",
        "# nrcpus online : 2",
        "# nrcpus avail : 4",
        "# cpudesc : A CPU @ 3 GHz",
        "# total memory : 24000000 kB",
        "# cmdline : pmuctl record -- worker",
        "# event : name = cpu-clock",
        "# clockid frequency: 1000 MHz",
      ]
    ) assertStringIncludes(header, line);
    assert(!header.includes("ledger"));
  },
);

testNeeding(["perf"], "perf script reads our pipe as our reader does", async () => {
  const pipe = writtenPipe();
  assertLikeScript(await collect(new MemoryBytes(pipe)), await perf(SCRIPT, pipe, true));
});

testNeeding(["perf"], "perf reads what a killed recorder has left", async () => {
  const file = killedFile();
  const { dataOffset, dataSizeAt } = encodeFileStart(EVENTS);
  new DataView(file.buffer).setBigUint64(dataSizeAt, BigInt(file.length - dataOffset), true);
  const path = await Deno.makeTempFile({ suffix: ".data" });
  await Deno.writeFile(path, file);
  const { stdout } = await new Deno.Command("perf", { args: ["script", "-i", path] }).output();
  await Deno.remove(path);
  assertEquals(new TextDecoder().decode(stdout).match(/^ *(worker|child) /gm)?.length, 4);
});

testNeeding(["perf"], "perf inject takes our file, with the ledger in it", async () => {
  const dir = await Deno.makeTempDir();
  try {
    await Deno.writeFile(`${dir}/in.data`, writtenFile());
    const { code } = await new Deno.Command("perf", {
      args: ["inject", "-b", "-i", `${dir}/in.data`, "-o", `${dir}/out.data`],
      stderr: "null",
    }).output();
    assertEquals(code, 0);
    const reading = await collect(new MemoryBytes(await Deno.readFile(`${dir}/out.data`)));
    assertEquals(reading.samples, (await collect(new MemoryBytes(writtenFile()))).samples);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("an event gets more ids while its file is written, as long as there is room for them", async () => {
  const start = encodeFileStart(EVENTS, { spareIds: 1 });
  const [clock] = start.ids;
  const file = concat([start.bytes, ...records()]);
  const before = await collect(new MemoryBytes(file));
  assertEquals(before.header.events.map((event) => event.ids), EVENTS.map((event) => event.ids));
  for (const { offset, bytes } of encodeAddedId(clock, 99n)!) file.set(bytes, offset);
  const after = await collect(new MemoryBytes(file));
  assertEquals(after.header.events.map((event) => event.ids), [[11n, 12n, 99n], [21n]]);
  assertContent({ ...after, header: before.header });
  assertEquals(encodeAddedId({ ...clock, count: clock.count + 1 }, 100n), undefined);
});
