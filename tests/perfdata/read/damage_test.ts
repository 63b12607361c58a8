import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { MemoryBytes } from "../../../lib/base/bytes/byte_source.ts";
import { PERF_RECORD_USER } from "../../../lib/base/system/abi.ts";
import { ByteWriter, concat } from "../../../lib/base/bytes/bytes.ts";
import { BadInputError } from "../../../lib/base/system/errors.ts";
import { refuseDamage } from "../../../lib/perfdata/read/damage.ts";
import { encodeFeatures } from "../../../lib/perfdata/format/feature_encoders.ts";
import { FEATURE } from "../../../lib/perfdata/format/features.ts";
import { PerfDataReader } from "../../../lib/perfdata/read/reader.ts";
import {
  encodeFileEnd,
  encodeFileStart,
  encodeHeaderAttr,
  encodePipeHeader,
} from "../../../lib/perfdata/format/writer.ts";
import { zstdStored } from "../../fuzz/made/packed.ts";
import { collect, fixture, stream } from "../read_recording.ts";
import { EVENTS, FEATURES, records, writtenFile } from "../small_recording.ts";

const CALLGRAPH = fixture("callgraph.data");

Deno.test("reader() gives all records before the place where a file is cut off", async () => {
  const whole = await collect(new MemoryBytes(CALLGRAPH));
  const { dataOffset, dataSize } = whole.header;
  for (let cut = dataOffset + 1; cut < dataOffset + dataSize; cut += 101) {
    const part = CALLGRAPH.subarray(0, cut);
    for (const input of [new MemoryBytes(part), stream(part, 1000)]) {
      const { samples, stats, records } = await collect(input, { damaged: "stop" });
      const at = stats.truncatedAt;
      assert(at >= dataOffset && at <= cut && cut - at < 65536, `cut at ${cut}, noticed at ${at}`);
      // All samples before the cut, and no other, are there.
      assertEquals(samples.length + records.length + stats.rounds, stats.records);
      const times = new Set(whole.samples.map((sample) => sample.time));
      assert(samples.every((sample) => times.has(sample.time)));
      assertEquals(stats.bytes, at - dataOffset);
    }
  }
});

Deno.test("reader() throws about a file that is cut off, after it has given what is there", async () => {
  const reader = new PerfDataReader(new MemoryBytes(CALLGRAPH.subarray(0, 20000), "cut.data"));
  await reader.open();
  let samples = 0;
  try {
    reader.read({ sample: () => samples++ });
    throw new Error("it did not throw");
  } catch (error) {
    assert(error instanceof BadInputError, String(error));
    assertStringIncludes(error.message, "cut.data");
    assert(error.offset > 0 && error.offset <= 20000);
  }
  assert(samples > 100);
});

Deno.test("reader() gives the records of a file whose features are cut off, then says so", async () => {
  const whole = await collect(new MemoryBytes(CALLGRAPH));
  const part = CALLGRAPH.subarray(0, CALLGRAPH.length - 10);
  for (const input of [new MemoryBytes(part), stream(part)]) {
    const { samples, stats } = await collect(input, { damaged: "stop" });
    assertEquals(samples, whole.samples);
    assertStringIncludes(stats.damage!.message, "feature section");
  }
});

Deno.test("reader() refuses what is not perf.data, and says what it is", async () => {
  const cases: [Uint8Array, string][] = [
    [new Uint8Array(), "it is empty"],
    [
      new TextEncoder().encode("#!/bin/sh\necho hello world, this is no recording\n"),
      "not a perf.data file (no PERFILE2 at its start): name one",
    ],
    [new TextEncoder().encode("PERFFILE" + "x".repeat(100)), "gives its own size"],
    [CALLGRAPH.slice(0, 60), "it ends within its header, after 60 bytes: copy it again"],
    [CALLGRAPH.slice(0, 12), "it ends within its header, after 12 bytes: copy it again"],
  ];
  for (const [bytes, message] of cases) {
    for (const input of [new MemoryBytes(bytes), stream(bytes)]) {
      await assertRejects(() => new PerfDataReader(input).open(), BadInputError, message);
    }
  }
});

/** Returns a copy of the file with a u64 (or u16) of its header or data replaced. */
function patched(at: number, value: bigint, bits: 16 | 64 = 64): Uint8Array<ArrayBuffer> {
  const bytes = CALLGRAPH.slice();
  const view = new DataView(bytes.buffer);
  if (bits === 64) view.setBigUint64(at, value, true);
  else view.setUint16(at, Number(value), true);
  return bytes;
}

Deno.test("reader() refuses a header whose sections cannot be", async () => {
  const huge = [2n ** 62n, 2n ** 53n - 1n, 2n ** 40n, 0xffffffffffffffffn];
  for (const value of huge) {
    for (const at of [16, 24, 32]) { // attr_size, attrs.offset, attrs.size
      await assertRejects(
        () => new PerfDataReader(new MemoryBytes(patched(at, value))).open(),
        BadInputError,
      );
    }
  }
});

Deno.test("reader() takes a data section that is larger than the file for a cut-off one", async () => {
  const whole = await collect(new MemoryBytes(CALLGRAPH));
  for (const size of [2n ** 40n, BigInt(CALLGRAPH.length)]) {
    const { stats, samples } = await collect(new MemoryBytes(patched(48, size)), { damaged: "stop" });
    assert(stats.damage);
    assertEquals(samples, whole.samples);
  }
});

Deno.test("reader() stops at a record whose size cannot be, and gives those before", async () => {
  const whole = await collect(new MemoryBytes(CALLGRAPH));
  const offset = Math.max(...whole.offsets.slice(0, 100));
  for (const size of [0n, 7n, 12n, 65535n]) {
    const { stats, samples } = await collect(new MemoryBytes(patched(offset + 6, size, 16)), {
      damaged: "stop",
    });
    assert(stats.damage, `size ${size} went through`);
    if (size !== 65535n) assertEquals(stats.truncatedAt, offset);
    assert(samples.length < whole.samples.length && samples.length > 50);
  }
});

Deno.test("reader() stops at a call chain that is longer than its sample", async () => {
  const whole = await collect(new MemoryBytes(CALLGRAPH));
  const layout = whole.header.events[0].layout;
  const view = new DataView(CALLGRAPH.buffer);
  const offset = whole.offsets.find((at) => view.getUint32(at, true) === 9)!;
  for (const length of [1000n, 2n ** 32n - 1n, 2n ** 61n, 0xffffffffffffffffn]) {
    const bytes = patched(offset + layout.callchain, length);
    const { stats } = await collect(new MemoryBytes(bytes), { damaged: "stop" });
    assertEquals(stats.truncatedAt, offset);
  }
});

Deno.test("reader() never hangs, nor fails but with BadInputError, whatever bytes are changed", async () => {
  let state = 12345;
  const random = (n: number) => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return (state >>> 8) % n;
  };
  for (
    const name of ["callgraph", "two_events", "pipe", "pipe_compressed", "compressed", "pipe_tracepoint"]
  ) {
    const original = fixture(`${name}.data`);
    for (let round = 0; round < 150; round++) {
      const bytes = original.slice();
      const changes = 1 + random(4);
      for (let i = 0; i < changes; i++) {
        // Half of the changes in the header, where they do most harm.
        const at = random(2) === 0 ? random(Math.min(1200, bytes.length)) : random(bytes.length);
        bytes[at] = random(3) === 0 ? 0xff : random(256);
      }
      for (const input of [new MemoryBytes(bytes), stream(bytes)]) {
        try {
          await collect(input, { damaged: "stop" });
        } catch (error) {
          assert(
            error instanceof BadInputError,
            `${name}, round ${round}: ${error}\n${(error as Error).stack}`,
          );
        }
      }
    }
  }
});

Deno.test("reader() refuses compressed data that does not unpack, after what came before", async () => {
  const bytes = fixture("compressed.data");
  const { header, samples } = await collect(new MemoryBytes(bytes));
  const view = new DataView(bytes.buffer);
  let at = header.dataOffset;
  while (view.getUint32(at, true) !== 81) at += view.getUint16(at + 6, true);
  bytes.fill(0xff, at + 8, at + 40);
  const { stats } = await collect(new MemoryBytes(bytes), { damaged: "stop" });
  assertStringIncludes(stats.damage!.message, "compressed data");
  assert(stats.samples < samples.length);
});

Deno.test("reader() refuses compressed data that asks for gigabytes to unpack, before it allocates them", async () => {
  const bytes = fixture("compressed.data");
  const { header } = await collect(new MemoryBytes(bytes));
  const view = new DataView(bytes.buffer);
  let at = header.dataOffset;
  while (view.getUint32(at, true) !== 81) at += view.getUint16(at + 6, true);
  assertEquals(view.getUint32(at + 8, true), 0xfd2fb528);
  for (const [descriptor, window] of [[0x00, 0xa0], [0xe0, 0xff]]) { // by a window of 1 GiB; by the content's size
    bytes[at + 12] = descriptor;
    bytes.fill(window, at + 13, at + 21);
    const { stats } = await collect(new MemoryBytes(bytes), { damaged: "stop" });
    assertStringIncludes(stats.damage!.message, "its window of");
  }
});

/** Returns the written file with changed payloads of features. */
function withFeatures(change: (number: number, payload: Uint8Array) => Uint8Array): Uint8Array<ArrayBuffer> {
  const start = encodeFileStart(EVENTS);
  const data = concat(records());
  const sections = encodeFeatures(FEATURES).map(({ number, payload }) => ({
    number,
    payload: change(number, payload),
  }));
  const end = encodeFileEnd(start.dataOffset, data.length, sections);
  const file = concat([start.bytes, data, end.tail]);
  for (const { offset, bytes } of end.patches) file.set(bytes, offset);
  return file;
}

for (
  const [what, spoil] of [
    ["empty", () => new Uint8Array()],
    ["of one byte", () => Uint8Array.of(1)],
    [
      "with a length that reaches beyond it",
      (payload) => Uint8Array.of(0xff, 0xff, 0xff, 0x7f, ...payload.subarray(4)),
    ],
  ] as [string, (payload: Uint8Array) => Uint8Array][]
) {
  Deno.test(`a feature section that is ${what} costs a file only that feature`, async () => {
    const whole = await collect(new MemoryBytes(writtenFile()));
    for (
      const [name, number] of [["CPUDESC", FEATURE.CPUDESC], ["CMDLINE", FEATURE.CMDLINE], [
        "EVENT_DESC",
        FEATURE.EVENT_DESC,
      ]] as const
    ) {
      const bytes = withFeatures((n, payload) => n === number ? spoil(payload) : payload);
      for (const input of [new MemoryBytes(bytes), stream(bytes, 100)]) {
        const { samples, stats, header } = await collect(input, { damaged: "stop" });
        assertEquals(samples, whole.samples);
        assertEquals(header.features.hostname, "testhost");
        assertEquals(header.features.has(number), false);
        // without descriptions, what the attr says
        const second = number === FEATURE.EVENT_DESC ? "page-faults" : "page-faults:u";
        assertEquals(header.events.map((event) => event.name), ["cpu-clock", second]);
        assertEquals(stats.cut, false);
        assertStringIncludes(stats.damage!.message, `the header's ${name} section`);
        refuseDamage(stats); // which does not
      }
    }
  });
}

Deno.test("a feature section that lies outside the file costs only that feature", async () => {
  const whole = writtenFile();
  const { header: { dataOffset, dataSize } } = await collect(new MemoryBytes(whole));
  const table = dataOffset + dataSize;
  for (
    const [offset, size] of [[2n ** 63n, 8n], [BigInt(whole.length), 1n], [0n, 2n ** 64n - 1n], [
      8n,
      2n ** 53n,
    ]]
  ) {
    const bytes = whole.slice();
    const view = new DataView(bytes.buffer);
    view.setBigUint64(table, offset, true); // the first one: build ids
    view.setBigUint64(table + 8, size, true);
    const { header, stats } = await collect(new MemoryBytes(bytes), { damaged: "stop" });
    assertEquals([header.features.buildIds, header.features.hostname, stats.cut], [[], "testhost", false]);
    assertStringIncludes(stats.damage!.message, "feature section 2 ");
    assert(stats.damage!.offset <= bytes.length);
  }
});

Deno.test("an error tells where in the file it is: in a pipe's header", async () => {
  const attr = encodeHeaderAttr(EVENTS[0]);
  const short = attr.slice(0, 48);
  new DataView(short.buffer).setUint16(6, short.length, true);
  const before = concat([encodePipeHeader(), attr]);
  const { stats } = await collect(new MemoryBytes(concat([before, short])), { damaged: "stop" });
  assertEquals(stats.truncatedAt, before.length + 8);
  assertStringIncludes(stats.damage!.message, `at offset ${before.length + 8} `);
});

Deno.test("an error tells where in the file it is: in compressed data, its record", async () => {
  const good = records().slice(0, 5), bad = Uint8Array.of(9, 0, 0, 0, 2, 0, 4, 0); // a sample of 4 bytes
  const packed = [good[0], good[1], concat([good[2], bad])].map((part) => {
    const data = zstdStored(part);
    const size = Math.ceil((16 + data.length) / 8) * 8;
    return new ByteWriter().u32(PERF_RECORD_USER.COMPRESSED2).u16(0).u16(size).u64(data.length).raw(data)
      .zeros(size - 16 - data.length).bytes();
  });
  const start = encodeFileStart(EVENTS).bytes; // a recorder that was killed
  const file = concat([start, good[3], packed[0], good[4], packed[1], packed[2]]);
  for (const input of [new MemoryBytes(file), stream(file, 9)]) {
    const { stats, offsets } = await collect(input, { damaged: "stop" });
    const at = [start, good[3], packed[0], good[4], packed[1]].map((part) => part.length);
    const sums = at.map((_, i) => at.slice(0, i + 1).reduce((a, b) => a + b));
    assertEquals(offsets, [sums[0], sums[1], sums[2], sums[3], sums[4]]);
    assertEquals(stats.truncatedAt, sums[4]);
  }
});
