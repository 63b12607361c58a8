/** Smallest sizes of the kernel's records. A shorter one is damage, and is found before any decoder sees it. */

import { PERF_RECORD, PERF_RECORD_USER } from "../../base/system/abi.ts";
import { ByteReader } from "../../base/bytes/bytes.ts";
import { RECORD_HEADER_SIZE } from "./attr_layout.ts";

/** Bytes between header and trailer, up to the fields of variable length. The structs are in records.ts. */
const MIN_BODY_SIZE: Record<number, number | undefined> = {
  [PERF_RECORD.MMAP]: 32,
  [PERF_RECORD.LOST]: 16,
  [PERF_RECORD.COMM]: 8,
  [PERF_RECORD.EXIT]: 24,
  [PERF_RECORD.THROTTLE]: 24,
  [PERF_RECORD.UNTHROTTLE]: 24,
  [PERF_RECORD.FORK]: 24,
  [PERF_RECORD.READ]: 16,
  [PERF_RECORD.MMAP2]: 64,
  [PERF_RECORD.AUX]: 24,
  [PERF_RECORD.ITRACE_START]: 8,
  [PERF_RECORD.LOST_SAMPLES]: 8,
  [PERF_RECORD.SWITCH_CPU_WIDE]: 8,
  [PERF_RECORD.NAMESPACES]: 16,
  [PERF_RECORD.KSYMBOL]: 16,
  [PERF_RECORD.BPF_EVENT]: 16,
  [PERF_RECORD.CGROUP]: 8,
  [PERF_RECORD.TEXT_POKE]: 12,
  [PERF_RECORD.AUX_OUTPUT_HW_ID]: 8,
  [PERF_RECORD.CALLCHAIN_DEFERRED]: 16,
};

/**
 * Returns whether a record of `size` bytes, other than a sample, holds the fields of its type. Recorders that
 * synthesize a record may omit its trailer; its fields may then extend to the end.
 */
export function bodyFits(type: number, size: number, trailer: number): boolean {
  const least = MIN_BODY_SIZE[type] ?? 0;
  const whole = size - RECORD_HEADER_SIZE;
  return (whole >= trailer ? whole - trailer : whole) >= least;
}

/**
 * Returns the number of bytes after the record in `record` that belong to it without being records. `type` is its
 * type, and `offset` its offset in the file.
 *
 *     AUXTRACE:            struct { header; u64 size; ... }   `size` bytes of trace
 *     HEADER_TRACING_DATA: struct { header; u32 size; }       `size` bytes, padded to a multiple of 8
 */
export function payloadSize(type: number, record: Uint8Array, littleEndian: boolean, offset: number): number {
  const r = new ByteReader(record, littleEndian, "the record before a payload", offset);
  r.take(8);
  if (type === PERF_RECORD_USER.AUXTRACE) return r.size();
  if (type === PERF_RECORD_USER.HEADER_TRACING_DATA) return Math.ceil(r.u32() / 8) * 8;
  return 0;
}
