/**
 * Decoders of the records other than samples, one for each on-disk struct. The C layout stands above each, without
 * the perf_event_header and the sample_id trailer, which all records have. These records are rare enough to become
 * plain objects. Layouts: the kernel's include/uapi/linux/perf_event.h.
 *
 * Each decoder takes the cursor that a RecordHandler gets, and throws BadInputError when the record is too short for
 * its struct.
 */

import { addressOf } from "../../base/bytes/address.ts";
import { PERF_FORMAT, PERF_RECORD_MISC } from "../../base/system/abi.ts";
import { ByteReader, shortCString } from "../../base/bytes/bytes.ts";
import type { RecordCursor } from "./cursor.ts";
import { RECORD_HEADER_SIZE } from "./attr_layout.ts";
import { hex } from "./features.ts";

/** Fields of a cursor that decoders use. */
export type RecordBytes = Pick<RecordCursor, "u8" | "pos" | "size" | "misc" | "trailer" | "fileOffset">;

/** Returns a reader of the record's body, between header and trailer, in this machine's byte order. */
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

/** Reads a u64 as a number: exact below 2^53, which is enough for all counts. */
function count(r: ByteReader): number {
  return Number(r.u64());
}

/**
 * Limits in bytes of the names that are kept, above what the kernel gives. A record has room for 65,000 bytes, and
 * one name may be shown for every thread and every sample.
 */
const MAX_PATH = 4096, MAX_COMM = 256, MAX_KSYMBOL = 1024;

/** Reads the string in the rest of the body, up to its NUL, and truncates it to `max` bytes. */
function restString(r: ByteReader, most: number): string {
  return shortCString(r.slice(r.left), most);
}

/** PERF_RECORD_MMAP: a process mapped a file. */
export interface Mmap {
  /** Process; -1 for the kernel. */
  pid: number;
  tid: number;
  /** First address, signed. */
  start: number;
  /** Length in bytes. */
  length: number;
  /** File offset of the first byte; an address for the kernel's own map. */
  pgoff: number;
  filename: string;
}

/** Decodes struct { u32 pid, tid; u64 addr, len, pgoff; char filename[]; }. */
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

/** PERF_RECORD_MMAP2: a mapping with its protection, and the file's identity or build id. */
export interface Mmap2 extends Mmap {
  /** Device, major number; 0 in the build id form, like the three fields below. */
  maj: number;
  min: number;
  ino: bigint;
  inoGeneration: bigint;
  /** Build id in hex; undefined in the inode form. */
  buildId?: string;
  /** Protection: PROT_READ 1, PROT_WRITE 2, PROT_EXEC 4. */
  prot: number;
  /** Flags: MAP_SHARED 1, MAP_PRIVATE 2 and so on. */
  flags: number;
}

/**
 * Decodes an MMAP2:
 *
 *     struct { u32 pid, tid; u64 addr, len, pgoff;
 *              union { struct { u32 maj, min; u64 ino, ino_generation; };
 *                      struct { u8 build_id_size; u8 res1; u16 res2; u8 build_id[20]; }; };  (MISC_MMAP_BUILD_ID)
 *              u32 prot, flags; char filename[]; }
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
 * Returns whether the union can hold a build id: a size of 1 to 20, with zeros around the id. The bit in `misc` is
 * not enough: while another recorder of the same process asks for build ids, the kernel (6.18) also sets the bit in
 * the records of those who did not, which have a device and an inode there.
 */
function holdsBuildId(union: Uint8Array): boolean {
  const size = union[0];
  return size > 0 && size <= 20 && union.subarray(1, 4).every((byte) => byte === 0) &&
    union.subarray(4 + size).every((byte) => byte === 0);
}

/** PERF_RECORD_COMM: a thread was named. */
export interface Comm {
  pid: number;
  tid: number;
  comm: string;
  /** True when the name came with an exec (MISC_COMM_EXEC), which also replaced the process's mappings. */
  exec: boolean;
}

/** Decodes struct { u32 pid, tid; char comm[]; }. */
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
  /** Process of the parent. */
  ppid: number;
  tid: number;
  /** Thread of the parent. */
  ptid: number;
  /** Time in ns of the recording's clock. */
  time: bigint;
}

/** Decodes struct { u32 pid, ppid; u32 tid, ptid; u64 time; }. */
export function decodeTask(record: RecordBytes): Task {
  const r = bodyOf(record, "FORK or EXIT");
  return { pid: r.i32(), ppid: r.i32(), tid: r.i32(), ptid: r.i32(), time: r.u64() };
}

/** PERF_RECORD_READ: count of an inherited event (`inherit_stat`) in a thread, when the thread ended. */
export interface Read {
  pid: number;
  tid: number;
  value: bigint;
  /** Time in ns that the event was enabled in the thread; 0 unless the read format has it. */
  enabledNs: number;
  /** Time in ns that the event was counting in the thread; 0 unless the read format has it. */
  runningNs: number;
  /** The kernel's id of the event that the thread inherited; 0 unless the read format has it. */
  id: bigint;
}

/** Decodes struct { u32 pid, tid; read_format of one event (see readSize) }. */
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

/** PERF_RECORD_LOST: the ring of an event was full, and `lost` records were dropped. */
export interface RingLoss {
  /** The kernel's id of the event. */
  id: bigint;
  lost: number;
}

/** Decodes struct { u64 id; u64 lost; }. */
export function decodeLost(record: RecordBytes): RingLoss {
  const r = bodyOf(record, "LOST");
  return { id: r.u64(), lost: count(r) };
}

/** Decodes a PERF_RECORD_LOST_SAMPLES, struct { u64 lost; }: the number of samples lost. */
export function decodeLostSamples(record: RecordBytes): number {
  return count(bodyOf(record, "LOST_SAMPLES"));
}

/**
 * Returns where the fields of a PERF_RECORD_CALLCHAIN_DEFERRED are, struct { u64 cookie; u64 nr; u64 ips[nr]; }: the
 * words of `u32` that the cookie is at, and that the addresses begin and end at. There are never more addresses than
 * the record has room for.
 */
export function deferredChainAt({ u32, pos, size, trailer }: RecordCursor): {
  cookie: number;
  from: number;
  to: number;
} {
  const cookie = (pos + RECORD_HEADER_SIZE) >>> 2, from = cookie + 4;
  const room = Math.max(0, (pos + size - trailer) / 4 - from);
  const count = u32[cookie + 3] === 0 ? 2 * u32[cookie + 2] : Infinity;
  return { cookie, from, to: from + Math.min(count, room) };
}

/** PERF_RECORD_THROTTLE and _UNTHROTTLE: the kernel paused an event that sampled too fast, or resumed it. */
export interface Throttle {
  time: bigint;
  id: bigint;
  streamId: bigint;
}

/** Decodes struct { u64 time; u64 id; u64 stream_id; }. */
export function decodeThrottle(record: RecordBytes): Throttle {
  const r = bodyOf(record, "THROTTLE");
  return { time: r.u64(), id: r.u64(), streamId: r.u64() };
}

/** PERF_RECORD_KSYMBOL: code was added to or removed from the kernel at run time (BPF programs, ftrace trampolines). */
export interface Ksymbol {
  address: number;
  /** Length in bytes. */
  length: number;
  /** Kind of symbol: 1 is BPF, 2 is out of line (trampolines and the like). */
  ksymType: number;
  /** Flags; bit 0: the symbol was removed. */
  flags: number;
  name: string;
}

/** Decodes struct { u64 addr; u32 len; u16 ksym_type; u16 flags; char name[]; }. */
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
