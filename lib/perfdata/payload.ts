/** Bytes that follow a record in the stream without being part of it. */

import { PERF_RECORD_USER } from "../base/abi.ts";
import { ByteReader } from "../base/bytes.ts";

/**
 * Returns how many bytes follow the record in `record`, of type `type` and at `offset` in the file, that are no record:
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
