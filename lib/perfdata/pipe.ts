/** What the header of a file says, said by records instead: perf.data in pipe mode. */

import { PERF_RECORD_USER } from "../base/abi.ts";
import { ByteReader, cString } from "../base/bytes.ts";
import { decodeAttr } from "../events/attr.ts";
import { describeEvent, type EventTable } from "./events.ts";
import { decodeBuildId, FEATURE, type Features } from "./features.ts";

/** Types of the records that a pipe begins with in place of a file's header. */
const HEADER_TYPES = new Set<number>([
  PERF_RECORD_USER.HEADER_ATTR,
  PERF_RECORD_USER.HEADER_EVENT_TYPE,
  PERF_RECORD_USER.HEADER_TRACING_DATA,
  PERF_RECORD_USER.HEADER_BUILD_ID,
  PERF_RECORD_USER.EVENT_UPDATE,
  PERF_RECORD_USER.HEADER_FEATURE,
]);

/** True for the types of record that describe the recording rather than belong to it. */
export function isHeaderType(type: number): boolean {
  return HEADER_TYPES.has(type);
}

const KNOWN = new Set<number>(Object.values(FEATURE));

/** EVENT_UPDATE's type for a name. */
const EVENT_UPDATE_NAME = 2;

/**
 * Takes what a header record says into `events` and `features`; other types are ignored. `bytes` is
 * the record with its header. Throws BadInputError when it is damaged.
 */
export function takeHeaderRecord(
  type: number,
  bytes: Uint8Array,
  littleEndian: boolean,
  events: EventTable,
  features: Features,
): void {
  const r = new ByteReader(bytes, littleEndian, `a header record (type ${type})`);
  r.take(4);
  const misc = r.u16();
  r.take(2);
  switch (type) {
    case PERF_RECORD_USER.HEADER_ATTR: {
      // struct { header; struct perf_event_attr attr; u64 id[]; }
      const attr = decodeAttr(bytes.subarray(r.pos), littleEndian);
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
      features.add(number, r.slice(r.left).slice());
      if (number === FEATURE.EVENT_DESC || number === FEATURE.PMU_MAPPINGS) events.applyNames(features);
      break;
    }
    case PERF_RECORD_USER.HEADER_BUILD_ID:
      features.addBuildId(decodeBuildId(bytes.slice(8), misc, littleEndian));
      break;
    case PERF_RECORD_USER.EVENT_UPDATE: {
      // struct { header; u64 type; u64 id; char data[]; }
      const what = r.u64();
      const event = events.byId(r.u64());
      if (what === BigInt(EVENT_UPDATE_NAME) && event) event.name = cString(r.slice(r.left)) || event.name;
      break;
    }
  }
}
