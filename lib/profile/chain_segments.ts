/**
 * A call chain as it lies in a sample, split where the CPU's mode changes: first the kernel's part, then the
 * process's. The kernel's part is the same in every process and the process's part the same whatever the
 * kernel did, so that either is recognized where the chain as a whole is new.
 */

import { PERF_CONTEXT, PERF_RECORD_MISC } from "../base/abi.ts";
import { addressOf } from "../base/address.ts";
import type { SampleCursor } from "../perfdata/reader.ts";

const TWO_32 = 4294967296;
/** Low word of the lowest of the markers; the high word of all is all ones. */
const LOWEST_MARKER = PERF_CONTEXT.MAX + TWO_32;

/** The segments of one chain, innermost first; there is at least one, and the first begins with the sample's own address. */
export class ChainSegments {
  count = 0;
  /** PERF_RECORD_MISC.*: the mode that the segment's addresses are of. */
  readonly mode: number[] = [];
  /** The segment's addresses are the pairs of words `u32[from]` to `u32[to - 1]`, and those of markers to skip among them. */
  readonly from: number[] = [];
  readonly to: number[] = [];
  /**
   * Two words that stand for the segment's addresses (for the first one also for the sample's own): a
   * fingerprint of 64 bits. That two of a million segments have the same by chance comes up in one of 40
   * million recordings. To keep and compare the words themselves would take a sixth more of the time of a
   * report of folded stacks, and an eighth more memory.
   */
  readonly low: number[] = [];
  readonly high: number[] = [];

  /** Splits the chain of `c`. */
  split(c: SampleCursor): void {
    const u32 = c.u32, end = c.chain + 2 * c.chainLength;
    let at = c.chain;
    let mode = c.cpumode;
    let from = at;
    let innermost = true;
    let a = c.ip | 0, b = Math.floor(c.ip / TWO_32) | 0;
    this.count = 0;
    for (; at < end; at += 2) {
      const low = u32[at], high = u32[at + 1];
      if (high === 0xffffffff && low >= LOWEST_MARKER) {
        const next = modeOfContext(low | 0);
        // behind anything else is no chain: a cookie for a deferred stack, or a broken frame pointer (-1)
        if (next < 0) break;
        if (next === mode) {
          if (from === at) from = at + 2;
          continue;
        }
        this.#close(mode, from, at, a, b);
        mode = next;
        from = at + 2;
        a = b = 0;
        continue;
      }
      if (innermost) {
        // the chain repeats the sample's own address, unless it was captured without it; a precise event
        // corrects the address of the sample and not that in the chain
        innermost = false;
        if (mode === c.cpumode || addressOf(low, high) === c.ip) {
          from = at + 2;
          continue;
        }
      }
      a = Math.imul(a ^ low, 0x85ebca6b) + high;
      a ^= a >>> 15;
      b = Math.imul(b ^ high, 0xc2b2ae35) + low;
      b ^= b >>> 13;
    }
    this.#close(mode, from, at, a, b);
  }

  #close(mode: number, from: number, to: number, a: number, b: number): void {
    const n = this.count++;
    this.mode[n] = mode;
    this.from[n] = from;
    this.to[n] = to;
    this.low[n] = a | 0;
    this.high[n] = b | 0;
  }
}

/** Whether the entry of a call chain with these words is a marker, not an address. */
export function isMarker(low: number, high: number): boolean {
  return high === 0xffffffff && low >= LOWEST_MARKER;
}

/** Markers are multiples of this. */
const MARKER_SHIFT = 5;
const MARKER_STEP = 1 << MARKER_SHIFT;
/** By marker, divided by -MARKER_STEP: the CPU mode of the addresses behind it. */
const MODES = new Int8Array(-PERF_CONTEXT.MAX / MARKER_STEP + 1).fill(-1);
for (
  const [context, mode] of [
    [PERF_CONTEXT.HV, PERF_RECORD_MISC.HYPERVISOR],
    [PERF_CONTEXT.KERNEL, PERF_RECORD_MISC.KERNEL],
    [PERF_CONTEXT.USER, PERF_RECORD_MISC.USER],
    [PERF_CONTEXT.GUEST_KERNEL, PERF_RECORD_MISC.GUEST_KERNEL],
    [PERF_CONTEXT.GUEST, PERF_RECORD_MISC.GUEST_USER],
    [PERF_CONTEXT.GUEST_USER, PERF_RECORD_MISC.GUEST_USER],
  ]
) MODES[-context / MARKER_STEP] = mode;

/** The CPU mode of the addresses behind a marker in a call chain, or -1 when there are none behind it. */
function modeOfContext(context: number): number {
  return (context & (MARKER_STEP - 1)) === 0 ? MODES[-context >> MARKER_SHIFT] : -1;
}
