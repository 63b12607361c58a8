/**
 * What a sample holds behind its call chain, as the kernel's perf_output_sample() writes it:
 *
 *     { u32 size; char data[size]; } RAW, together a multiple of 8
 *     { u64 nr; [u64 hw_idx;] struct { u64 from, to, flags; } entries[nr]; [u64 counters[nr];] } BRANCH_STACK
 *     { u64 abi; u64 regs[bits of sample_regs_user]; } REGS_USER, no regs with abi 0
 *     { u64 size; char data[size]; u64 dyn_size; } STACK_USER, only the size when that is 0
 *     { u64 } WEIGHT or WEIGHT_STRUCT   { u64 } DATA_SRC   { u64 } TRANSACTION
 *     { u64 abi; u64 regs[bits of sample_regs_intr]; } REGS_INTR, no regs with abi 0
 *     { u64 } PHYS_ADDR   { u64 } CGROUP   { u64 } DATA_PAGE_SIZE   { u64 } CODE_PAGE_SIZE
 *     { u64 size; char data[size]; } AUX
 *
 * hw_idx is there with PERF_SAMPLE_BRANCH_HW_INDEX, counters with PERF_SAMPLE_BRANCH_COUNTERS.
 */

import { PERF_SAMPLE, PERF_SAMPLE_BRANCH } from "../base/abi.ts";
import type { EventAttr } from "../events/attr.ts";
import { type AttrLayout, tailOffset } from "./attr_layout.ts";
import type { SampleCursor } from "./cursor.ts";

/**
 * Finds the fields of one event's samples: one object, whose places are set by each locate(), so that nothing
 * is allocated for a sample. Places are offsets in bytes in the cursor's `u8`, -1 where there is no such field.
 * The bytes there are in the recorder's order, also when that is not this machine's.
 */
export class SampleTail {
  raw = -1;
  /** Bytes of `raw`; those that pad it are among them. */
  rawSize = 0;
  /** Of the first of `branchCount` entries of 24 bytes. */
  branches = -1;
  branchCount = 0;
  branchIndex = -1;
  /** Of `branchCount` u64s. */
  branchCounters = -1;
  /** Of the u64s of the registers that the attr names, lowest bit first. */
  userRegs = -1;
  /** PERF_SAMPLE_REGS_ABI_*: 0 none, 1 of 32 bits, 2 of 64. */
  userAbi = 0;
  /** Of the copy of the user's stack, from its pointer up. */
  stack = -1;
  /** Bytes of it that were there to be copied. */
  stackSize = 0;
  weight = -1;
  dataSource = -1;
  transaction = -1;
  /** As `userRegs`, at the moment of the interrupt. */
  interruptRegs = -1;
  interruptAbi = 0;
  physicalAddress = -1;
  cgroup = -1;
  dataPageSize = -1;
  codePageSize = -1;
  aux = -1;
  auxSize = 0;
  /** The place behind the last field. */
  end = 0;

  readonly #layout: AttrLayout;
  readonly #swapped: boolean;
  readonly #userRegCount: number;
  readonly #interruptRegCount: number;
  readonly #hasIndex: boolean;
  readonly #hasCounters: boolean;
  #u32!: Uint32Array;
  #at = 0;
  #limit = 0;

  /** @param littleEndian the recorder's byte order. */
  constructor(attr: EventAttr, layout: AttrLayout, littleEndian: boolean) {
    this.#layout = layout;
    this.#swapped = !littleEndian;
    this.#userRegCount = bitCount(attr.sampleRegsUser);
    this.#interruptRegCount = bitCount(attr.sampleRegsIntr);
    this.#hasIndex = (attr.branchSampleType & BigInt(PERF_SAMPLE_BRANCH.HW_INDEX)) !== 0n;
    this.#hasCounters = (attr.branchSampleType & BigInt(PERF_SAMPLE_BRANCH.COUNTERS)) !== 0n;
  }

  /** Sets the places for the sample at hand. False when it ends before its fields do: then they mean nothing. */
  locate(c: Pick<SampleCursor, "u32" | "pos" | "size">): boolean {
    const type = this.#layout.sampleType;
    this.#u32 = c.u32;
    this.#limit = c.pos + c.size;
    this.#at = c.pos + tailOffset(this.#layout, c.u32, c.pos, c.size);
    this.#setRaw(type);
    this.#setBranches(type);
    const user = type & PERF_SAMPLE.REGS_USER ? this.#length() : 0;
    this.userAbi = user;
    this.userRegs = user > 0 ? this.#take(8 * this.#userRegCount) : -1;
    this.#setStack(type);
    this.weight = this.#word(type & (PERF_SAMPLE.WEIGHT | PERF_SAMPLE.WEIGHT_STRUCT));
    this.dataSource = this.#word(type & PERF_SAMPLE.DATA_SRC);
    this.transaction = this.#word(type & PERF_SAMPLE.TRANSACTION);
    const interrupted = type & PERF_SAMPLE.REGS_INTR ? this.#length() : 0;
    this.interruptAbi = interrupted;
    this.interruptRegs = interrupted > 0 ? this.#take(8 * this.#interruptRegCount) : -1;
    this.physicalAddress = this.#word(type & PERF_SAMPLE.PHYS_ADDR);
    this.cgroup = this.#word(type & PERF_SAMPLE.CGROUP);
    this.dataPageSize = this.#word(type & PERF_SAMPLE.DATA_PAGE_SIZE);
    this.codePageSize = this.#word(type & PERF_SAMPLE.CODE_PAGE_SIZE);
    this.auxSize = type & PERF_SAMPLE.AUX ? this.#length() : 0;
    this.aux = type & PERF_SAMPLE.AUX ? this.#take(this.auxSize) : -1;
    this.end = this.#at;
    return this.#at <= this.#limit;
  }

  #setRaw(type: number): void {
    const has = (type & PERF_SAMPLE.RAW) !== 0;
    this.rawSize = has ? this.#u32At(this.#take(4)) : 0;
    this.raw = has ? this.#take(this.rawSize) : -1;
    if (this.#at % 8 !== 0) this.#at = Infinity; // the kernel pads it; else all behind would be read askew
  }

  #setBranches(type: number): void {
    const has = (type & PERF_SAMPLE.BRANCH_STACK) !== 0;
    this.branchCount = has ? this.#length() : 0;
    this.branchIndex = this.#word(has && this.#hasIndex ? 1 : 0);
    this.branches = has ? this.#take(24 * this.branchCount) : -1;
    this.branchCounters = has && this.#hasCounters ? this.#take(8 * this.branchCount) : -1;
  }

  #setStack(type: number): void {
    const room = type & PERF_SAMPLE.STACK_USER ? this.#length() : 0;
    this.stack = room > 0 ? this.#take(room) : -1;
    this.stackSize = room > 0 ? Math.min(room, this.#length()) : 0;
  }

  /** Moves past `n` bytes; past the end, all that follows fails. */
  #take(n: number): number {
    const at = this.#at;
    this.#at = at + n <= this.#limit ? at + n : Infinity;
    return at;
  }

  #word(wanted: number): number {
    return wanted ? this.#take(8) : -1;
  }

  /** A u64 that counts something: past 2^32 nothing fits. */
  #length(): number {
    const at = this.#take(8);
    const low = this.#u32At(at), high = this.#u32At(at + 4);
    return this.#swapped ? (low === 0 ? high : Infinity) : (high === 0 ? low : Infinity);
  }

  /** The u32 there, 0 past the end. */
  #u32At(at: number): number {
    if (!(at + 4 <= this.#limit)) return 0;
    const value = this.#u32[at >>> 2];
    if (!this.#swapped) return value;
    return ((value << 24) | ((value & 0xff00) << 8) | ((value >>> 8) & 0xff00) | (value >>> 24)) >>> 0;
  }
}

function bitCount(mask: bigint): number {
  let n = 0;
  for (let left = mask; left > 0n; left &= left - 1n) n++;
  return n;
}
