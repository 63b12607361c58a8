/**
 * Samples of any sample_type, read_format and branch_sample_type, written by the kernel's rules
 * (perf_output_sample()): the reader must return what was written, and leave alone what follows the call chain.
 */

import { assert, assertEquals } from "@std/assert";
import { PERF_FORMAT, PERF_RECORD, PERF_SAMPLE, PERF_SAMPLE_BRANCH } from "../../lib/base/system/abi.ts";
import { addressFromBigint, addressOf } from "../../lib/base/bytes/address.ts";
import { MemoryBytes } from "../../lib/base/bytes/byte_source.ts";
import { ByteWriter } from "../../lib/base/bytes/bytes.ts";
import { encodeAttr, makeAttr } from "../../lib/events/attr.ts";
import { PerfDataReader } from "../../lib/perfdata/read/reader.ts";
import { tailOffset } from "../../lib/perfdata/format/attr_layout.ts";
import { Random } from "../fuzz/random.ts";
import { stream } from "./read_recording.ts";

const P = PERF_SAMPLE;
const ID = 11n;

/** Fields of a sample, as written and as read; absent when sample_type has no such bit. */
type Fields = Record<string, unknown>;

/** Writes a sample, and returns its contents. */
function encode(random: Random, w: ByteWriter, attr: ReturnType<typeof makeAttr>): Fields {
  const { sampleType: type, readFormat: format } = attr;
  const fields: Fields = {};
  const u64 = () => (BigInt(random.u32()) << 32n) | BigInt(random.u32());
  const word = (bit: number, name: string, value = u64()) => {
    if (!(type & bit)) return;
    w.u64(value);
    fields[name] = value;
  };
  const words = (n: number) => Array.from({ length: n }, u64);
  const bytes = (n: number) => Uint8Array.from({ length: n }, () => random.below(256));
  const put = (values: bigint[]) => values.forEach((value) => w.u64(value));
  w.u32(PERF_RECORD.SAMPLE).u16(2).u16(0);
  word(P.IDENTIFIER, "identifier", ID);
  word(P.IP, "ip");
  if (type & P.TID) w.u32(fields.pid = random.below(1000)).u32(fields.tid = random.below(1000));
  word(P.TIME, "time", BigInt(1 + random.u32()));
  word(P.ADDR, "addr");
  word(P.ID, "id", ID);
  word(P.STREAM_ID, "streamId");
  if (type & P.CPU) w.u32(fields.cpu = random.below(512)).u32(0);
  word(P.PERIOD, "period", BigInt(random.u32()));
  if (type & P.READ) {
    const group = (format & PERF_FORMAT.GROUP) !== 0;
    const counts: bigint[] = [];
    const count = (value: bigint) => (w.u64(value), counts.push(value));
    const member = () => {
      count(BigInt(random.u32()) + 1n);
      if (!group && format & PERF_FORMAT.TOTAL_TIME_ENABLED) count(u64());
      if (!group && format & PERF_FORMAT.TOTAL_TIME_RUNNING) count(u64());
      if (format & PERF_FORMAT.ID) count(ID);
      if (format & PERF_FORMAT.LOST) count(u64());
    };
    const members = group ? 1 + random.below(4) : 1;
    if (group) {
      count(BigInt(members));
      if (format & PERF_FORMAT.TOTAL_TIME_ENABLED) count(u64());
      if (format & PERF_FORMAT.TOTAL_TIME_RUNNING) count(u64());
    }
    for (let i = 0; i < members; i++) member();
    fields.read = counts;
  }
  if (type & P.CALLCHAIN) {
    const chain = words(random.below(20));
    w.u64(chain.length);
    for (const address of chain) w.u64(address);
    fields.chain = chain;
  }
  const tailAt = w.length;
  if (type & P.RAW) {
    const raw = bytes(4 + 8 * random.below(6));
    w.u32(raw.length).raw(raw);
  }
  if (type & P.BRANCH_STACK) {
    const n = random.below(5), branch = Number(attr.branchSampleType);
    w.u64(n);
    if (branch & PERF_SAMPLE_BRANCH.HW_INDEX) w.u64(u64());
    put(words(3 * n));
    if (branch & PERF_SAMPLE_BRANCH.COUNTERS) put(words(n));
  }
  const regs = (bit: number, mask: bigint) => {
    if (!(type & bit)) return;
    const abi = random.below(3);
    w.u64(abi);
    if (abi > 0) put(words([...mask.toString(2)].filter((digit) => digit === "1").length));
  };
  regs(P.REGS_USER, attr.sampleRegsUser);
  if (type & P.STACK_USER) {
    const room = 8 * random.below(9);
    w.u64(room);
    if (room > 0) w.raw(bytes(room)).u64(random.below(room + 1));
  }
  for (const bit of [P.WEIGHT | P.WEIGHT_STRUCT, P.DATA_SRC, P.TRANSACTION]) if (type & bit) w.u64(u64());
  regs(P.REGS_INTR, attr.sampleRegsIntr);
  for (const bit of [P.PHYS_ADDR, P.CGROUP, P.DATA_PAGE_SIZE, P.CODE_PAGE_SIZE]) if (type & bit) w.u64(u64());
  if (type & P.AUX) {
    const aux = bytes(8 * random.below(5));
    w.u64(aux.length).raw(aux);
  }
  w.patchU16(6, w.length);
  fields.tail = w.bytes().slice(tailAt);
  return fields;
}

/** Returns a pipe with one event and one of its samples. */
function recording(random: Random, little: boolean) {
  const attr = makeAttr({
    type: 1,
    sampleType: random.oneIn(2) ? random.u32() & 0x1ffffff : random.u32() & random.u32() & 0x1ffffff,
    readFormat: random.below(32),
    samplePeriod: 1000n,
    branchSampleType: BigInt(random.pick([0, 1, 1 << 17, 1 << 19, (1 << 17) | (1 << 19)])),
    sampleRegsUser: BigInt(random.u32()) << BigInt(random.below(32)),
    sampleRegsIntr: BigInt((random.u32() & random.u32()) >>> 0),
    sampleStackUser: 64,
    flags: ["sampleIdAll"],
  });
  const sample = new ByteWriter(1024, little);
  const fields = encode(random, sample, attr);
  const w = new ByteWriter(2048, little).u64(0x32454c4946524550n).u64(16);
  w.u32(64).u16(0).u16(8 + 128 + 8).raw(encodeAttr(attr, little)).u64(ID).raw(sample.bytes());
  return { bytes: w.bytes(), attr, fields };
}

/** Reads the sample back. */
async function decode(bytes: Uint8Array, chunk: number): Promise<Fields> {
  const reader = new PerfDataReader(chunk > 0 ? stream(bytes, chunk) : new MemoryBytes(bytes));
  await reader.open();
  const [{ attr, layout }] = reader.header.events;
  let fields: Fields | undefined;
  reader.read({
    sample(c) {
      if (fields) return; // the same sample once more, for another member of its group
      const view = new DataView(c.u8.buffer);
      const has = (bit: number) => (attr.sampleType & bit) !== 0;
      const turned = (at: number, n: number) =>
        Array.from({ length: n }, (_, i) => view.getBigUint64(c.pos + at + 8 * i, true));
      const found: Fields = {};
      const put = (name: string, there: boolean, value: () => unknown) => {
        if (there) found[name] = value();
      };
      for (const name of ["identifier", "id", "streamId"] as const) {
        put(name, layout[name] >= 0, () => turned(layout[name], 1)[0]);
      }
      put("ip", has(P.IP), () => c.ip);
      put("pid", has(P.TID), () => c.pid);
      put("tid", has(P.TID), () => c.tid);
      put("time", has(P.TIME), () => reader.timeBase + BigInt(c.time));
      put("addr", has(P.ADDR), () => c.addr);
      put("cpu", has(P.CPU), () => c.cpu);
      put("period", has(P.PERIOD), () => turned(layout.period, 1)[0]);
      const chainAt = has(P.CALLCHAIN) ? c.chain * 4 - 8 - c.pos : -1;
      put(
        "chain",
        has(P.CALLCHAIN),
        () =>
          Array.from(
            { length: c.chainLength },
            (_, i) => addressOf(c.u32[c.chain + 2 * i], c.u32[c.chain + 2 * i + 1]),
          ),
      );
      put("read", has(P.READ), () => {
        const group = (attr.readFormat & PERF_FORMAT.GROUP) !== 0;
        const bits = (mask: number) =>
          [0, 1, 2, 4].filter((bit) => attr.readFormat & mask & (1 << bit)).length;
        const members = group ? Number(turned(layout.read, 1)[0]) : 1;
        const n = (group ? 1 : 0) + bits(3) + members * (1 + bits(0b10100));
        if (chainAt >= 0) assertEquals(chainAt, layout.read + 8 * n);
        return turned(layout.read, n);
      });
      found.tail = c.u8.slice(c.pos + tailOffset(layout, c.u32, c.pos, c.size), c.pos + c.size);
      fields = found;
    },
  });
  assert(fields, "the sample was not given");
  return fields;
}

/** Converts fields to what a reader returns: addresses are signed doubles. */
function expected(fields: Fields): Fields {
  const address = (value: unknown) => addressFromBigint(value as bigint);
  const out = { ...fields };
  for (const name of ["ip", "addr"]) if (name in out) out[name] = address(out[name]);
  if (out.chain) out.chain = (out.chain as bigint[]).map(address);
  return out;
}

for (const little of [true, false]) {
  Deno.test(`samples of 2,000 random types come back as they were, ${little ? "little" : "big"}-endian`, async () => {
    for (let run = 0; run < 2000; run++) {
      const { bytes, attr, fields } = recording(new Random(5, run), little);
      const found = await decode(bytes, run % 3 === 0 ? 1 + run % 97 : 0);
      const what = `run ${run}, sample_type 0x${
        attr.sampleType.toString(16)
      }, read_format ${attr.readFormat}`;
      assertEquals(found, expected(fields), what);
    }
  });
}

Deno.test("every bit of sample_type alone comes back as it was", async () => {
  for (const bit of Object.values(PERF_SAMPLE)) {
    const random = new Random(9, bit);
    const attr = makeAttr({ type: 1, sampleType: bit, sampleRegsUser: 7n, sampleRegsIntr: 1n });
    const sample = new ByteWriter(256);
    const fields = encode(random, sample, attr);
    const w = new ByteWriter(1024).u64(0x32454c4946524550n).u64(16);
    w.u32(64).u16(0).u16(8 + 128 + 8).raw(encodeAttr(attr)).u64(ID).raw(sample.bytes());
    const found = await decode(w.bytes(), 0);
    assertEquals(found, expected(fields), `bit 0x${bit.toString(16)}`);
  }
});
