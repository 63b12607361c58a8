/** Names of record types, as `perf report --stats` prints them. */

import { PERF_RECORD, PERF_RECORD_USER } from "../../base/system/abi.ts";

/** Pseudo-type under which the less frequent of many unknown types are counted. */
export const OTHER_TYPES = 2 ** 32;

/** Types that perf names more briefly than its constants do. */
const SHORTER: Record<string, string | undefined> = {
  HEADER_ATTR: "ATTR",
  HEADER_EVENT_TYPE: "EVENT_TYPE",
  HEADER_TRACING_DATA: "TRACING_DATA",
  HEADER_BUILD_ID: "BUILD_ID",
  HEADER_FEATURE: "FEATURE",
};

const NAMES = new Map<number, string>(
  Object.entries({ ...PERF_RECORD, ...PERF_RECORD_USER }).map((
    [name, type],
  ) => [type, SHORTER[name] ?? name]),
);

/** Returns the name of a record type: `SAMPLE`, `FINISHED_ROUND`; `type 99` for an unknown one; `other types`. */
export function recordTypeName(type: number): string {
  return NAMES.get(type) ?? (type === OTHER_TYPES ? "other types" : `type ${type}`);
}
