/** Files that some version of perf refuses, or reads only in part, although they hold all that a report needs. */

import { assertEquals } from "@std/assert";
import { PERF_CONTEXT, PERF_RECORD_USER, PERF_SAMPLE } from "../../lib/base/system/abi.ts";
import { MemoryBytes } from "../../lib/base/bytes/byte_source.ts";
import { ByteWriter, concat } from "../../lib/base/bytes/bytes.ts";
import { encodeAttr, makeAttr } from "../../lib/events/attr.ts";
import {
  encodeFileEnd,
  encodeFileStart,
  encodeHeaderAttr,
  encodePipeHeader,
} from "../../lib/perfdata/format/writer.ts";
import { madeFile, madeSample } from "./sample_fixtures.ts";
import { collect, stream } from "./read_recording.ts";

const P = PERF_SAMPLE;
const COMMON = P.IDENTIFIER | P.IP | P.TID | P.TIME | P.PERIOD;
const attr = (sampleType = COMMON, type = 1, config = 0n) =>
  makeAttr({ type, config, samplePeriod: 1000n, sampleType });
const CLOCK = { attr: attr(), name: "cpu-clock", ids: [1n] };
const FAULTS = { attr: attr(COMMON, 1, 2n), name: "page-faults", ids: [2n] };
const sample = (event: { attr: typeof CLOCK.attr; ids: bigint[] }, ip = 0x400310, chain?: number[]) =>
  madeSample(event.attr, { id: event.ids[0], ip, chain });
const record = (type: number, body = 16) =>
  new ByteWriter().u32(type).u16(0).u16(8 + body).zeros(body).bytes();

/** Returns a file of `data` with attrs of `size` bytes: `attr`'s known fields, followed by bytes that are not zero. */
function withAttrSize(size: number, data: Uint8Array): Uint8Array {
  const entry = size + 16, dataAt = 104 + entry + 8;
  const known = encodeAttr(CLOCK.attr);
  new DataView(known.buffer).setUint32(4, size, true);
  return new ByteWriter().raw(new TextEncoder().encode("PERFILE2")).u64(104).u64(entry).u64(112).u64(entry)
    .u64(dataAt).u64(data.length).zeros(16 + 32).u64(1)
    .raw(known.subarray(0, size)).raw(new Uint8Array(Math.max(0, size - known.length)).fill(7)).u64(104).u64(
      8,
    )
    .raw(data).bytes();
}

/** Returns a file of `data` with a header of `size` bytes, which ends with fields of a later perf. */
function withHeaderSize(size: number, data: Uint8Array): Uint8Array {
  const entry = 128 + 16, attrsAt = size + 8, dataAt = attrsAt + entry;
  return new ByteWriter().raw(new TextEncoder().encode("PERFILE2")).u64(size).u64(entry).u64(attrsAt).u64(
    entry,
  )
    .u64(dataAt).u64(data.length).zeros(16 + 32).raw(new Uint8Array(size - 104).fill(7)).u64(1)
    .raw(encodeAttr(CLOCK.attr)).u64(size).u64(8).raw(data).bytes();
}

/** Returns a file of one sample with feature `number`, whatever that is. */
function withFeature(number: number): Uint8Array {
  const start = encodeFileStart([{ attr: CLOCK.attr, ids: [1n] }]);
  const data = sample(CLOCK);
  const end = encodeFileEnd(start.dataOffset, data.length, [{ number, payload: new Uint8Array(24).fill(7) }]);
  const file = concat([start.bytes, data, end.tail]);
  for (const { offset, bytes } of end.patches) file.set(bytes, offset);
  return file;
}

const BARE = { attr: attr(COMMON & ~P.IDENTIFIER), name: "cpu-clock", ids: [] as bigint[] };
const WITH_ADDR = { attr: attr(COMMON | P.ADDR | P.CPU, 1, 2n), name: "page-faults", ids: [2n] };
const TRACEPOINT = { attr: attr(COMMON | P.RAW, 2, 317n), name: "sched:sched_switch", ids: [3n] };
const DEEP = { attr: attr(COMMON | P.CALLCHAIN), name: "cpu-clock", ids: [1n] };
const CHAIN = [PERF_CONTEXT.USER, ...Array.from({ length: 1000 }, (_, i) => 0x400000 + i)];

const ONE = concat([sample(CLOCK), sample(CLOCK)]);
const PIPE = [encodePipeHeader(), encodeHeaderAttr({ attr: CLOCK.attr, ids: [1n] })];

/** Kinds of files: description, file, and number of samples of each event. */
const KINDS: [what: string, file: Uint8Array, samples: number[]][] = [
  ["a chain deeper than kernel.perf_event_max_stack", madeFile([DEEP], [sample(DEEP, 0x400000, CHAIN)]), [1]],
  [
    "several events without ids, whose samples are the first one's",
    madeFile([BARE, { ...BARE, name: "b" }], [
      madeSample(BARE.attr, { ip: 0x400310 }),
      madeSample(BARE.attr, { ip: 0x400320 }),
    ]),
    [2, 0],
  ],
  ["events with different fields", madeFile([CLOCK, WITH_ADDR], [sample(CLOCK), sample(WITH_ADDR)]), [1, 1]],
  ["a tracepoint without what tracefs says of it", madeFile([TRACEPOINT], [sample(TRACEPOINT)]), [1]],
  ["a feature of a later perf", withFeature(200), [1]],
  [
    "a feature of a later perf, in a pipe",
    concat([
      ...PIPE,
      new ByteWriter().u32(PERF_RECORD_USER.HEADER_FEATURE).u16(0).u16(32).u64(77).zeros(16).bytes(),
      ONE,
    ]),
    [2],
  ],
  [
    "records of a later kernel",
    madeFile([CLOCK], [sample(CLOCK), record(63), record(33, 8), sample(CLOCK)]),
    [2],
  ],
  [
    "records of a later perf",
    madeFile([CLOCK], [sample(CLOCK), record(120), record(5000, 8), sample(CLOCK)]),
    [2],
  ],
  ["attrs of a later kernel", withAttrSize(200, ONE), [2]],
  ["attrs of the first kernels", withAttrSize(64, ONE), [2]],
  ["a header of a later perf", withHeaderSize(136, ONE), [2]],
  [
    "no size of its data, as who was killed leaves it",
    concat([encodeFileStart([CLOCK, FAULTS]).bytes, ONE, sample(FAULTS)]),
    [2, 1],
  ],
];

for (const [what, file, samples] of KINDS) {
  Deno.test(`reader() reads a file with ${what}`, async () => {
    for (const input of [new MemoryBytes(file), stream(file), stream(file, 13)]) {
      const { stats } = await collect(input);
      assertEquals(stats.samplesByEvent, samples);
      assertEquals([stats.damage, stats.unknownIds], [undefined, 0]);
    }
  });
}

Deno.test("a chain of 1,000 calls comes whole", async () => {
  const { samples } = await collect(new MemoryBytes(KINDS[0][1]));
  assertEquals(samples[0].chain, CHAIN.slice(1));
});
