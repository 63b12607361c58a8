/** Setters of the cursor: the loads of the hot path, and nothing else. */

import { addressOf } from "../../base/bytes/address.ts";
import { PERF_FORMAT, PERF_RECORD_MISC } from "../../base/system/abi.ts";
import { type AttrLayout, callchainOffset, readSize, RECORD_HEADER_SIZE } from "../format/attr_layout.ts";
import type { Cursor } from "../format/cursor.ts";
import type { EventDesc } from "../format/events.ts";
import { SampleTail } from "./sample_tail.ts";

const TWO_32 = 4294967296;

/** Base that times are relative to, as two halves. */
export interface TimeBase {
  low: number;
  high: number;
}

/** Returns false for the two values that mean "no time": 0, in synthesized records, and all ones. */
export function isTime(low: number, high: number): boolean {
  return (low | high) !== 0 && (low & high) !== -1;
}

/** Returns the time of these halves in ns since the base. */
export function timeOf(low: number, high: number, base: TimeBase): number {
  return (high - base.high) * TWO_32 + (low - base.low);
}

/** Sets the header fields and the event. */
function setHeader(c: Cursor, pos: number, event: number): void {
  const word = pos >>> 2;
  const second = c.u32[word + 1];
  c.pos = pos;
  c.type = c.u32[word];
  c.misc = second & 0xffff;
  c.size = second >>> 16;
  c.event = event;
}

/** Sets `c` for the sample at `pos`, whose size was checked against its event's layout. */
export function setSample(c: Cursor, pos: number, index: number, event: EventDesc, base: TimeBase): void {
  setHeader(c, pos, index);
  const u32 = c.u32;
  const layout = event.layout;
  c.cpumode = c.misc & PERF_RECORD_MISC.CPUMODE_MASK;
  c.trailer = 0;
  let word: number;
  if (layout.ip >= 0) {
    word = (pos + layout.ip) >>> 2;
    c.ip = addressOf(u32[word], u32[word + 1]);
  } else c.ip = 0;
  if (layout.tid >= 0) {
    word = (pos + layout.tid) >>> 2;
    c.pid = u32[word] | 0;
    c.tid = u32[word + 1] | 0;
  } else c.pid = c.tid = -1;
  if (layout.time >= 0) {
    word = (pos + layout.time) >>> 2;
    c.time = timeOf(u32[word], u32[word + 1], base);
  } else c.time = NaN;
  if (layout.addr >= 0) {
    word = (pos + layout.addr) >>> 2;
    c.addr = addressOf(u32[word], u32[word + 1]);
  } else c.addr = 0;
  c.cpu = layout.cpu >= 0 ? u32[(pos + layout.cpu) >>> 2] | 0 : -1;
  if (layout.period >= 0) {
    word = (pos + layout.period) >>> 2;
    c.period = u32[word + 1] * TWO_32 + u32[word];
  } else c.period = event.period;
  if (layout.hasCallchain) {
    const at = layout.callchain >= 0 ? layout.callchain : callchainOffset(layout, u32, pos, c.size);
    word = (pos + at) >>> 2;
    c.chain = word + 2;
    c.chainLength = u32[word];
  } else {
    c.chain = 0;
    c.chainLength = 0;
  }
  const { callStack, copiesStack, swapped } = layout.tail;
  c.callCount = c.copiedStack = 0;
  if (!callStack && !copiesStack) return;
  if (!tail.read(u32, pos, c.size, layout)) return;
  c.copiedStack = tail.copied;
  if (!callStack || swapped) return; // CPUs of the other byte order record no calls
  c.calls = tail.branches;
  c.callCount = tail.branchCount;
}

const tail = new SampleTail();

/** Sets `c` for a record of the kernel other than a sample. `event` is undefined when its id is unknown. */
export function setRecord(
  c: Cursor,
  pos: number,
  index: number,
  event: EventDesc | undefined,
  base: TimeBase,
): void {
  setHeader(c, pos, index);
  c.pid = c.tid = c.cpu = -1;
  c.time = NaN;
  c.trailer = 0;
  const trailer = event?.layout.trailer;
  if (!trailer || trailer.size === 0 || c.size < RECORD_HEADER_SIZE + trailer.size) return;
  const u32 = c.u32, end = pos + c.size;
  c.trailer = trailer.size;
  if (trailer.tid) {
    c.pid = u32[(end - trailer.tid) >>> 2] | 0;
    c.tid = u32[(end - trailer.tid + 4) >>> 2] | 0;
  }
  if (trailer.cpu) c.cpu = u32[(end - trailer.cpu) >>> 2] | 0;
  if (trailer.time) {
    const word = (end - trailer.time) >>> 2;
    const low = u32[word], high = u32[word + 1];
    if (isTime(low, high)) c.time = timeOf(low, high, base);
  }
}

/** Sets `c` for a record of the perf tools, which has no trailer. */
export function setToolRecord(c: Cursor, pos: number, type: number, size: number): void {
  c.pos = pos;
  c.type = type;
  c.size = size;
  c.misc = c.u32[(pos >>> 2) + 1] & 0xffff;
  c.event =
    c.pid =
    c.tid =
    c.cpu =
      -1;
  c.time = NaN;
  c.trailer = 0;
}

/**
 * Returns whether the sample of `size` bytes at `pos` holds all its fields up to the end of its call chain, and its
 * tail when that has a part of the call chain.
 */
export function sampleFits(u32: Uint32Array, pos: number, size: number, layout: AttrLayout): boolean {
  if (size < layout.minSize) return false;
  if (layout.tail.callStack) return chainFits(u32, pos, size, layout) && tail.read(u32, pos, size, layout);
  return chainFits(u32, pos, size, layout);
}

function chainFits(u32: Uint32Array, pos: number, size: number, layout: AttrLayout): boolean {
  if (!layout.hasCallchain) return groupFits(u32, pos, size, layout);
  const at = layout.callchain >= 0 ? layout.callchain : callchainOffset(layout, u32, pos, size);
  if (at < 0) return false;
  const word = (pos + at) >>> 2;
  return u32[word + 1] === 0 && u32[word] <= (size - at - 8) / 8;
}

/**
 * Returns whether the counts of a group fit in the sample. With a call chain, callchainOffset() has checked them
 * already.
 */
function groupFits(u32: Uint32Array, pos: number, size: number, { read, readFormat }: AttrLayout): boolean {
  if (read < 0 || !(readFormat & PERF_FORMAT.GROUP)) return true;
  const word = (pos + read) >>> 2;
  return u32[word + 1] === 0 && read + readSize(readFormat, u32[word]) <= size;
}
