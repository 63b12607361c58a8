/**
 * Conversion of a little-endian perf.data to what a big-endian recorder would write. It has the tests' own idea of
 * the layouts, independent of the reader's. Features are omitted (the bitmap is cleared).
 */

import { PERF_RECORD, PERF_RECORD_MISC, PERF_RECORD_USER, PERF_SAMPLE } from "../../lib/base/system/abi.ts";

/** Reads little-endian and writes big-endian at the same place. */
class Turner {
  readonly bytes: Uint8Array;
  readonly #view: DataView;
  at = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  u16(): number {
    const value = this.#view.getUint16(this.at, true);
    this.#view.setUint16(this.at, value);
    this.at += 2;
    return value;
  }

  u32(): number {
    const value = this.#view.getUint32(this.at, true);
    this.#view.setUint32(this.at, value);
    this.at += 4;
    return value;
  }

  u64(): bigint {
    const value = this.#view.getBigUint64(this.at, true);
    this.#view.setBigUint64(this.at, value);
    this.at += 8;
    return value;
  }

  u64s(n: number): void {
    for (let i = 0; i < n; i++) this.u64();
  }
}

/** Turns a struct perf_event_attr; returns its sample_type. */
function turnAttr(t: Turner): number {
  const start = t.at;
  t.u32();
  const size = t.u32();
  t.u64s(2);
  const sampleType = Number(t.u64());
  t.u64s(2); // read_format, flag bits
  t.u32();
  t.u32();
  t.u64s(4);
  t.u32();
  t.u32();
  t.u64();
  if (size > 96) {
    t.u32();
    t.u16();
    t.u16();
  }
  if (size > 104) {
    t.u32();
    t.u32();
  }
  while (t.at < start + size) t.u64();
  return sampleType;
}

function turnSample(t: Turner, end: number, type: number): void {
  const has = (bit: number) => (type & bit) !== 0;
  if (has(PERF_SAMPLE.IDENTIFIER)) t.u64();
  if (has(PERF_SAMPLE.IP)) t.u64();
  if (has(PERF_SAMPLE.TID)) (t.u32(), t.u32());
  if (has(PERF_SAMPLE.TIME)) t.u64();
  if (has(PERF_SAMPLE.ADDR)) t.u64();
  if (has(PERF_SAMPLE.ID)) t.u64();
  if (has(PERF_SAMPLE.STREAM_ID)) t.u64();
  if (has(PERF_SAMPLE.CPU)) (t.u32(), t.u32());
  if (has(PERF_SAMPLE.PERIOD)) t.u64();
  // READ and CALLCHAIN are u64s throughout.
  while (t.at < end && type & (PERF_SAMPLE.READ | PERF_SAMPLE.CALLCHAIN)) t.u64();
  t.at = end;
}

function turnTrailer(t: Turner, type: number): void {
  const has = (bit: number) => (type & bit) !== 0;
  if (has(PERF_SAMPLE.TID)) (t.u32(), t.u32());
  if (has(PERF_SAMPLE.TIME)) t.u64();
  if (has(PERF_SAMPLE.ID)) t.u64();
  if (has(PERF_SAMPLE.STREAM_ID)) t.u64();
  if (has(PERF_SAMPLE.CPU)) (t.u32(), t.u32());
  if (has(PERF_SAMPLE.IDENTIFIER)) t.u64();
}

function trailerSize(type: number): number {
  const bits = [
    PERF_SAMPLE.TID,
    PERF_SAMPLE.TIME,
    PERF_SAMPLE.ID,
    PERF_SAMPLE.STREAM_ID,
    PERF_SAMPLE.CPU,
    PERF_SAMPLE.IDENTIFIER,
  ];
  return 8 * bits.filter((bit) => type & bit).length;
}

/** Turns the records up to `end`; `sampleType` may change when HEADER_ATTR records come. */
function turnRecords(t: Turner, end: number, sampleType: number): void {
  let type = sampleType;
  while (t.at < end) {
    const start = t.at;
    const record = t.u32(), misc = t.u16(), size = t.u16();
    const next = start + size;
    switch (record) {
      case PERF_RECORD.SAMPLE:
        turnSample(t, next, type);
        break;
      case PERF_RECORD.MMAP:
        (t.u32(), t.u32(), t.u64s(3));
        break;
      case PERF_RECORD.MMAP2:
        (t.u32(), t.u32(), t.u64s(3));
        if (misc & PERF_RECORD_MISC.MMAP_BUILD_ID) t.at += 24;
        else (t.u32(), t.u32(), t.u64s(2));
        (t.u32(), t.u32());
        break;
      case PERF_RECORD.COMM:
        (t.u32(), t.u32());
        break;
      case PERF_RECORD.FORK:
      case PERF_RECORD.EXIT:
        (t.u32(), t.u32(), t.u32(), t.u32(), t.u64());
        break;
      case PERF_RECORD.NAMESPACES:
        (t.u32(), t.u32());
        t.u64s(1 + 2 * 7);
        break;
      case PERF_RECORD.SWITCH:
        break;
      case PERF_RECORD.CALLCHAIN_DEFERRED:
        t.u64s((next - trailerSize(type) - t.at) / 8);
        break;
      case PERF_RECORD_USER.HEADER_ATTR:
        type = turnAttr(t);
        while (t.at < next) t.u64();
        break;
      case PERF_RECORD_USER.EVENT_UPDATE:
        t.u64s(2);
        break;
      case PERF_RECORD_USER.HEADER_FEATURE:
        t.u64();
        break;
      default:
        if (record < 64) throw new Error(`this test does not know the layout of record type ${record}`);
    }
    if (record < 64 && record !== PERF_RECORD.SAMPLE) {
      t.at = next - trailerSize(type);
      turnTrailer(t, type);
    }
    t.at = next;
  }
}

/** Returns the file as a big-endian recorder would write it. */
export function bigEndianFile(file: Uint8Array): Uint8Array<ArrayBuffer> {
  const bytes = file.slice();
  bytes.subarray(0, 8).reverse();
  const t = new Turner(bytes);
  t.at = 8;
  t.u64();
  const attrSize = Number(t.u64());
  const attrs = Number(t.u64()), attrsSize = Number(t.u64());
  const data = Number(t.u64()), dataSize = Number(t.u64());
  bytes.fill(0, 56, 104); // event_types and the bitmap of features
  let sampleType = 0;
  for (let at = attrs; at < attrs + attrsSize; at += attrSize) {
    t.at = at;
    sampleType = turnAttr(t);
    t.at = at + attrSize - 16;
    const ids = Number(t.u64()), idsSize = Number(t.u64());
    t.at = ids;
    t.u64s(idsSize / 8);
  }
  t.at = data;
  turnRecords(t, data + dataSize, sampleType);
  return bytes;
}

/** Returns the pipe as a big-endian recorder would write it, except for the contents of its features. */
export function bigEndianPipe(pipe: Uint8Array): Uint8Array<ArrayBuffer> {
  const bytes = pipe.slice();
  bytes.subarray(0, 8).reverse();
  const t = new Turner(bytes);
  t.at = 8;
  t.u64();
  turnRecords(t, bytes.length, 0);
  return bytes;
}
