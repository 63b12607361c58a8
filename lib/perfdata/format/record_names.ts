/** Names of record types, as `perf report --stats` has them. */

import { PERF_RECORD, PERF_RECORD_USER } from "../../base/system/abi.ts";

/** Stands for the types that are not told apart. */
export const OTHER_TYPES = 2 ** 32;

/** Where perf is shorter than its own constants. */
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

/** `SAMPLE`, `FINISHED_ROUND`; `type 99` for one that is not known here; `other types`. */
export function recordTypeName(type: number): string {
  return NAMES.get(type) ?? (type === OTHER_TYPES ? "other types" : `type ${type}`);
}
