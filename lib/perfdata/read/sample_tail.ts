/**
 * Tail of a sample: the fields after the call chain, as far as they tell who called whom.
 *
 *     { u32 size; char data[size]; } RAW
 *     { u64 nr; { u64 hw_idx; } HW_INDEX  struct { u64 from, to, flags; } [nr]; { u64 counters[nr]; } COUNTERS } BRANCH_STACK
 *     { u64 abi; u64 regs[]; } REGS_USER   { u64 size; char data[size]; u64 dyn_size; } STACK_USER   ...
 */

import { PERF_SAMPLE } from "../../base/system/abi.ts";
import { type AttrLayout, tailOffset } from "../format/attr_layout.ts";
import { swap32 } from "../format/swap.ts";

const TWO_32 = 4294967296;

/** Decoded tail; one object is reused for all samples. */
export class SampleTail {
  /** Word index in `u32` of the first branch. Each takes six words (from, to, flags), most recent first. */
  branches = 0;
  branchCount = 0;
  /** PERF_SAMPLE_REGS_ABI_* of the user registers; 0 when there are none. */
  abi = 0;
  /** Word index in `u32` of the first user register. */
  registers = 0;
  /** Byte index of the copy of the user stack. */
  stack = 0;
  /** Bytes reserved for the copy. */
  room = 0;
  /** Bytes that were copied. */
  copied = 0;
  /** Byte indices of the user registers and the copied stack, as fields of the sample: from `userAt` to `userEnd`. */
  userAt = 0;
  userEnd = 0;

  /**
   * Decodes the tail of the sample of `size` bytes at `pos`. Returns false when the layout's fields do not fit in it.
   */
  read(u32: Uint32Array, pos: number, size: number, layout: AttrLayout): boolean {
    const { sampleType, tail } = layout;
    const end = pos + size;
    let at = pos + tailOffset(layout, u32, pos, size);
    this.branchCount =
      this.copied =
      this.room =
      this.abi =
        0;
    if (sampleType & PERF_SAMPLE.RAW) {
      if (at + 4 > end) return false;
      at += Math.ceil((4 + word(u32, at, tail.swapped)) / 8) * 8;
    }
    if (sampleType & PERF_SAMPLE.BRANCH_STACK) {
      if (at + tail.branchHeader > end) return false;
      const count = u64(u32, at, tail.swapped);
      const next = at + tail.branchHeader + count * tail.branchSize;
      if (next > end) return false;
      this.branches = (at + tail.branchHeader) >>> 2;
      this.branchCount = count;
      at = next;
    }
    this.userAt = this.userEnd = at;
    if (!tail.copiesStack) return true;
    if (sampleType & PERF_SAMPLE.REGS_USER) {
      if (at + 8 > end) return false;
      this.abi = u64(u32, at, tail.swapped);
      this.registers = (at + 8) >>> 2;
      at += 8 * (this.abi === 0 ? 1 : 1 + tail.userRegs);
    }
    if (at + 8 > end) return false;
    const room = u64(u32, at, tail.swapped);
    this.userEnd = at + 8;
    if (room === 0) return true;
    this.stack = at + 8;
    at += 8 + room;
    if (at + 8 > end || at % 8 !== 0) return false;
    this.userEnd = at + 8;
    this.room = room;
    this.copied = Math.min(room, u64(u32, at, tail.swapped));
    return true;
  }
}

/** Returns the u32 at byte `at`. */
function word(u32: Uint32Array, at: number, swapped: boolean): number {
  const value = u32[at >>> 2];
  return swapped ? swap32(value) >>> 0 : value;
}

/** Returns the u64 at byte `at` as a number. */
function u64(u32: Uint32Array, at: number, swapped: boolean): number {
  const first = word(u32, at, swapped), second = word(u32, at + 4, swapped);
  return swapped ? first * TWO_32 + second : second * TWO_32 + first;
}
