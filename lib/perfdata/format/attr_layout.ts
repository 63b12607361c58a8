/**
 * Offsets of the fields in an event's records. `perf_event_attr.sample_type` decides which fields a record has; it is
 * compiled once into byte offsets, so that reading a record is a few loads.
 *
 * The order of the fields of PERF_RECORD_SAMPLE and of the sample_id trailer is that of perf_event_open(2) and of the
 * kernel's include/uapi/linux/perf_event.h.
 */

import { PERF_FORMAT, PERF_SAMPLE, PERF_SAMPLE_BRANCH } from "../../base/system/abi.ts";
import type { EventAttr } from "../../events/attr.ts";

/** Size of struct perf_event_header { u32 type; u16 misc; u16 size; }. */
export const RECORD_HEADER_SIZE = 8;
/** Largest size in bytes of a record: perf_event_header.size is a u16, and records are multiples of eight. */
export const MAX_RECORD_SIZE = 65528;

/**
 * struct sample_id, the trailer of every record but PERF_RECORD_SAMPLE when `sample_id_all` is set:
 *
 *     { u32 pid, tid; } TID   { u64 time; } TIME   { u64 id; } ID   { u64 stream_id; } STREAM_ID
 *     { u32 cpu, res; } CPU   { u64 id; } IDENTIFIER
 *
 * Offsets are in bytes back from the end of the record; 0 where the field is absent.
 */
export interface TrailerLayout {
  /** Bytes of the whole trailer; 0 when records have none. */
  size: number;
  tid: number;
  time: number;
  id: number;
  streamId: number;
  cpu: number;
  identifier: number;
}

/**
 * Offsets in bytes from the start of a PERF_RECORD_SAMPLE; -1 where the field is absent:
 *
 *     header; { u64 id; } IDENTIFIER   { u64 ip; } IP   { u32 pid, tid; } TID   { u64 time; } TIME
 *     { u64 addr; } ADDR   { u64 id; } ID   { u64 stream_id; } STREAM_ID   { u32 cpu, res; } CPU
 *     { u64 period; } PERIOD   { read_format } READ   { u64 nr; u64 ips[nr]; } CALLCHAIN   ...
 */
export interface AttrLayout {
  sampleType: number;
  readFormat: number;
  identifier: number;
  ip: number;
  tid: number;
  time: number;
  addr: number;
  id: number;
  streamId: number;
  cpu: number;
  period: number;
  /** Offset of READ. */
  read: number;
  /** Offset of CALLCHAIN; also -1 when a group READ of unknown length precedes it (see callchainOffset). */
  callchain: number;
  /** True when samples have a call chain, at whatever offset. */
  hasCallchain: boolean;
  /** Smallest size in bytes of a sample that holds all fields up to and including the chain's length. */
  minSize: number;
  trailer: TrailerLayout;
  tail: TailLayout;
}

/** Layout of the fields that follow the call chain. Their offsets vary by sample: see sample_tail.ts. */
export interface TailLayout {
  /** True when the branches are calls that have not returned yet: the user call chain of `--call-graph lbr`. */
  callStack: boolean;
  /** True when samples carry a copy of the user stack (`--call-graph dwarf`). */
  copiesStack: boolean;
  /** True when the tail is in the other byte order than this machine's. */
  swapped: boolean;
  /** Bytes before the first branch, including the branch count. */
  branchHeader: number;
  /** Bytes of a branch, including its counters (PERF_SAMPLE_BRANCH_COUNTERS). */
  branchSize: number;
  /** Number of user-space registers in each sample. */
  userRegs: number;
}

/** Compiles `attr` into the offsets of its records' fields. */
export function compileLayout(attr: EventAttr): AttrLayout {
  const type = attr.sampleType;
  let at = RECORD_HEADER_SIZE;
  const field = (bit: number): number => {
    if (!(type & bit)) return -1;
    at += 8;
    return at - 8;
  };
  const layout: AttrLayout = {
    sampleType: type,
    readFormat: attr.readFormat,
    identifier: field(PERF_SAMPLE.IDENTIFIER),
    ip: field(PERF_SAMPLE.IP),
    tid: field(PERF_SAMPLE.TID),
    time: field(PERF_SAMPLE.TIME),
    addr: field(PERF_SAMPLE.ADDR),
    id: field(PERF_SAMPLE.ID),
    streamId: field(PERF_SAMPLE.STREAM_ID),
    cpu: field(PERF_SAMPLE.CPU),
    period: field(PERF_SAMPLE.PERIOD),
    read: -1,
    callchain: -1,
    hasCallchain: (type & PERF_SAMPLE.CALLCHAIN) !== 0,
    minSize: 0,
    trailer: compileTrailer(attr),
    tail: compileTail(attr),
  };
  const group = (attr.readFormat & PERF_FORMAT.GROUP) !== 0;
  if (type & PERF_SAMPLE.READ) {
    layout.read = at;
    at += readSize(attr.readFormat, group ? 0 : 1);
  }
  if (layout.hasCallchain) {
    if (layout.read < 0 || !group) layout.callchain = at;
    at += 8;
  }
  layout.minSize = at;
  return layout;
}

function compileTail({ sampleType, branchSampleType, sampleRegsUser }: EventAttr): TailLayout {
  const branch = Number(BigInt.asUintN(32, branchSampleType));
  const chained = PERF_SAMPLE.CALLCHAIN | PERF_SAMPLE.BRANCH_STACK;
  return {
    callStack: (sampleType & chained) === chained && (branch & PERF_SAMPLE_BRANCH.CALL_STACK) !== 0,
    copiesStack: (sampleType & PERF_SAMPLE.STACK_USER) !== 0,
    swapped: false,
    branchHeader: branch & PERF_SAMPLE_BRANCH.HW_INDEX ? 16 : 8,
    branchSize: branch & PERF_SAMPLE_BRANCH.COUNTERS ? 32 : 24,
    userRegs: [...sampleRegsUser.toString(2)].filter((digit) => digit === "1").length,
  };
}

function compileTrailer(attr: EventAttr): TrailerLayout {
  const all = attr.flags.has("sampleIdAll");
  let back = 0;
  const field = (bit: number): number => {
    if (!all || !(attr.sampleType & bit)) return 0;
    back += 8;
    return back;
  };
  // Assigned from the last field to the first: each field's offset counts back from the end of the record.
  const identifier = field(PERF_SAMPLE.IDENTIFIER);
  const cpu = field(PERF_SAMPLE.CPU);
  const streamId = field(PERF_SAMPLE.STREAM_ID);
  const id = field(PERF_SAMPLE.ID);
  const time = field(PERF_SAMPLE.TIME);
  const tid = field(PERF_SAMPLE.TID);
  return { size: back, tid, time, id, streamId, cpu, identifier };
}

/**
 * Returns the size in bytes of a `struct read_format` with `members` counters: for a group `{ u64 nr; [time_enabled];
 * [time_running]; { u64 value; [id]; [lost]; } values[nr]; }`, otherwise `{ u64 value; [time_enabled];
 * [time_running]; [id]; [lost]; }` (members = 1).
 */
export function readSize(readFormat: number, members: number): number {
  const bit = (flag: number) => (readFormat & flag ? 8 : 0);
  return bit(PERF_FORMAT.GROUP) + bit(PERF_FORMAT.TOTAL_TIME_ENABLED) + bit(PERF_FORMAT.TOTAL_TIME_RUNNING) +
    members * (8 + bit(PERF_FORMAT.ID) + bit(PERF_FORMAT.LOST));
}

/**
 * Returns the offset of CALLCHAIN in the sample at byte `pos` of `u32`, whose `size` in bytes is at least
 * `layout.minSize`; -1 when the sample has no chain, or its group READ does not fit in it.
 */
export function callchainOffset(layout: AttrLayout, u32: Uint32Array, pos: number, size: number): number {
  if (!layout.hasCallchain || layout.callchain >= 0) return layout.callchain;
  const word = (pos + layout.read) >>> 2;
  const members = u32[word];
  const at = layout.read + readSize(layout.readFormat, members);
  return u32[word + 1] === 0 && at + 8 <= size ? at : -1;
}

/**
 * Returns the offset of what follows READ and CALLCHAIN (RAW, branches, registers, stack and so on) in the sample at
 * byte `pos` of `u32`, `size` bytes long; `size` when READ and CALLCHAIN do not fit in it.
 */
export function tailOffset(layout: AttrLayout, u32: Uint32Array, pos: number, size: number): number {
  if (layout.hasCallchain) {
    const at = callchainOffset(layout, u32, pos, size);
    return at < 0 ? size : Math.min(size, at + 8 + 8 * u32[(pos + at) >>> 2]);
  }
  if (layout.read >= 0 && layout.readFormat & PERF_FORMAT.GROUP) {
    const members = u32[(pos + layout.read) >>> 2];
    return Math.min(size, layout.read + readSize(layout.readFormat, members));
  }
  return layout.minSize;
}
