/** Bounds on the cost of a recording's header and features, whatever counts and sizes they claim. */

import { assertEquals, assertLess, assertRejects, assertStringIncludes } from "@std/assert";
import type { ByteInput } from "../../lib/base/bytes/byte_source.ts";
import { MemoryBytes } from "../../lib/base/bytes/byte_source.ts";
import { concat } from "../../lib/base/bytes/bytes.ts";
import { BadInputError } from "../../lib/base/system/errors.ts";
import { encodeFeatures } from "../../lib/perfdata/format/feature_encoders.ts";
import { FEATURE } from "../../lib/perfdata/format/features.ts";
import { PerfDataReader } from "../../lib/perfdata/read/reader.ts";
import {
  encodeFileEnd,
  encodeFileStart,
  encodeHeaderAttr,
  encodePipeHeader,
} from "../../lib/perfdata/format/writer.ts";
import { collect } from "./read_recording.ts";
import { EVENTS, FEATURES, records, writtenFile } from "./small_recording.ts";

const MIB = 1 << 20;
/** Offsets in the header of a file. */
const AT = { ATTRS: 24, DATA: 40 } as const;

/** Returns a file of `size` bytes that begins with `bytes`, followed by zeros. It counts the bytes that are read. */
function sparse(bytes: Uint8Array, size: number): ByteInput & { taken: number } {
  const memory = new MemoryBytes(bytes, "a sparse file");
  const input = {
    name: memory.name,
    size,
    taken: 0,
    read: (into: Uint8Array) => memory.read(into),
    readAt: (offset: number, into: Uint8Array) => {
      const n = Math.max(0, Math.min(into.length, size - offset));
      into.fill(0, 0, n);
      memory.readAt(offset, into.subarray(0, n));
      input.taken += n;
      return n;
    },
  };
  return input;
}

/** Returns the written file with some u64s replaced. */
function patched(...values: [at: number, value: number][]): Uint8Array<ArrayBuffer> {
  const bytes = writtenFile();
  const view = new DataView(bytes.buffer);
  for (const [at, value] of values) view.setBigUint64(at, BigInt(value), true);
  return bytes;
}

const attrSize = new DataView(writtenFile().buffer).getUint32(16, true);

for (
  const [what, bytes, message] of [
    [
      "events of a gigabyte",
      patched([AT.ATTRS + 8, 7_000_000 * attrSize]),
      "bytes of events: the limit is 16 MiB",
    ],
    [
      "an event with a gigabyte of ids",
      patched([attrsAt() + attrSize - 8, 2 ** 30]),
      "bytes of ids of events: the limit is 16 MiB",
    ],
  ] as const
) {
  Deno.test(`reader() refuses ${what}, and reads little of them`, async () => {
    const input = sparse(bytes, 2 ** 40);
    await assertRejects(() => new PerfDataReader(input).open(), BadInputError, message);
    assertLess(input.taken, 40 * MIB);
  });
}

function attrsAt(): number {
  return new DataView(writtenFile().buffer).getUint32(AT.ATTRS, true);
}

Deno.test("reader() refuses more events in a pipe than anyone has", async () => {
  const attr = encodeHeaderAttr({ ...EVENTS[0], ids: [] });
  const many = concat([encodePipeHeader(), ...Array<Uint8Array>(20_000).fill(attr)]);
  const { stats, header } = await collect(new MemoryBytes(many), { damaged: "stop" });
  assertStringIncludes(stats.damage!.message, "more than 16384 events");
  assertEquals(header.events.length, 16384);
});

Deno.test("features of a gigabyte cost a file those features, and little is read of them", async () => {
  const whole = writtenFile();
  const { header: { dataOffset, dataSize }, samples } = await collect(new MemoryBytes(whole));
  const table = dataOffset + dataSize;
  const bytes = whole.slice();
  const view = new DataView(bytes.buffer);
  const count = encodeFeatures(FEATURES).length;
  for (let i = 1; i < count; i++) view.setBigUint64(table + 16 * i + 8, 2n ** 30n, true);
  const input = sparse(bytes, 2 ** 40);
  const { header, stats, samples: read } = await collect(input, { damaged: "stop" });
  assertEquals([read.length, stats.cut], [samples.length, false]);
  assertEquals(header.features.hostname, undefined);
  assertStringIncludes(stats.damage!.message, "has 1073741824 bytes: the limit for all sections is 32 MiB");
  assertLess(input.taken, 8 * MIB);
});

for (const count of [0xffffffff, 0x7fffffff, 1_000_000]) {
  Deno.test(`features that count ${count} of what they have cost no more than their bytes`, async () => {
    const counted: readonly number[] = [
      FEATURE.CMDLINE,
      FEATURE.EVENT_DESC,
      FEATURE.CPU_TOPOLOGY,
      FEATURE.PMU_MAPPINGS,
      FEATURE.GROUP_DESC,
      FEATURE.NRCPUS,
    ];
    const before = Deno.memoryUsage().heapUsed;
    for (const number of counted) {
      const sections = encodeFeatures(FEATURES).map((section) => {
        if (section.number !== number) return section;
        const payload = section.payload.slice();
        new DataView(payload.buffer).setUint32(0, count, true);
        return { ...section, payload };
      });
      const start = encodeFileStart(EVENTS), data = concat(records());
      const end = encodeFileEnd(start.dataOffset, data.length, sections);
      const file = concat([start.bytes, data, end.tail]);
      for (const { offset, bytes } of end.patches) file.set(bytes, offset);
      const { stats, header } = await collect(new MemoryBytes(file), { damaged: "stop" });
      assertEquals([stats.cut, header.features.hostname], [false, "testhost"]);
    }
    assertLess(Deno.memoryUsage().heapUsed - before, 64 * MIB);
  });
}

Deno.test("reader() says of a file cut before its list of events that it is cut, and what to do", async () => {
  const file = writtenFile();
  const attrs = Number(new DataView(file.buffer, file.byteOffset).getBigUint64(AT.ATTRS, true));
  const cut = new MemoryBytes(file.slice(0, attrs), "cut.data");
  const error = await assertRejects(() => collect(cut), BadInputError);
  assertStringIncludes(error.message, "cannot read cut.data: it ends before its list of events");
  assertStringIncludes(error.message, "copy it again, or record again");
});
