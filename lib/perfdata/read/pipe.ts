/** Pipe mode of perf.data: records in place of a file's header. */

import { PERF_RECORD_USER } from "../../base/system/abi.ts";
import { ByteReader, cString } from "../../base/bytes/bytes.ts";
import { decodeAttr } from "../../events/attr.ts";
import { describeEvent, type EventTable } from "../format/events.ts";
import { decodeBuildId, FEATURE, type Features } from "../format/features.ts";

/** Types of the records that a pipe begins with in place of a file's header. */
const HEADER_TYPES = new Set<number>([
  PERF_RECORD_USER.HEADER_ATTR,
  PERF_RECORD_USER.HEADER_EVENT_TYPE,
  PERF_RECORD_USER.HEADER_TRACING_DATA,
  PERF_RECORD_USER.HEADER_BUILD_ID,
  PERF_RECORD_USER.EVENT_UPDATE,
  PERF_RECORD_USER.HEADER_FEATURE,
]);

/** Returns whether records of a type describe the recording rather than belong to it. */
export function isHeaderType(type: number): boolean {
  return HEADER_TYPES.has(type);
}

const KNOWN = new Set<number>(Object.values(FEATURE));

/** EVENT_UPDATE's type for a name. */
const EVENT_UPDATE_NAME = 2;

/**
 * Limit in bytes of the tracing data that is kept for the names in it: more than the formats of all tracepoints take.
 */
export const MAX_TRACING_DATA = 1 << 24;

/** Record that describes the recording. */
export interface HeaderRecord {
  type: number;
  /** Bytes of the record, including its header. */
  bytes: Uint8Array;
  /** Offset of the record in the file. */
  offset: number;
  littleEndian: boolean;
}

/**
 * Decodes a header record into `events` and `features`; other types are ignored. Throws BadInputError when it is
 * damaged.
 */
export function takeHeaderRecord(record: HeaderRecord, events: EventTable, features: Features): void {
  const { type, bytes, offset, littleEndian } = record;
  const r = new ByteReader(bytes, littleEndian, `a header record (type ${type})`, offset);
  r.take(4);
  const misc = r.u16();
  r.take(2);
  switch (type) {
    case PERF_RECORD_USER.HEADER_ATTR: {
      // struct { header; struct perf_event_attr attr; u64 id[]; }
      const attr = decodeAttr(bytes.subarray(r.pos), littleEndian, offset + r.pos);
      r.take(attr.size);
      const ids: bigint[] = [];
      while (r.left >= 8) ids.push(r.u64());
      events.add(describeEvent(attr, ids));
      break;
    }
    case PERF_RECORD_USER.HEADER_FEATURE: {
      // struct { header; u64 feat_id; char data[]; }
      const number = r.size();
      if (r.left === 0 && !KNOWN.has(number)) break; // perf ends its features with the number after the last
      const at = offset + r.pos;
      features.add(number, r.slice(r.left).slice(), at);
      if (number === FEATURE.EVENT_DESC || number === FEATURE.PMU_MAPPINGS) events.applyNames(features);
      break;
    }
    case PERF_RECORD_USER.HEADER_BUILD_ID:
      features.addBuildId(decodeBuildId({ body: bytes.slice(8), offset: offset + 8, misc, littleEndian }));
      break;
    case PERF_RECORD_USER.HEADER_EVENT_TYPE: {
      // struct { header; u64 config; char name[64]; }: perf up to Linux 3.10
      const config = r.u64();
      events.nameTracepoint(config, cString(r.slice(r.left)));
      events.applyNames(features);
      break;
    }
    case PERF_RECORD_USER.EVENT_UPDATE: {
      // struct { header; u64 type; u64 id; char data[]; }
      const what = r.u64();
      const id = r.u64();
      if (what === BigInt(EVENT_UPDATE_NAME)) events.rename(id, cString(r.slice(r.left)));
      break;
    }
  }
}

/**
 * Stores the start of the tracing data that follows its record, at `offset` in the file, and names tracepoints by it.
 */
export function takeTracingData(
  payload: Uint8Array,
  offset: number,
  events: EventTable,
  features: Features,
): void {
  features.add(FEATURE.TRACING_DATA, payload, offset);
  events.applyNames(features);
}
