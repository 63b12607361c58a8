import { assertEquals, assertRejects } from "@std/assert";
import { MemoryBytes } from "../../lib/base/bytes/byte_source.ts";
import { ByteWriter, concat } from "../../lib/base/bytes/bytes.ts";
import { BadInputError } from "../../lib/base/system/errors.ts";
import { makeAttr } from "../../lib/events/attr.ts";
import { PerfDataReader } from "../../lib/perfdata/read/reader.ts";
import { encodeTracingData, tracepointNames } from "../../lib/perfdata/format/tracing_data.ts";
import { encodeEventName, encodeHeaderAttr, encodePipeHeader } from "../../lib/perfdata/format/writer.ts";
import { testNeeding } from "../needs.ts";
import { KERNEL_ID, oldFile, type OldForm } from "./old_files.ts";
import { perf } from "./run_perf.ts";
import { collect, stream } from "./read_recording.ts";

const FORMS: [string, OldForm][] = [
  ["the magic of perf up to Linux 3.2", {}],
  ["that magic, without a bitmap of features", { headerSize: 72 }],
  ["that magic, of a big-endian machine", { littleEndian: false }],
  ["that magic, of a big-endian machine, without a bitmap", { littleEndian: false, headerSize: 72 }],
  ["that magic, of a big-endian machine of 32 bits", { littleEndian: false, wordBits: 32 }],
  ["build ids with pids", { buildIdPid: true }],
  ["today's magic without a bitmap of features", { magic: "PERFILE2", headerSize: 72 }],
];

for (const [what, form] of FORMS) {
  Deno.test(`reader() reads a file with ${what}`, async () => {
    const bytes = oldFile(form);
    for (const input of [new MemoryBytes(bytes), stream(bytes), stream(bytes, 7)]) {
      const { header, samples, stats } = await collect(input);
      assertEquals(header.events.map(({ name }) => name), ["sched:sched_switch", "cycles"]);
      assertEquals(stats.samplesByEvent, [3, 1]);
      assertEquals(samples.map(({ comm, ip }) => [comm, ip]), [
        ["worker", 0x400001],
        ["worker", 0x400002],
        ["worker", 0x400003],
        ["worker", 0x400004],
      ]);
      const ids = header.features.buildIds.map(({ pid, buildId, filename }) => ({ pid, buildId, filename }));
      assertEquals(
        ids,
        form.headerSize === 72 ? [] : [{ pid: -1, buildId: KERNEL_ID, filename: "[kernel.kallsyms]" }],
      );
    }
  });
}

Deno.test("reader() refuses the old magic with a size that no header has, in either byte order", async () => {
  for (const size of [0n, 1n, 71n, 103n, 1n << 40n, 0xffffffffffffffffn]) {
    const bytes = oldFile();
    new DataView(bytes.buffer).setBigUint64(8, size, true);
    await assertRejects(
      () => new PerfDataReader(new MemoryBytes(bytes)).open(),
      BadInputError,
      "its own size",
    );
  }
});

const TRACEPOINT = {
  attr: makeAttr({ type: 2, config: 317n, samplePeriod: 1n, sampleType: 7 }),
  ids: [5n],
  name: "",
};

/** Descriptions by tracefs of two tracepoints. */
const TRACING = encodeTracingData({
  pageSize: 4096,
  headerPage: "\tfield: u64 timestamp;\n",
  headerEvent: "# compressed entry header\n",
  formats: new Map([
    ["irq", ["name: irq_handler_entry\nID: 161\nformat:\n"]],
    ["sched", ["name: sched_switch\nID: 317\nformat:\n\tfield:int x;\n"]],
  ]),
  printkFormats: "",
});

/** Returns a HEADER_TRACING_DATA, followed by the data whose size it gives. */
function tracingRecord(data: Uint8Array): Uint8Array {
  const size = new ByteWriter().u32(66).u16(0).u16(12).u32(data.length).bytes();
  return concat([size, data, new Uint8Array((8 - data.length % 8) % 8)]);
}

/** Returns a HEADER_EVENT_TYPE, as in perf up to Linux 3.10. */
function eventTypeRecord(config: bigint, name: string): Uint8Array {
  const text = new TextEncoder().encode(name);
  return new ByteWriter().u32(65).u16(0).u16(8 + 8 + 64).u64(config).raw(text).zeros(64 - text.length)
    .bytes();
}

const nameIn = async (...records: Uint8Array[]) => {
  const bytes = concat([encodePipeHeader(), encodeHeaderAttr(TRACEPOINT), ...records]);
  const names: string[] = [];
  for (const input of [new MemoryBytes(bytes), stream(bytes, 5)]) {
    names.push((await collect(input, { window: 64 })).header.events[0].name);
  }
  assertEquals(names[0], names[1]);
  return names[0];
};

Deno.test("a pipe without event descriptions has its tracepoints' names from its tracing data", async () => {
  assertEquals(await nameIn(), "tracepoint:317");
  assertEquals(await nameIn(tracingRecord(TRACING)), "sched:sched_switch");
  assertEquals(await nameIn(eventTypeRecord(317n, "sched:old_switch")), "sched:old_switch");
  assertEquals(await nameIn(tracingRecord(TRACING), encodeEventName(5n, "mine")), "mine");
  assertEquals(await nameIn(encodeEventName(5n, "mine"), tracingRecord(TRACING)), "mine");
});

Deno.test("tracing data that ends early gives the names before that place", () => {
  const whole = [[161n, "irq:irq_handler_entry"], [317n, "sched:sched_switch"]] as const;
  let most = 0;
  for (let length = 0; length <= TRACING.length; length++) {
    const names = [...tracepointNames(TRACING.subarray(0, length))];
    assertEquals(names, whole.slice(0, names.length).map(([id, name]) => [id, name]));
    most = Math.max(most, names.length);
  }
  assertEquals(most, 2);
});

Deno.test("reader() reads a pipe with the magic of perf up to Linux 3.2", async () => {
  const pipe = concat([
    encodePipeHeader(),
    encodeHeaderAttr(TRACEPOINT),
    eventTypeRecord(317n, "sched:old_switch"),
  ]);
  pipe.set(new TextEncoder().encode("PERFFILE"));
  for (const input of [new MemoryBytes(pipe), stream(pipe, 3)]) {
    const { header } = await collect(input);
    assertEquals([header.pipe, header.events.map(({ name }) => name)], [true, ["sched:old_switch"]]);
  }
});

testNeeding(["perf"], "perf finds the samples in old files that the reader does", async () => {
  for (const headerSize of [72, 104] as const) {
    const script = await perf(["script", "-F", "comm,ip"], oldFile({ headerSize, hardware: true }));
    assertEquals(script.trim().split(/\s+/).filter((word) => /^40000[1-4]$/.test(word)).length, 4, script);
  }
});
