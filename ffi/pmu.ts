/**
 * The shim's typed API: events and descriptors here, rings in drain.ts, children in child.ts, all of
 * it exported from here. Thin on purpose: what a refusal means to the user is said by the callers, who
 * know what was wanted. Functions throw PmuError, with the errno, and UnsupportedError when there is no
 * usable shim.
 */

import { addressFromBigint } from "../lib/base/bytes/address.ts";
import { toCString } from "../lib/base/bytes/bytes.ts";
import { ERRNO } from "../lib/base/system/errno.ts";
import { shim } from "./load.ts";
import { checked, checkedSize } from "./result.ts";

export { PmuError } from "../lib/base/system/errno.ts";
export { Drain, type DrainOptions, type LostRecord, type RingStats, type SeenRecords } from "./drain.ts";
export { FlightRings, type FlightStats } from "./flight.ts";
export {
  Child,
  type Exit,
  kill,
  type ResourceUsage,
  spawn,
  type SpawnOptions,
  type TimedExit,
  TimeLimit,
} from "./child.ts";

/** Where an event counts: perf_event_open(2)'s arguments of the same names. */
export interface EventLocation {
  /** A thread; 0 is the calling one, -1 every process on `cpu`. */
  pid: number;
  /** A CPU; -1 is wherever `pid` runs. */
  cpu: number;
  /** The leader of the group to join; -1, the default, starts one. */
  groupFd?: number;
  /** PERF_FLAG.* bits. FD_CLOEXEC is always added. */
  flags?: number;
}

/**
 * Opens an event; returns its descriptor, or -errno. `attr` holds a perf_event_attr of as many bytes as
 * its `size` field says; on -E2BIG that field then holds the size which the kernel knows.
 */
export function tryOpen(attr: Uint8Array<ArrayBuffer>, place: EventLocation): number {
  const size = new DataView(attr.buffer, attr.byteOffset, attr.byteLength).getUint32(4, true);
  if (size > attr.length) throw new RangeError(`perf_event_attr.size is ${size} in ${attr.length} bytes`);
  return shim().pmu_open(attr, place.pid, place.cpu, place.groupFd ?? -1, place.flags ?? 0);
}

/** tryOpen that throws PmuError. */
export function openEvent(attr: Uint8Array<ArrayBuffer>, place: EventLocation): number {
  return checked("perf_event_open", tryOpen(attr, place));
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
 * Reads the counts of an event, or of its group, as its read_format lays them out. Returns how many
 * numbers were filled: 0 for a pinned event that could not stay on its counter. `into` that is too small
 * gives ENOSPC.
 */
export function readCounts(fd: number, into: BigUint64Array<ArrayBuffer>): number {
  return checkedSize("read", shim().pmu_read(fd, into, BigInt(into.byteLength))) / 8;
}

/** The width in bits of an event's hardware counter; 0 when the kernel does not tell user space. */
export function counterWidth(fd: number): number {
  return checked("mmap", shim().pmu_width(fd));
}

/** One function of a BPF program as the kernel compiled it. */
export interface BpfCode {
  /** Signed (lib/base/bytes/address.ts). */
  start: number;
  /** In bytes. */
  length: number;
}

/**
 * The code of all loaded BPF programs, in the order of their ids; of functions whose address the kernel tells. Throws
 * PmuError with EPERM without CAP_SYS_ADMIN.
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
      // once more, with room for all
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

/** The id by which samples and group reads name the event. */
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
 * Makes or empties a file, open for reading and writing. `mode` is its permissions, less the umask. It stays locked
 * while it is open: EAGAIN when another process has made it in this way and has it open.
 */
export function createFile(path: string, mode = 0o600): number {
  return checked("open", shim().pmu_create(toCString(path), mode));
}

/**
 * Makes a file in a folder that has no name until `nameFile()`, and is gone without one when it is closed, locked as by
 * `createFile()`. Throws PmuError, also where the file system has no such files.
 */
export function createUnnamed(folder: string, mode = 0o600): number {
  return checked("open", shim().pmu_create_nameless(toCString(folder), mode));
}

/** Gives a file of `createUnnamed()` its name. Throws PmuError: EEXIST when something has that name. */
export function nameFile(fd: number, path: string): void {
  checked("linkat", shim().pmu_name(fd, toCString(path)));
}

/** Opens a file that is there to lock it in the same way. */
export function lockFile(path: string): number {
  return checked("flock", shim().pmu_lock(toCString(path)));
}

/** Opens a FIFO to write to it. Throws PmuError: ENXIO when nobody has it open to read. */
export function openFifo(path: string): number {
  return checked("open", shim().pmu_open_fifo(toCString(path)));
}

/** A pipe, for a drain whose records are read here; neither end is passed on to children. */
export function makePipe(): { readFd: number; writeFd: number } {
  const fds = new Int32Array(2);
  checked("pipe", shim().pmu_pipe(fds));
  return { readFd: fds[0], writeFd: fds[1] };
}

/** Waits for bytes from a pipe, off the main thread. Returns how many came, 0 at the end. */
export async function readPipe(fd: number, into: Uint8Array<ArrayBuffer>): Promise<number> {
  const n = await shim().pmu_read_waiting(fd, into, BigInt(into.length));
  return Math.min(checkedSize("read", n), into.length); // used here, so that it outlives the call
}

/** Writes all of `bytes` at the descriptor's position. */
export function writeAll(fd: number, bytes: Uint8Array<ArrayBuffer>): void {
  checkedSize("write", shim().pmu_write(fd, bytes, BigInt(bytes.length)));
}

/** Writes all of `bytes` at that offset of a file, whose position stays where it is. */
export function writeAt(fd: number, bytes: Uint8Array<ArrayBuffer>, offset: number): void {
  checkedSize("write", shim().pmu_write_at(fd, bytes, BigInt(bytes.length), BigInt(offset)));
}

/** Makes a file end at `length`. Throws PmuError: EINVAL for what is no file. */
export function truncate(fd: number, length: number): void {
  checked("ftruncate", shim().pmu_truncate(fd, BigInt(length)));
}

/**
 * Has an empty file's bytes overwritten where they lie, also on a file system that would write them anew elsewhere, so
 * that what is in the file can be changed when the disk is full. Tells whether that had to be asked for. Throws PmuError.
 */
export function overwriteInPlace(fd: number): boolean {
  return checked("FS_IOC_SETFLAGS", shim().pmu_overwrite_in_place(fd)) === 1;
}

/** Moves the descriptor's position: `from` the start, the present position or the end. Returns it. */
export function seek(fd: number, offset: number, from: "start" | "current" | "end" = "start"): number {
  const whence = { start: 0, current: 1, end: 2 }[from];
  return checkedSize("lseek", shim().pmu_seek(fd, BigInt(offset), whence));
}

/**
 * Allows as many open files as the hard limit does, and `want` where this user may raise that. Returns how
 * many are allowed, which may be fewer than `want`; Infinity where a seccomp filter keeps that from us.
 */
export function raiseFileLimit(want = 0): number {
  const allowed = Number(shim().pmu_rlimit_nofile(BigInt(want)));
  if (allowed === -ERRNO.EPERM || allowed === -ERRNO.ENOSYS) return Infinity;
  return checked("setrlimit", allowed);
}

/** The size of a page in bytes, the unit of rings: 4096 on x86_64, up to 65536 on aarch64. */
export function pageSize(): number {
  return checked("sysconf", shim().pmu_page_size());
}

/** The time of a clock in ns. `clockid` as in perf_event_attr: 1 is CLOCK_MONOTONIC. */
export function clockNs(clockid: number): bigint {
  const ns = shim().pmu_clock_ns(clockid);
  if (ns < 0n) checkedSize("clock_gettime", ns);
  return ns;
}

/** What the time of a clock goes up by, in ns: 1 where the kernel has high-resolution timers. */
export function clockResolutionNs(clockid: number): bigint {
  const ns = shim().pmu_clock_res_ns(clockid);
  if (ns < 0n) checkedSize("clock_getres", ns);
  return ns;
}
