/**
 * Typed API of the shim: events and descriptors here, rings in drain.ts, children in child.ts, all of it exported from
 * here. It is deliberately thin: callers, who know the user's intent, explain failures to the user. Functions throw
 * PmuError with the errno, and UnsupportedError when there is no usable shim.
 */

import { CLOCK } from "../lib/base/system/numbers.ts";
import { addressFromBigint } from "../lib/base/bytes/address.ts";
import { toCString } from "../lib/base/bytes/bytes.ts";
import { ERRNO } from "../lib/base/system/errno.ts";
import { shim } from "./load.ts";
import { checked, checkedSize } from "./result.ts";

export { PmuError } from "../lib/base/system/errno.ts";
export { Drain, type DrainOptions, type LostRecord, type RingStats, type SeenRecords } from "./drain.ts";
export type { RingPass, RingRange, RingTaker } from "./ring_pass.ts";
export { FlightRings, type FlightStats } from "./flight.ts";
export {
  Child,
  type Exit,
  kill,
  type ResourceUsage,
  spawn,
  type SpawnOptions,
  type TimedExit,
} from "./child.ts";
export { TimeLimit } from "./time_limit.ts";

/** Task and CPU that an event counts on: the arguments of perf_event_open(2) with these names. */
export interface EventLocation {
  /** Thread id; 0 is the calling thread, -1 every process on `cpu`. */
  pid: number;
  /** CPU number; -1 is wherever `pid` runs. */
  cpu: number;
  /** Leader of the group to join; -1, the default, starts one. */
  groupFd?: number;
}

/**
 * Opens an event; returns its descriptor, or -errno. `attr` holds a perf_event_attr of as many bytes as its `size`
 * field says; on -E2BIG that field then holds the size that the kernel knows.
 */
export function tryOpen(attr: Uint8Array<ArrayBuffer>, place: EventLocation): number {
  const size = new DataView(attr.buffer, attr.byteOffset, attr.byteLength).getUint32(4, true);
  if (size > attr.length) throw new RangeError(`perf_event_attr.size is ${size} in ${attr.length} bytes`);
  return shim().pmu_open(attr, place.pid, place.cpu, place.groupFd ?? -1, 0);
}

/** Closes an event. */
export function closeEvent(fd: number): void {
  closeFd(fd);
}

/** Closes a descriptor of this module: an event, a file, an end of a pipe. */
export function closeFd(fd: number): void {
  checked("close", shim().pmu_close(fd));
}

/**
 * Reads the counts of an event or its group, as its read_format lays them out. Returns the number of values: 0 for a
 * pinned event that could not stay on its counter. Throws ENOSPC when `into` is too small.
 */
export function readCounts(fd: number, into: BigUint64Array<ArrayBuffer>): number {
  return checkedSize("read", shim().pmu_read(fd, into, BigInt(into.byteLength))) / 8;
}

/** Returns the width in bits of an event's hardware counter; 0 when the kernel does not tell user space. */
export function counterWidth(fd: number): number {
  return checked("mmap", shim().pmu_width(fd));
}

/** Machine code of one function of a BPF program. */
export interface BpfCode {
  /** Start address, signed (lib/base/bytes/address.ts). */
  start: number;
  /** Length in bytes. */
  length: number;
}

/**
 * Returns the code of all loaded BPF programs, ordered by program id; functions whose address the kernel hides are left
 * out. Throws PmuError with EPERM without CAP_SYS_ADMIN.
 */
export function bpfCode(): BpfCode[] {
  const code: BpfCode[] = [];
  const id = new Uint32Array(1);
  for (let capacity = 64;;) {
    const after = id[0];
    const starts = new BigUint64Array(capacity), lengths = new Uint32Array(capacity);
    const result = shim().pmu_bpf_code(id, starts, lengths, capacity);
    if (result === -ERRNO.ENOENT) return code;
    const count = checked("bpf", result);
    if (count > capacity) {
      // retry with room for all
      capacity = count;
      id[0] = after;
      continue;
    }
    for (let i = 0; i < count; i++) {
      if (starts[i] !== 0n) code.push({ start: addressFromBigint(starts[i]), length: lengths[i] });
    }
  }
}

/** Starts counting, in the event or its whole group. */
export function enable(fd: number, group = false): void {
  checked("PERF_EVENT_IOC_ENABLE", shim().pmu_enable(fd, Number(group)));
}

/** Stops counting, in the event or its whole group; the counts stay. */
export function disable(fd: number, group = false): void {
  checked("PERF_EVENT_IOC_DISABLE", shim().pmu_disable(fd, Number(group)));
}

/** Sets the count to 0, in the event or its whole group; the times enabled and running stay. */
export function reset(fd: number, group = false): void {
  checked("PERF_EVENT_IOC_RESET", shim().pmu_reset(fd, Number(group)));
}

/** Enables a sampling event for `n` more samples, after which it is disabled. */
export function refresh(fd: number, n: number): void {
  checked("PERF_EVENT_IOC_REFRESH", shim().pmu_refresh(fd, n));
}

/** Sets the sampling period, or the frequency in Hz of an event opened with `freq`. */
export function setPeriod(fd: number, period: bigint): void {
  checked("PERF_EVENT_IOC_PERIOD", shim().pmu_period(fd, period));
}

/** Returns the id by which samples and group reads identify the event. */
export function eventId(fd: number): bigint {
  const id = new BigUint64Array(1);
  checked("PERF_EVENT_IOC_ID", shim().pmu_id(fd, id));
  return id[0];
}

/** Sends the event's records to the ring of `targetFd`; -1 undoes it. */
export function setOutput(fd: number, targetFd: number): void {
  checked("PERF_EVENT_IOC_SET_OUTPUT", shim().pmu_set_output(fd, targetFd));
}

/** Sets a tracepoint's filter expression, such as `prev_pid == 1`. */
export function setFilter(fd: number, filter: string): void {
  checked("PERF_EVENT_IOC_SET_FILTER", shim().pmu_set_filter(fd, toCString(filter)));
}

/**
 * Creates or truncates a file, open for reading and writing. `mode` is its permissions, less the umask. The file stays
 * locked while it is open: EAGAIN when another process has created it in this way and has it open.
 */
export function createFile(path: string, mode = 0o600): number {
  return checked("open", shim().pmu_create(toCString(path), mode));
}

/**
 * Creates a file without a name in a folder. It disappears when it is closed unless `nameFile()` names it; it is locked
 * as by `createFile()`. Throws PmuError, also where the file system has no such files.
 */
export function createUnnamed(folder: string, mode = 0o600): number {
  return checked("open", shim().pmu_create_nameless(toCString(folder), mode));
}

/** Gives a file of `createUnnamed()` its name. Throws PmuError: EEXIST when the name is taken. */
export function nameFile(fd: number, path: string): void {
  checked("linkat", shim().pmu_name(fd, toCString(path)));
}

/** Opens an existing file to lock it as `createFile()` does. */
export function lockFile(path: string): number {
  return checked("flock", shim().pmu_lock(toCString(path)));
}

/** Opens a FIFO for writing. Throws PmuError: ENXIO when nobody has it open for reading. */
export function openFifo(path: string): number {
  return checked("open", shim().pmu_open_fifo(toCString(path)));
}

/** Opens a regular file for reading. Throws PmuError: EINVAL when it is none. */
export function openInputFile(path: string): number {
  return checked("open", shim().pmu_open_input(toCString(path)));
}

/** Creates a pipe, for a drain whose records are read by this process; children inherit neither end. */
export function makePipe(): { readFd: number; writeFd: number } {
  const fds = new Int32Array(2);
  checked("pipe", shim().pmu_pipe(fds));
  return { readFd: fds[0], writeFd: fds[1] };
}

/** Waits for bytes from a pipe, off the main thread. Returns the number of bytes, 0 at the end. */
export async function readPipe(fd: number, into: Uint8Array<ArrayBuffer>): Promise<number> {
  const n = await shim().pmu_read_waiting(fd, into, BigInt(into.length));
  return Math.min(checkedSize("read", n), into.length); // `into` is used here, so it outlives the call
}

/** Writes all of `bytes` at the descriptor's position. */
export function writeAll(fd: number, bytes: Uint8Array<ArrayBuffer>): void {
  checkedSize("write", shim().pmu_write(fd, bytes, BigInt(bytes.length)));
}

/** Writes all of `bytes` at `offset` of a file, whose position does not change. */
export function writeAt(fd: number, bytes: Uint8Array<ArrayBuffer>, offset: number): void {
  checkedSize("write", shim().pmu_write_at(fd, bytes, BigInt(bytes.length), BigInt(offset)));
}

/** Truncates or extends a file to `length` bytes. Throws PmuError: EINVAL for anything but a file. */
export function truncate(fd: number, length: number): void {
  checked("ftruncate", shim().pmu_truncate(fd, BigInt(length)));
}

/**
 * Makes later writes to an empty file overwrite its blocks in place, even on a copy-on-write file system, so that the
 * file can be changed on a full disk. Returns whether a flag had to be set for that. Throws PmuError.
 */
export function overwriteInPlace(fd: number): boolean {
  return checked("FS_IOC_SETFLAGS", shim().pmu_overwrite_in_place(fd)) === 1;
}

/**
 * Moves the descriptor's position, relative to the start, the current position or the end. Returns the new position.
 */
export function seek(fd: number, offset: number, from: "start" | "current" | "end" = "start"): number {
  const whence = { start: 0, current: 1, end: 2 }[from];
  return checkedSize("lseek", shim().pmu_seek(fd, BigInt(offset), whence));
}

/**
 * Raises the limit on open files to the hard limit, and to `want` where this user may. Returns the limit, which may be
 * less than `want`; Infinity where a seccomp filter prevents reading it.
 */
export function raiseFileLimit(want = 0): number {
  const allowed = Number(shim().pmu_rlimit_nofile(BigInt(want)));
  if (allowed === -ERRNO.EPERM || allowed === -ERRNO.ENOSYS) return Infinity;
  return checked("setrlimit", allowed);
}

/** Returns the page size in bytes, the unit of rings: 4096 on x86_64, up to 65536 on aarch64. */
export function pageSize(): number {
  return checked("sysconf", shim().pmu_page_size());
}

/** Returns the time in ns of CLOCK_MONOTONIC, the clock that counts and records of `bind` are stamped with. */
export function monotonicNs(): bigint {
  return clockNs(CLOCK.MONOTONIC);
}

/** Returns the time of a clock in ns. `clockid` is one of CLOCK, as in perf_event_attr. */
export function clockNs(clockid: number): bigint {
  const ns = shim().pmu_clock_ns(clockid);
  if (ns < 0n) checkedSize("clock_gettime", ns);
  return ns;
}

/** Returns the resolution of a clock in ns: 1 where the kernel has high-resolution timers. */
export function clockResolutionNs(clockid: number): bigint {
  const ns = shim().pmu_clock_res_ns(clockid);
  if (ns < 0n) checkedSize("clock_getres", ns);
  return ns;
}
