/** Converts sizes of rings between pages and bytes. */

import { pageSize } from "../../../ffi/pmu.ts";

/** Bytes of a ring by default, as in perf: what kernel.perf_event_mlock_kb allows everyone for each CPU. */
const DEFAULT_RING_BYTES = 512 * 1024;

/** Returns the pages of a ring by default. */
export function defaultRingPages(): number {
  return DEFAULT_RING_BYTES / pageSize();
}

/** Returns the bytes of records that a ring of `pages` holds. */
export function ringBytes(pages: number): number {
  return pages * pageSize();
}
