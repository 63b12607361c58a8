/** Markers in call chains (PERF_CONTEXT_*): entries that say in which mode the code of those behind them ran. */

import { PERF_CONTEXT } from "../../base/system/abi.ts";

const TWO_32 = 4294967296;
/** Low word of the lowest marker. The high word of all markers is all ones. */
const LOWEST_MARKER = PERF_CONTEXT.MAX + TWO_32;
/** Low word of the marker in front of user space. */
export const USER_MARKER = PERF_CONTEXT.USER + TWO_32;
/** Low word of the marker before the cookie of a chain that another record continues. */
export const DEFERRED_MARKER = PERF_CONTEXT.USER_DEFERRED + TWO_32;

/** Returns whether the entry of a call chain with these words is the marker in front of user space. */
export function isUserMarker(low: number, high: number): boolean {
  return high === 0xffffffff && low === USER_MARKER;
}

/** Returns whether the entry of a call chain with these words is a marker, not an address. */
export function isMarker(low: number, high: number): boolean {
  return high === 0xffffffff && low >= LOWEST_MARKER;
}
