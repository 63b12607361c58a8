/** Sizes of rings, in pages and bytes. */

import { pageSize } from "../../../ffi/pmu.ts";

/** 512 KiB for each CPU: as perf, and what kernel.perf_event_mlock_kb allows everyone. */
const DEFAULT_RING_BYTES = 512 * 1024;

/** Pages of a ring when nothing is asked for. */
export function defaultRingPages(): number {
  return DEFAULT_RING_BYTES / pageSize();
}

/** Bytes of records in a ring of `pages`. */
export function ringBytes(pages: number): number {
  return pages * pageSize();
}
