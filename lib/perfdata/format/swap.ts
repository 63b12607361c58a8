/**
 * Byte order conversion of a big-endian recorder's records, in place as they are taken in, so that all later code
 * knows only little-endian.
 *
 * A record is mostly u64s. All of it is swapped as such first, and other fields are corrected afterwards: swapping
 * the 8 bytes of two u32s swaps each of them and exchanges the two.
 */

import { PERF_RECORD, PERF_RECORD_MISC, PERF_RECORD_USER } from "../../base/system/abi.ts";
import { type AttrLayout, RECORD_HEADER_SIZE, tailOffset, type TrailerLayout } from "./attr_layout.ts";
import type { EventTable } from "./events.ts";

/**
 * Widths in bytes of the fields of the kernel's records, after the header; negative for bytes that are not a number.
 * A string or bytes may follow.
 */
const FIELDS: Record<number, number[]> = {
  [PERF_RECORD.MMAP]: [4, 4, 8, 8, 8],
  [PERF_RECORD.LOST]: [8, 8],
  [PERF_RECORD.COMM]: [4, 4],
  [PERF_RECORD.EXIT]: [4, 4, 4, 4, 8],
  [PERF_RECORD.THROTTLE]: [8, 8, 8],
  [PERF_RECORD.UNTHROTTLE]: [8, 8, 8],
  [PERF_RECORD.FORK]: [4, 4, 4, 4, 8],
  [PERF_RECORD.MMAP2]: [4, 4, 8, 8, 8, 4, 4, 8, 8, 4, 4],
  [PERF_RECORD.AUX]: [8, 8, 8],
  [PERF_RECORD.ITRACE_START]: [4, 4],
  [PERF_RECORD.READ]: [4, 4],
  [PERF_RECORD.LOST_SAMPLES]: [8],
  [PERF_RECORD.NAMESPACES]: [4, 4],
  [PERF_RECORD.SWITCH]: [],
  [PERF_RECORD.SWITCH_CPU_WIDE]: [4, 4],
  [PERF_RECORD.KSYMBOL]: [8, 4, 2, 2],
  [PERF_RECORD.BPF_EVENT]: [2, 2, 4],
  [PERF_RECORD.CGROUP]: [8],
  [PERF_RECORD.TEXT_POKE]: [8, 2, 2],
  [PERF_RECORD.AUX_OUTPUT_HW_ID]: [8],
  [PERF_RECORD.CALLCHAIN_DEFERRED]: [8, 8],
};
/** Field widths of an MMAP2 that carries a build id (MISC_MMAP_BUILD_ID). */
const MMAP2_BUILD_ID = [4, 4, 8, 8, 8, -24, 4, 4];

/**
 * Swaps the record of `size` bytes (a multiple of 8) at `pos`, whose header is swapped already. Data without a fixed
 * layout keeps the recorder's order: bodies of the perf tools' own records (type 64 and up) and of unknown types, and
 * in samples what follows the call chain (RAW, registers, stacks).
 */
export function swapBody(
  u8: Uint8Array,
  u32: Uint32Array,
  pos: number,
  size: number,
  events: EventTable,
): void {
  const type = u32[pos >>> 2];
  const bodyAt = pos + RECORD_HEADER_SIZE, end = pos + size;
  if (type >= PERF_RECORD_USER.HEADER_ATTR) return;
  if (type === PERF_RECORD.SAMPLE) {
    swap64s(u32, bodyAt, end);
    const event = events.ofSample(u32, pos, size);
    if (event >= 0) fixSample(u32, pos, size, events.events[event].layout);
    return;
  }
  const trailerAt = end - (events.events[0]?.layout.trailer.size ?? 0);
  if (trailerAt < bodyAt) return;
  const misc = u32[(pos >>> 2) + 1] & 0xffff;
  if (type === PERF_RECORD.MMAP2 && misc & PERF_RECORD_MISC.MMAP_BUILD_ID) {
    swapFields(u8, bodyAt, trailerAt, MMAP2_BUILD_ID);
  } else {
    swapFields(u8, bodyAt, trailerAt, FIELDS[type] ?? []);
    // These continue with an array of u64s.
    if (type === PERF_RECORD.NAMESPACES || type === PERF_RECORD.READ) swap64s(u32, bodyAt + 8, trailerAt);
    if (type === PERF_RECORD.CALLCHAIN_DEFERRED) swap64s(u32, bodyAt + 16, trailerAt);
  }
  swap64s(u32, trailerAt, end);
  const event = events.ofRecord(u32, pos, size);
  if (event >= 0) fixTrailer(u32, end, events.events[event].layout.trailer);
}

/** Swaps a struct perf_event_header { u32 type; u16 misc; u16 size; }. */
export function swapHeader(u8: Uint8Array, pos: number): void {
  swapFields(u8, pos, pos + RECORD_HEADER_SIZE, [4, 2, 2]);
}

function swapFields(u8: Uint8Array, from: number, end: number, widths: number[]): void {
  let at = from;
  for (const width of widths) {
    const next = at + Math.abs(width);
    if (next > end) return;
    if (width > 0) u8.subarray(at, next).reverse();
    at = next;
  }
}

/** Swaps the bytes of a 32-bit value; returns a signed number. */
export function swap32(value: number): number {
  return (value << 24) | ((value & 0xff00) << 8) | ((value >>> 8) & 0xff00) | (value >>> 24);
}

/** Swaps the u64s in bytes [from, end). */
function swap64s(u32: Uint32Array, from: number, end: number): void {
  const last = end >>> 2;
  for (let word = from >>> 2; word + 1 < last; word += 2) {
    const low = swap32(u32[word + 1]);
    u32[word + 1] = swap32(u32[word]);
    u32[word] = low;
  }
}

/** Exchanges two u32s that were swapped as one u64. */
function exchange(u32: Uint32Array, pos: number): void {
  const word = pos >>> 2;
  const first = u32[word + 1];
  u32[word + 1] = u32[word];
  u32[word] = first;
}

function fixTrailer(u32: Uint32Array, end: number, trailer: TrailerLayout): void {
  if (trailer.tid) exchange(u32, end - trailer.tid);
  if (trailer.cpu) exchange(u32, end - trailer.cpu);
}

/**
 * Corrects a sample whose u64s have all been swapped: the pairs of u32s, and all that follows the call chain. A
 * sample too short for its fields is left alone; the reader refuses it.
 */
function fixSample(u32: Uint32Array, pos: number, size: number, layout: AttrLayout): void {
  if (size < layout.minSize) return;
  if (layout.tid >= 0) exchange(u32, pos + layout.tid);
  if (layout.cpu >= 0) exchange(u32, pos + layout.cpu);
  const end = tailOffset(layout, u32, pos, size);
  if (end < size) swap64s(u32, pos + end, pos + size);
}
