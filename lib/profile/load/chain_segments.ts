/**
 * Splitter of call chains at changes of the CPU's mode: the kernel's part comes first, then the process's. The kernel's
 * part recurs in every process, and the process's part below different kernel paths, so each is often known even if the
 * chain as a whole is new.
 */

import { PERF_CONTEXT, PERF_RECORD_MISC } from "../../base/system/abi.ts";
import { addressOf } from "../../base/bytes/address.ts";
import {
  DEFERRED_MARKER,
  isMarker,
  isUserMarker,
  USER_MARKER,
} from "../../perfdata/format/context_markers.ts";
import type { SampleCursor } from "../../perfdata/read/reader.ts";
import { endOfMark } from "../../unwind/chain_marks.ts";

const TWO_32 = 4294967296;
/** 32-bit words of a call in the CPU's call stack (LBR). */
const CALL_WORDS = 6;

/** Fields of a sample that its chain is split by: its own address and mode, and the chain. */
export type ChainCursor = Pick<
  SampleCursor,
  "u32" | "chain" | "chainLength" | "ip" | "cpumode" | "callCount"
>;

/**
 * Segments of one chain, innermost first. There is at least one, and the first begins with the sample's own address.
 */
export class ChainSegments {
  count = 0;
  /** Words that `from` and `to` index: the sample's own, or a chain that was joined. */
  u32: Uint32Array = new Uint32Array(0);
  /** CPU mode of each segment's addresses: PERF_RECORD_MISC.*. */
  readonly mode: number[] = [];
  /** Each segment's addresses, as pairs of words `u32[from]` to `u32[to - 1]`. Markers among them are to be skipped. */
  readonly from: number[] = [];
  readonly to: number[] = [];
  /**
   * Fingerprints of 64 bits of each segment's addresses, and for the first one also of the sample's own. Two of a
   * million segments collide in one of 40 million recordings. Comparing the words themselves would make a report of
   * folded stacks take a sixth longer, and an eighth more memory.
   */
  readonly low: number[] = [];
  readonly high: number[] = [];

  /** Number of entries before the marker for user callers in a later record; -1 if there is none. */
  deferredAt = -1;
  /** Whether the chain ends with an entry in user space, as all chains that were unwound do. */
  endsInUser = false;
  /** Whether addresses in user space, but for the first, are where calls return to, and not the calls themselves. */
  userReturns = true;
  /** Reason in the mark at the end of the chain (lib/unwind/chain_marks.ts), which is in no segment; -1 if there is none. */
  mark = -1;

  #joined = new Uint32Array(256);

  /** Splits the chain of `c`. */
  split(c: SampleCursor): void {
    const length = c.callCount > 0 ? this.#join(c) : 0;
    this.userReturns = length === 0;
    if (length > 0) this.#split(c, this.#joined, 0, length);
    else this.#split(c, c.u32, c.chain, c.chainLength);
  }

  /**
   * Splits a chain made of the kernel's part of the chain of `c`, and of callers in user space that were found
   * otherwise: the entries at words `from` to `to` of `user`.
   */
  splitWith(c: ChainCursor, user: Uint32Array, from: number, to: number): void {
    const { u32, chain, chainLength } = c;
    this.userReturns = true;
    let at = chain;
    const end = chain + 2 * chainLength;
    while (at < end && !isUserMarker(u32[at], u32[at + 1])) at += 2;
    const kernel = at - chain, length = kernel + 2 + to - from;
    if (length > this.#joined.length) this.#joined = new Uint32Array(2 * length);
    const joined = this.#joined;
    for (let i = 0; i < kernel; i++) joined[i] = u32[chain + i];
    joined[kernel] = USER_MARKER;
    joined[kernel + 1] = 0xffffffff;
    for (let i = from, into = kernel + 2; i < to; i++) joined[into++] = user[i];
    this.#split(c, joined, 0, length >> 1);
  }

  #split(c: ChainCursor, u32: Uint32Array, chain: number, chainLength: number): void {
    this.u32 = u32;
    this.deferredAt = -1;
    const end = chain + 2 * chainLength;
    let at = chain;
    let mode = c.cpumode;
    let from = at, entries = at;
    let innermost = true;
    let a = c.ip | 0, b = Math.floor(c.ip / TWO_32) | 0;
    this.count = 0;
    for (; at < end; at += 2) {
      const low = u32[at], high = u32[at + 1];
      if (isMarker(low, high)) {
        const next = modeOfContext(low | 0);
        // no chain follows any other marker: it is a cookie for a deferred stack, or a broken frame pointer (-1)
        if (next < 0) {
          if (low === DEFERRED_MARKER && at + 2 < end) this.deferredAt = (at - chain) >> 1;
          break;
        }
        entries = at + 2;
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
        // the chain repeats the sample's own address, unless it was captured without it; a precise event corrects the
        // address of the sample but not the one in the chain
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
    this.endsInUser = mode === PERF_RECORD_MISC.USER && at > entries;
    this.mark = this.endsInUser && at === end ? endOfMark(u32[at - 2], u32[at - 1]) : -1;
    this.#close(mode, from, this.mark < 0 ? at : Math.max(from, at - 2), a, b);
  }

  /** Returns the outermost address of the last segment, which is `ip` if that begins with it; NaN if it has none. */
  outermost(ip: number): number {
    const i = this.count - 1, { u32 } = this;
    for (let at = this.to[i] - 2; at >= this.from[i]; at -= 2) {
      const low = u32[at], high = u32[at + 1];
      if (!isMarker(low, high)) return addressOf(low, high);
    }
    return i === 0 ? ip : NaN;
  }

  /** Whether the chain has callers in user space. */
  get hasUserCallers(): boolean {
    for (let i = 0; i < this.count; i++) {
      if (this.mode[i] === PERF_RECORD_MISC.USER && this.from[i] < this.to[i]) return true;
    }
    return false;
  }

  /**
   * Joins the kernel's part of the chain of `c` with the calls that the CPU kept in user space: the target of the
   * latest call, which stands for the sample's own address if that is in user space, then the source of each call.
   * Returns the number of entries; 0 if the chain does not reach user space.
   */
  #join({ u32, chain, chainLength, calls, callCount }: SampleCursor): number {
    let user = 0;
    while (user < chainLength && !isUserMarker(u32[chain + 2 * user], u32[chain + 2 * user + 1])) user++;
    if (user === chainLength) return 0;
    const length = user + 1 + 1 + callCount;
    if (2 * length > this.#joined.length) this.#joined = new Uint32Array(4 * length);
    const joined = this.#joined;
    joined.set(u32.subarray(chain, chain + 2 * (user + 1)));
    let to = 2 * (user + 1);
    joined[to++] = u32[calls + 2];
    joined[to++] = u32[calls + 3];
    for (let call = 0, from = calls; call < callCount; call++, from += CALL_WORDS) {
      joined[to++] = u32[from];
      joined[to++] = u32[from + 1];
    }
    return length;
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

/** Log2 of the distance between markers. */
const MARKER_SHIFT = 5;
const MARKER_STEP = 1 << MARKER_SHIFT;
/** CPU mode of the addresses after a marker, by marker divided by -MARKER_STEP; -1 if none follow. */
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

/** Returns the CPU mode of the addresses after a marker in a call chain, or -1 if none follow it. */
function modeOfContext(context: number): number {
  return (context & (MARKER_STEP - 1)) === 0 ? MODES[-context >> MARKER_SHIFT] : -1;
}
