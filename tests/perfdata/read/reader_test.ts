import { assert, assertEquals } from "@std/assert";
import { PERF_RECORD, PERF_RECORD_USER } from "../../../lib/base/system/abi.ts";
import { MemoryBytes } from "../../../lib/base/bytes/byte_source.ts";
import { assertLikeScript, collect, fixture, fixtureText, type Reading, stream } from "../read_recording.ts";

/** Names of all files that perf can read. */
const SCRIPTED = ["callgraph", "two_events", "compressed", "clock", "extras", "pipe"];
const ALL = [...SCRIPTED, "group_read", "pipe_compressed", "pipe_tracepoint"];

/** Ways of reading, which must all have the same result. */
const WAYS: [string, (bytes: Uint8Array) => Promise<Reading>][] = [
  ["a tiny window", (bytes) => collect(new MemoryBytes(bytes), { window: 64 })],
  ["tiny chunks", (bytes) => collect(new MemoryBytes(bytes, "chunks", 7), { window: 256 })],
  ["a stream", (bytes) => collect(stream(bytes))],
  ["a stream in tiny chunks", (bytes) => collect(stream(bytes, 7), { window: 1024 })],
];

for (const name of SCRIPTED) {
  Deno.test(`reader() finds the samples of ${name} as perf script does`, async () => {
    const reading = await collect(new MemoryBytes(fixture(`${name}.data`)));
    assertLikeScript(reading, fixtureText(`${name}.script`));
    assertEquals(reading.stats.samples, reading.samples.length);
    assertEquals(reading.stats.truncatedAt, -1);
    assertEquals(reading.stats.unknownRecords, 0);
  });
}

for (const name of ALL) {
  for (const [way, read] of WAYS) {
    Deno.test(`reader() reads ${name} through ${way} as in one piece`, async () => {
      const bytes = fixture(`${name}.data`);
      const whole = await collect(new MemoryBytes(bytes));
      const reading = await read(bytes);
      assertEquals(reading.samples, whole.samples);
      assertEquals(reading.records, whole.records);
      assertEquals(reading.stats, whole.stats);
      assertEquals(reading.offsets, whole.offsets);
      assertEquals(reading.header.features.hostname, "testhost");
      assertEquals(
        reading.header.events.map((event) => event.name),
        whole.header.events.map((event) => event.name),
      );
    });
  }
}

Deno.test("reader() says where in the file a record is", async () => {
  for (const name of ["callgraph", "pipe", "pipe_tracepoint"]) {
    const bytes = fixture(`${name}.data`);
    const { offsets, samples, records } = await collect(new MemoryBytes(bytes), { window: 4096 });
    assertEquals(offsets.length, samples.length + records.length);
    assertEquals(new Set(offsets).size, offsets.length);
    const view = new DataView(bytes.buffer);
    const types = offsets.map((offset) => view.getUint32(offset, true));
    assertEquals(types.filter((type) => type === PERF_RECORD.SAMPLE).length, samples.length);
    const sizes = offsets.map((offset) => view.getUint16(offset + 6, true));
    assert(sizes.every((size) => size >= 8));
  }
});

/** Parses `perf report --stats`: a line for each type of record, then those of each event. */
function parseStats(text: string): Map<number, number> {
  const types: Record<string, number> = { ...PERF_RECORD, ...PERF_RECORD_USER };
  const aliases: Record<string, string> = { ATTR: "HEADER_ATTR", FEATURE: "HEADER_FEATURE" };
  const counts = new Map<number, number>();
  for (const line of text.split("\n").slice(1)) {
    const m = /^ +(\w+) events: +(\d+)/.exec(line);
    if (!m) break; // the events' own
    const type = types[aliases[m[1]] ?? m[1]];
    if (m[1] !== "TOTAL") counts.set(type, Number(m[2]));
  }
  return counts;
}

for (const name of SCRIPTED) {
  Deno.test(`reader() counts the records of ${name} as perf report --stats does`, async () => {
    const { stats } = await collect(new MemoryBytes(fixture(`${name}.data`)));
    assertEquals(stats.byType, parseStats(fixtureText(`${name}.stats`)));
    assertEquals(stats.byType.get(PERF_RECORD_USER.FINISHED_ROUND), stats.rounds);
    assertEquals([...stats.byType.values()].reduce((a, b) => a + b), stats.records);
  });
}

Deno.test("reader() steps over tracing data and auxiliary payloads", async () => {
  const { stats, samples, header } = await collect(new MemoryBytes(fixture("pipe_tracepoint.data")));
  assertEquals(stats.byType.get(PERF_RECORD_USER.HEADER_TRACING_DATA), 1);
  assertEquals(header.events.map((event) => event.name), ["sched:sched_process_exec", "page-faults"]);
  assertEquals(samples.length, stats.samplesByEvent[0] + stats.samplesByEvent[1]);
  assert(stats.samplesByEvent[0] >= 1);
});

Deno.test("reader() takes synthesized records, whose id is 0, for the first event's", async () => {
  const { records, stats } = await collect(new MemoryBytes(fixture("two_events.data")));
  const untimed = records.filter((record) => record.type < 64 && Number.isNaN(record.time));
  assert(untimed.length > 0);
  for (const record of untimed) assertEquals(record.event, 0);
  assertEquals(stats.unknownIds, 0);
});

Deno.test("reader() finds call chains behind a group READ", async () => {
  const { samples, header } = await collect(new MemoryBytes(fixture("group_read.data")));
  assertEquals(header.events[0].layout.callchain, -1);
  assert(samples.length > 50);
  for (const { chain, ip } of samples) assertEquals(chain[0], ip);
});

Deno.test("reader() reads zstd data that perf wrote to a pipe", async () => {
  const { samples, stats, header } = await collect(new MemoryBytes(fixture("pipe_compressed.data")));
  assertEquals(header.features.compressed?.algorithm, 1);
  assert(stats.byType.get(PERF_RECORD_USER.COMPRESSED)! > 0);
  assert(samples.length > 50);
  for (const { chain, ip } of samples) assertEquals(chain[0], ip);
});

Deno.test("reader() gives times in order, and their first and last", async () => {
  const { samples, stats, header } = await collect(new MemoryBytes(fixture("callgraph.data")));
  for (let i = 1; i < samples.length; i++) assert(samples[i - 1].time <= samples[i].time);
  assertEquals(header.features.sampleTime, {
    first: samples[0].time,
    last: samples[samples.length - 1].time,
  });
  assert(stats.timeFirst! <= samples[0].time && stats.timeLast! >= samples[samples.length - 1].time);
});

Deno.test("reader() gives records without a time before all samples", async () => {
  const bytes = fixture("callgraph.data");
  const reader = await collect(new MemoryBytes(bytes));
  const untimed = reader.records.filter((record) => Number.isNaN(record.time) && record.type < 64);
  assert(untimed.length >= 1); // the kernel's own map, which perf synthesizes
  assertEquals(untimed[0].type, PERF_RECORD.MMAP);
  assertEquals(reader.records.indexOf(untimed[0]) <= 1, true);
});

Deno.test("reader() reads all of a file whose recorder was killed", async () => {
  const bytes = fixture("callgraph.data");
  const whole = await collect(new MemoryBytes(bytes));
  const { dataOffset, dataSize } = whole.header;
  const killed = bytes.slice(0, dataOffset + dataSize);
  killed.fill(0, 48, 56); // data.size
  killed.fill(0, 72, 104); // the bitmap of features
  const reading = await collect(new MemoryBytes(killed));
  assertEquals(reading.samples, whole.samples);
  assertEquals(reading.stats.truncatedAt, -1);
  assertEquals(reading.header.events.map((event) => event.name), ["cpu-clock:ppp"]);
});
