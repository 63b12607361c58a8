/**
 * Recordings made up from nothing: events with any sample_type, records of every type that mostly have
 * the right form, in a file or a pipe, of either byte order, compressed or not. The layouts are written
 * down once more here, apart from the reader's.
 */

import { PERF_FORMAT, PERF_RECORD, PERF_RECORD_USER, PERF_SAMPLE } from "../../../lib/base/system/abi.ts";
import { ByteWriter, concat } from "../../../lib/base/bytes/bytes.ts";
import { FEATURE } from "../../../lib/perfdata/format/features.ts";
import { mutateBytes } from "../mutate/mutate.ts";
import type { Random } from "../random.ts";

/** What the records of a recording are made by. */
interface Shape {
  little: boolean;
  sampleType: number;
  readFormat: number;
  ids: bigint[];
  sampleIdAll: boolean;
  /** Advances, with now and then a step back. */
  time: bigint;
}

const KERNEL_TYPES: number[] = Object.values(PERF_RECORD);
const TOOL_TYPES: number[] = Object.values(PERF_RECORD_USER);
const SAMPLE_BITS: number[] = Object.values(PERF_SAMPLE);
const NAMES = [
  "",
  "a",
  "[kernel.kallsyms]_text",
  "/usr/bin/prog",
  "//anon",
  "[vdso]",
  "[mod]",
  "\u00e9\ud83d\ude00",
  "x".repeat(300),
];

/** The bytes of a recording, and whether it is in pipe mode. */
export function makeRecording(random: Random): Uint8Array<ArrayBuffer> {
  const little = !random.oneIn(4), pipe = random.oneIn(3);
  const shape: Shape = {
    little,
    sampleType: sampleType(random),
    readFormat: random.below(32),
    ids: [0n, 1n, random.u64()],
    sampleIdAll: !random.oneIn(4),
    time: 1_000_000_000n,
  };
  const records: Uint8Array[] = [];
  for (let n = random.below(40); n > 0; n--) records.push(makeRecord(random, shape));
  const data = random.oneIn(6) ? compressed(random, concat(records), little) : concat(records);
  return pipe ? asPipe(random, shape, data) : asFile(random, shape, data);
}

function sampleType(random: Random): number {
  if (random.oneIn(3)) return random.u32() & 0x1ffffff;
  let type = PERF_SAMPLE.IP | PERF_SAMPLE.TID | PERF_SAMPLE.TIME;
  for (let n = random.below(5); n > 0; n--) type |= random.pick(SAMPLE_BITS);
  return type;
}

function makeAttr(random: Random, { little, sampleType, readFormat, sampleIdAll }: Shape): Uint8Array {
  const size = random.pick([64, 72, 80, 96, 104, 112, 120, 128, 136, 144, 256]);
  const w = new ByteWriter(size, little);
  w.u32(random.pick([0, 1, 1, 2, 3, 4, 5, 99])).u32(random.oneIn(20) ? random.u32() : size);
  w.u64(random.u64()).u64(random.u64()).u64(sampleType).u64(readFormat);
  w.u64(((sampleIdAll ? 1n : 0n) << 18n) | (random.oneIn(3) ? random.u64() : 0n));
  while (w.length < size) w.u32(random.oneIn(3) ? random.u32() : 0);
  return w.bytes();
}

/** A record that is right, or wrong in its size or in one of its numbers. */
function makeRecord(random: Random, shape: Shape): Uint8Array {
  const type = random.oneIn(30)
    ? random.u32()
    : random.oneIn(2)
    ? PERF_RECORD.SAMPLE
    : random.oneIn(2)
    ? random.pick(KERNEL_TYPES)
    : random.oneIn(3)
    ? PERF_RECORD_USER.FINISHED_ROUND
    : random.pick(TOOL_TYPES);
  const w = new ByteWriter(256, shape.little);
  w.u32(type).u16(random.oneIn(2) ? 2 : random.u32() & 0xffff).u16(0);
  if (type === PERF_RECORD.SAMPLE) sampleBody(random, shape, w);
  else if (type < 64) kernelBody(random, shape, w, type);
  else toolBody(random, shape, w, type);
  if (type < 64 && type !== PERF_RECORD.SAMPLE) trailer(random, shape, w);
  let size = random.oneIn(6) ? w.length : w.zeros((8 - w.length % 8) % 8).length;
  if (random.oneIn(40)) size = random.pick([0, 4, 8, 16, size + 8, 65535]);
  w.patchU16(6, size & 0xffff);
  return random.oneIn(10) ? mutateBytes(w.bytes(), random, 8) : w.bytes();
}

function address(random: Random): bigint {
  return random.pick([0x400000n, 0xffffffff81000000n, 0x7f0000000000n, random.u64()]) +
    BigInt(random.below(4096));
}

function tick(random: Random, shape: Shape): bigint {
  shape.time += BigInt(random.below(2000) - 200);
  return random.oneIn(50) ? random.u64() : shape.time;
}

/** A count of what follows, or a lie. */
function count(random: Random, honest: number): bigint {
  return random.oneIn(25) ? random.u64() : BigInt(honest);
}

function sampleBody(random: Random, shape: Shape, w: ByteWriter): void {
  const has = (bit: number) => (shape.sampleType & bit) !== 0;
  const tid = random.below(5);
  if (has(PERF_SAMPLE.IDENTIFIER)) w.u64(random.pick(shape.ids));
  if (has(PERF_SAMPLE.IP)) w.u64(address(random));
  if (has(PERF_SAMPLE.TID)) w.u32(tid & 3).u32(tid);
  if (has(PERF_SAMPLE.TIME)) w.u64(tick(random, shape));
  if (has(PERF_SAMPLE.ADDR)) w.u64(address(random));
  if (has(PERF_SAMPLE.ID)) w.u64(random.pick(shape.ids));
  if (has(PERF_SAMPLE.STREAM_ID)) w.u64(random.pick(shape.ids));
  if (has(PERF_SAMPLE.CPU)) w.u32(random.below(4)).u32(0);
  if (has(PERF_SAMPLE.PERIOD)) w.u64(random.u64());
  if (has(PERF_SAMPLE.READ)) {
    const format = shape.readFormat, members = format & PERF_FORMAT.GROUP ? random.below(4) : 1;
    if (format & PERF_FORMAT.GROUP) w.u64(count(random, members));
    else w.u64(random.u64());
    if (format & PERF_FORMAT.TOTAL_TIME_ENABLED) w.u64(1);
    if (format & PERF_FORMAT.TOTAL_TIME_RUNNING) w.u64(1);
    for (let i = 0; i < members; i++) {
      if (format & PERF_FORMAT.GROUP) w.u64(random.u64());
      if (format & PERF_FORMAT.ID) w.u64(random.pick(shape.ids));
      if (format & PERF_FORMAT.LOST) w.u64(0);
    }
  }
  if (has(PERF_SAMPLE.CALLCHAIN)) {
    const depth = random.below(12);
    w.u64(count(random, depth));
    for (let i = 0; i < depth; i++) w.u64(random.oneIn(4) ? random.pick(MARKERS) : address(random));
  }
  if (has(PERF_SAMPLE.RAW)) {
    const size = random.below(5) * 8 + 4;
    w.u32(Number(count(random, size) & 0xffffffffn)).zeros(size);
  }
  if (has(PERF_SAMPLE.BRANCH_STACK)) {
    const branches = random.below(4);
    w.u64(count(random, branches));
    for (let i = 0; i < 3 * branches; i++) w.u64(address(random));
  }
  // REGS, STACK_USER and what follows: what is there is rarely as long as the attr says
  for (let n = random.below(6); n > 0; n--) w.u64(random.u64());
}

const MARKERS = [-32n, -128n, -512n, -640n, -2048n, -4095n, -4096n, -1n];

function kernelBody(random: Random, shape: Shape, w: ByteWriter, type: number): void {
  const R = PERF_RECORD;
  const pid = random.oneIn(4) ? -1 : random.below(4), tid = random.below(5);
  const name = random.pick(NAMES);
  switch (type) {
    case R.MMAP:
    case R.MMAP2:
      w.i32(pid).i32(tid).u64(address(random)).u64(random.oneIn(4) ? random.u64() : 0x10000).u64(
        address(random),
      );
      if (type === R.MMAP2) w.u32(8).u32(1).u64(random.u64()).u64(0).u32(random.below(8)).u32(2);
      w.paddedString(name);
      break;
    case R.COMM:
      w.i32(pid).i32(tid).paddedString(name);
      break;
    case R.FORK:
    case R.EXIT:
      w.i32(pid).i32(random.below(4)).i32(tid).i32(random.below(5)).u64(shape.time);
      break;
    case R.KSYMBOL:
      w.u64(address(random)).u32(random.below(4096)).u16(1).u16(random.below(2)).paddedString(name);
      break;
    case R.NAMESPACES: {
      const n = random.below(8);
      w.i32(pid).i32(tid).u64(count(random, n));
      for (let i = 0; i < 2 * n; i++) w.u64(i);
      break;
    }
    case R.CGROUP:
      w.u64(random.u64()).paddedString(name);
      break;
    default: // counters, times, ids: u64s throughout, or nothing
      for (let n = random.below(5); n > 0; n--) w.u64(random.u64());
  }
}

function trailer(random: Random, shape: Shape, w: ByteWriter): void {
  if (!shape.sampleIdAll) return;
  const has = (bit: number) => (shape.sampleType & bit) !== 0;
  if (has(PERF_SAMPLE.TID)) w.i32(random.below(4)).i32(random.below(5));
  if (has(PERF_SAMPLE.TIME)) w.u64(random.oneIn(3) ? 0 : tick(random, shape));
  if (has(PERF_SAMPLE.ID)) w.u64(random.pick(shape.ids));
  if (has(PERF_SAMPLE.STREAM_ID)) w.u64(random.pick(shape.ids));
  if (has(PERF_SAMPLE.CPU)) w.u32(random.below(4)).u32(0);
  if (has(PERF_SAMPLE.IDENTIFIER)) w.u64(random.pick(shape.ids));
}

function toolBody(random: Random, shape: Shape, w: ByteWriter, type: number): void {
  const U = PERF_RECORD_USER;
  switch (type) {
    case U.HEADER_ATTR:
      w.raw(makeAttr(random, shape));
      for (const id of shape.ids) w.u64(id);
      break;
    case U.HEADER_FEATURE: {
      const number = random.pick(FEATURES);
      w.u64(number).raw(featurePayload(random, shape, number));
      break;
    }
    case U.EVENT_UPDATE:
      w.u64(random.below(4)).u64(random.pick(shape.ids)).paddedString(random.pick(NAMES));
      break;
    case U.HEADER_BUILD_ID:
      w.i32(-1).zeros(20).u8(random.below(256)).zeros(3).paddedString(random.pick(NAMES));
      break;
    case U.AUXTRACE:
      w.u64(random.oneIn(3) ? random.u64() : random.below(64)).zeros(random.below(64));
      break;
    case U.HEADER_TRACING_DATA:
      w.u32(random.oneIn(3) ? random.u32() : random.below(64)).u32(0);
      break;
    default:
      for (let n = random.below(6); n > 0; n--) w.u64(random.u64());
  }
}

const FEATURES: number[] = [...Object.values(FEATURE), 0, 40, 255, 256, 2 ** 31];

function featurePayload(random: Random, shape: Shape, number: number): Uint8Array {
  const w = new ByteWriter(256, shape.little);
  const text = () => {
    const bytes = new TextEncoder().encode(random.pick(NAMES));
    w.u32(Number(count(random, bytes.length + 1) & 0xffffffffn)).raw(bytes).u8(0);
  };
  switch (number) {
    case FEATURE.EVENT_DESC: {
      const attr = makeAttr(random, shape);
      w.u32(Number(count(random, 1) & 0xffffffffn)).u32(attr.length).raw(attr);
      w.u32(Number(count(random, 1) & 0xffffffffn));
      text();
      w.u64(random.pick(shape.ids));
      break;
    }
    case FEATURE.VERSION:
      text();
      w.u32(60).raw(new TextEncoder().encode(random.pick(LEDGERS).padEnd(60, "\0")));
      break;
    case FEATURE.BUILD_ID:
      w.u32(67).u16(2).u16(random.pick([44, 44, 0, 8, 400])).i32(-1).zeros(24).paddedString("/bin/x", 12);
      break;
    case FEATURE.HOSTNAME:
    case FEATURE.OSRELEASE:
    case FEATURE.ARCH:
    case FEATURE.CPUDESC:
      text();
      break;
    default:
      for (let n = random.below(6); n > 0; n--) random.oneIn(2) ? text() : w.u32(random.below(9));
  }
  return w.bytes();
}

const LEDGERS = [
  '{"version":1,"command":[],"ledger":{"rows":[],"total":{}}}',
  '{"version":1,"command":["a"],"ledger":{"total":{"a":1e999}}}',
  "[",
  "null",
  '{"version":1}',
];

function asPipe(random: Random, shape: Shape, data: Uint8Array): Uint8Array<ArrayBuffer> {
  const w = new ByteWriter(1024, shape.little);
  w.u64(0x32454c4946524550n).u64(16);
  for (let n = random.below(4); n > 0; n--) {
    const attr = makeAttr(random, shape);
    w.u32(PERF_RECORD_USER.HEADER_ATTR).u16(0).u16(8 + attr.length + 8).raw(attr).u64(shape.ids[n % 3]);
  }
  return concat([w.bytes(), data]);
}

function asFile(random: Random, shape: Shape, data: Uint8Array): Uint8Array<ArrayBuffer> {
  const { little, ids } = shape;
  const attrs = Array.from({ length: random.below(4) }, () => makeAttr(random, shape));
  const attrSize = (attrs[0]?.length ?? 128) + 16;
  const attrsAt = 104 + 8 * ids.length, dataAt = attrsAt + attrs.length * attrSize;
  const numbers = FEATURES.filter((number) => number < 256 && random.oneIn(8)).sort((a, b) => a - b);
  const w = new ByteWriter(dataAt + data.length, little);
  w.u64(0x32454c4946524550n).u64(104).u64(attrSize).u64(attrsAt).u64(attrs.length * attrSize);
  w.u64(count(random, dataAt)).u64(random.oneIn(10) ? random.u64() : data.length).u64(0).u64(0);
  for (let word = 0; word < 4; word++) {
    let bits = 0n;
    for (const number of numbers) if (number >> 6 === word) bits |= 1n << BigInt(number & 63);
    w.u64(bits);
  }
  for (const id of ids) w.u64(id);
  for (const attr of attrs) {
    w.raw(attr.slice(0, attrSize - 16)).zeros(Math.max(0, attrSize - 16 - attr.length));
    w.u64(count(random, 104)).u64(count(random, 8 * ids.length));
  }
  w.raw(data);
  const payloads = numbers.map((number) => featurePayload(random, shape, number));
  let at = w.length + 16 * payloads.length;
  for (const payload of payloads) {
    w.u64(count(random, at)).u64(count(random, payload.length));
    at += payload.length;
  }
  for (const payload of payloads) w.raw(payload);
  return w.bytes();
}

/** The records in COMPRESSED or COMPRESSED2 records: one zstd frame of stored and run-length blocks. */
function compressed(random: Random, records: Uint8Array, little: boolean): Uint8Array<ArrayBuffer> {
  // RFC 8878: magic, frame header descriptor, window descriptor; then blocks with a header of 3 bytes
  const frame = new ByteWriter(records.length + 64);
  frame.u32(0xfd2fb528).u8(random.oneIn(12) ? random.below(256) : 0).u8(
    random.oneIn(40) ? random.below(256) : 0x38,
  );
  const block = (type: number, size: number, bytes: Uint8Array) => {
    const header = (size << 3) | (type << 1);
    frame.u8(header & 255).u8((header >> 8) & 255).u8((header >> 16) & 255).raw(bytes);
  };
  for (let at = 0; at < records.length;) {
    const size = 1 + random.below(2000);
    const part = records.subarray(at, at + size);
    block(0, part.length, part);
    if (random.oneIn(40)) block(1, random.pick([1, 8, 70000, 131072]), new Uint8Array(1));
    at += size;
  }
  const bytes = random.oneIn(8) ? mutateBytes(frame.bytes(), random) : frame.bytes();
  const w = new ByteWriter(bytes.length + 64, little);
  for (let at = 0; at < bytes.length;) {
    const part = bytes.subarray(at, at + 8 + random.below(600));
    if (random.oneIn(2)) {
      w.u32(PERF_RECORD_USER.COMPRESSED).u16(0).u16(8 + part.length).raw(part);
    } else {
      const padded = Math.ceil(part.length / 8) * 8;
      w.u32(PERF_RECORD_USER.COMPRESSED2).u16(0).u16(16 + padded).u64(count(random, part.length)).raw(part);
      w.zeros(padded - part.length);
    }
    at += part.length;
  }
  return w.bytes().slice();
}
