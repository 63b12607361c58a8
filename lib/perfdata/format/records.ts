/**
 * Decoders of the records other than samples, one per on-disk struct, whose C layout stands above it
 * (struct perf_event_header and the sample_id trailer, which all have, are left out). They are rare
 * enough to become plain objects. Layouts: the kernel's include/uapi/linux/perf_event.h.
 *
 * Each takes the cursor that a RecordHandler is given and throws BadInputError when the record is too
 * short for its struct.
 */

import { addressOf } from "../../base/bytes/address.ts";
import { PERF_FORMAT, PERF_RECORD_MISC } from "../../base/system/abi.ts";
import { ByteReader, shortCString } from "../../base/bytes/bytes.ts";
import type { RecordCursor } from "./cursor.ts";
import { hex } from "./features.ts";

/** The part of a cursor that decoders look at. */
export type RecordBytes = Pick<RecordCursor, "u8" | "pos" | "size" | "misc" | "trailer" | "fileOffset">;

/** The body of a record, between header and trailer, in this machine's byte order. */
function bodyOf(record: RecordBytes, what: string): ByteReader {
  const { u8, pos, size, trailer } = record;
  const body = u8.subarray(pos + 8, pos + Math.max(8, size - trailer));
  const { fileOffset } = record;
  return new ByteReader(body, true, `the ${what} record at offset ${fileOffset}`, fileOffset + 8);
}

function address(r: ByteReader): number {
  const low = r.u32();
  return addressOf(low, r.u32());
}

/** A u64 as a number: exact below 2^53, and for counts that is all of them. */
function count(r: ByteReader): number {
  return Number(r.u64());
}

/**
 * Bytes of a name that are kept: more than the kernel gives. A record has room for 65,000, and a name may be told once
 * and shown for every thread and every sample.
 */
const MAX_PATH = 4096, MAX_COMM = 256, MAX_KSYMBOL = 1024;

/** The string that fills the rest of the body, up to its NUL; of one longer than `most` bytes the start. */
function restString(r: ByteReader, most: number): string {
  return shortCString(r.slice(r.left), most);
}

/** A mapping that appeared in a process: PERF_RECORD_MMAP. */
export interface Mmap {
  /** -1 for the kernel's own. */
  pid: number;
  tid: number;
  /** First address, signed. */
  start: number;
  /** In bytes. */
  length: number;
  /** Offset in the file of the first byte; for the kernel's own map, an address. */
  pgoff: number;
  filename: string;
}

/** struct { u32 pid, tid; u64 addr, len, pgoff; char filename[]; } */
export function decodeMmap(record: RecordBytes): Mmap {
  const r = bodyOf(record, "MMAP");
  return {
    pid: r.i32(),
    tid: r.i32(),
    start: address(r),
    length: count(r),
    pgoff: address(r),
    filename: restString(r, MAX_PATH),
  };
}

/** PERF_RECORD_MMAP2: with protection, and the file's identity or build id. */
export interface Mmap2 extends Mmap {
  /** Device and inode; zero in the build id form. */
  maj: number;
  min: number;
  ino: bigint;
  inoGeneration: bigint;
  /** In hex; undefined in the inode form. */
  buildId?: string;
  /** PROT_READ 1, PROT_WRITE 2, PROT_EXEC 4. */
  prot: number;
  /** MAP_SHARED 1, MAP_PRIVATE 2 and so on. */
  flags: number;
}

/**
 * struct { u32 pid, tid; u64 addr, len, pgoff;
 *          union { struct { u32 maj, min; u64 ino, ino_generation; };
 *                  struct { u8 build_id_size; u8 res1; u16 res2; u8 build_id[20]; }; };  (MISC_MMAP_BUILD_ID)
 *          u32 prot, flags; char filename[]; }
 */
export function decodeMmap2(record: RecordBytes): Mmap2 {
  const r = bodyOf(record, "MMAP2");
  const map = {
    pid: r.i32(),
    tid: r.i32(),
    start: address(r),
    length: count(r),
    pgoff: address(r),
    maj: 0,
    min: 0,
    ino: 0n,
    inoGeneration: 0n,
    buildId: undefined as string | undefined,
  };
  const union = r.slice(24);
  if (record.misc & PERF_RECORD_MISC.MMAP_BUILD_ID && holdsBuildId(union)) {
    map.buildId = hex(union.subarray(4, 4 + union[0]));
  } else {
    const device = new ByteReader(union, r.littleEndian, "an MMAP2 record");
    map.maj = device.u32();
    map.min = device.u32();
    map.ino = device.u64();
    map.inoGeneration = device.u64();
  }
  return { ...map, prot: r.u32(), flags: r.u32(), filename: restString(r, MAX_PATH) };
}

/**
 * Whether it can be a build id: 1 to 20 bytes, zeros around them. The bit in `misc` alone does not say: while
 * somebody else records the same process with build ids, the kernel (6.18) sets it in the records of those who
 * asked for none, too, which have a device and an inode there.
 */
function holdsBuildId(union: Uint8Array): boolean {
  const size = union[0];
  return size > 0 && size <= 20 && union.subarray(1, 4).every((byte) => byte === 0) &&
    union.subarray(4 + size).every((byte) => byte === 0);
}

/** PERF_RECORD_COMM: a thread got a name. */
export interface Comm {
  pid: number;
  tid: number;
  comm: string;
  /** The name came with an exec (MISC_COMM_EXEC), which also replaced the process's mappings. */
  exec: boolean;
}

/** struct { u32 pid, tid; char comm[]; } */
export function decodeComm(record: RecordBytes): Comm {
  const r = bodyOf(record, "COMM");
  return {
    pid: r.i32(),
    tid: r.i32(),
    comm: restString(r, MAX_COMM),
    exec: (record.misc & PERF_RECORD_MISC.COMM_EXEC) !== 0,
  };
}

/** PERF_RECORD_FORK and PERF_RECORD_EXIT: a thread began or ended. */
export interface Task {
  pid: number;
  /** The parent's process. */
  ppid: number;
  tid: number;
  /** The parent's thread. */
  ptid: number;
  /** In ns of the recording's clock. */
  time: bigint;
}

/** struct { u32 pid, ppid; u32 tid, ptid; u64 time; } */
export function decodeTask(record: RecordBytes): Task {
  const r = bodyOf(record, "FORK or EXIT");
  return { pid: r.i32(), ppid: r.i32(), tid: r.i32(), ptid: r.i32(), time: r.u64() };
}

/** PERF_RECORD_READ: what an inherited event (`inherit_stat`) had counted in a thread, at the thread's end. */
export interface Read {
  pid: number;
  tid: number;
  value: bigint;
  /** ns that the event was enabled in the thread, and that it was counting; 0 where not asked for. */
  enabledNs: number;
  runningNs: number;
  /** The kernel's id of the event that the thread's was inherited from; 0 where not asked for. */
  id: bigint;
}

/** struct { u32 pid, tid; read_format of one event (see readSize) } */
export function decodeRead(record: RecordBytes, readFormat: number): Read {
  const r = bodyOf(record, "READ");
  const optional = (bit: number) => readFormat & bit ? r.u64() : 0n;
  return {
    pid: r.i32(),
    tid: r.i32(),
    value: r.u64(),
    enabledNs: Number(optional(PERF_FORMAT.TOTAL_TIME_ENABLED)),
    runningNs: Number(optional(PERF_FORMAT.TOTAL_TIME_RUNNING)),
    id: optional(PERF_FORMAT.ID),
  };
}

/** PERF_RECORD_LOST: the ring of an event had no room for `lost` records. */
export interface LostRecord {
  /** The kernel's id of the event. */
  id: bigint;
  lost: number;
}

/** struct { u64 id; u64 lost; } */
export function decodeLost(record: RecordBytes): LostRecord {
  const r = bodyOf(record, "LOST");
  return { id: r.u64(), lost: count(r) };
}

/** PERF_RECORD_LOST_SAMPLES: struct { u64 lost; }. Returns how many samples were lost. */
export function decodeLostSamples(record: RecordBytes): number {
  return count(bodyOf(record, "LOST_SAMPLES"));
}

/** PERF_RECORD_THROTTLE and _UNTHROTTLE: the kernel paused an event for sampling too fast, or resumed it. */
export interface Throttle {
  time: bigint;
  id: bigint;
  streamId: bigint;
}

/** struct { u64 time; u64 id; u64 stream_id; } */
export function decodeThrottle(record: RecordBytes): Throttle {
  const r = bodyOf(record, "THROTTLE");
  return { time: r.u64(), id: r.u64(), streamId: r.u64() };
}

/** PERF_RECORD_KSYMBOL: the kernel got or lost code at run time (BPF programs, ftrace trampolines). */
export interface Ksymbol {
  address: number;
  /** In bytes. */
  length: number;
  /** 1 is BPF, 2 is out of line (trampolines and the like). */
  ksymType: number;
  /** Bit 0: unregistered. */
  flags: number;
  name: string;
}

/** struct { u64 addr; u32 len; u16 ksym_type; u16 flags; char name[]; } */
export function decodeKsymbol(record: RecordBytes): Ksymbol {
  const r = bodyOf(record, "KSYMBOL");
  return {
    address: address(r),
    length: r.u32(),
    ksymType: r.u16(),
    flags: r.u16(),
    name: restString(r, MAX_KSYMBOL),
  };
}

/** PERF_RECORD_BPF_EVENT: a BPF program was loaded (type 1) or unloaded (2). */
export interface BpfEvent {
  type: number;
  flags: number;
  id: number;
  /** In hex, 16 digits. */
  tag: string;
}

/** struct { u16 type; u16 flags; u32 id; u8 tag[8]; } */
export function decodeBpfEvent(record: RecordBytes): BpfEvent {
  const r = bodyOf(record, "BPF_EVENT");
  return { type: r.u16(), flags: r.u16(), id: r.u32(), tag: hex(r.slice(8)) };
}

/** PERF_RECORD_NAMESPACES: what a thread sees, in the order net, uts, ipc, pid, user, mnt, cgroup. */
export interface Namespaces {
  pid: number;
  tid: number;
  links: { dev: bigint; inode: bigint }[];
}

/** struct { u32 pid, tid; u64 nr_namespaces; struct { u64 dev, inode; } link_info[nr_namespaces]; } */
export function decodeNamespaces(record: RecordBytes): Namespaces {
  const r = bodyOf(record, "NAMESPACES");
  const namespaces: Namespaces = { pid: r.i32(), tid: r.i32(), links: [] };
  const n = r.u64(); // a hostile count fails at the end of the record
  for (let i = 0n; i < n; i++) namespaces.links.push({ dev: r.u64(), inode: r.u64() });
  return namespaces;
}

/** PERF_RECORD_CGROUP: a control group that samples name by its id. */
export interface Cgroup {
  id: bigint;
  path: string;
}

/** struct { u64 id; char path[]; } */
export function decodeCgroup(record: RecordBytes): Cgroup {
  const r = bodyOf(record, "CGROUP");
  return { id: r.u64(), path: restString(r, MAX_PATH) };
}

/** PERF_RECORD_SWITCH (no body) and PERF_RECORD_SWITCH_CPU_WIDE. */
export interface Switch {
  /** The thread of the record was switched out, not in. */
  out: boolean;
  /** It was switched out although it could have run on. */
  preempted: boolean;
  /** The thread that runs next (out) or ran before (in); -1 in a PERF_RECORD_SWITCH. */
  otherPid: number;
  otherTid: number;
}

/** struct { [u32 next_prev_pid, next_prev_tid;] } */
export function decodeSwitch(record: RecordBytes): Switch {
  const r = bodyOf(record, "SWITCH");
  const wide = r.left >= 8;
  return {
    out: (record.misc & PERF_RECORD_MISC.SWITCH_OUT) !== 0,
    preempted: (record.misc & PERF_RECORD_MISC.SWITCH_OUT_PREEMPT) !== 0,
    otherPid: wide ? r.i32() : -1,
    otherTid: wide ? r.i32() : -1,
  };
}

/** PERF_RECORD_AUX: bytes arrived in the AUX area. */
export interface Aux {
  offset: bigint;
  /** In bytes. */
  size: bigint;
  /** PERF_AUX_FLAG_*: 1 truncated, 2 overwrite, 4 partial, 8 collision. */
  flags: bigint;
}

/** struct { u64 aux_offset; u64 aux_size; u64 flags; } */
export function decodeAux(record: RecordBytes): Aux {
  const r = bodyOf(record, "AUX");
  return { offset: r.u64(), size: r.u64(), flags: r.u64() };
}

/** PERF_RECORD_ITRACE_START: struct { u32 pid, tid; }. Instruction tracing of a thread began. */
export function decodeItraceStart(record: RecordBytes): { pid: number; tid: number } {
  const r = bodyOf(record, "ITRACE_START");
  return { pid: r.i32(), tid: r.i32() };
}

/** PERF_RECORD_AUX_OUTPUT_HW_ID: struct { u64 hw_id; }. */
export function decodeAuxOutputHwId(record: RecordBytes): bigint {
  return bodyOf(record, "AUX_OUTPUT_HW_ID").u64();
}

/** PERF_RECORD_TEXT_POKE: the kernel changed its own code. */
export interface TextPoke {
  address: number;
  oldBytes: Uint8Array;
  newBytes: Uint8Array;
}

/** struct { u64 addr; u16 old_len; u16 new_len; u8 bytes[]; } */
export function decodeTextPoke(record: RecordBytes): TextPoke {
  const r = bodyOf(record, "TEXT_POKE");
  const at = address(r);
  const oldLength = r.u16(), newLength = r.u16();
  return { address: at, oldBytes: r.slice(oldLength).slice(), newBytes: r.slice(newLength).slice() };
}
