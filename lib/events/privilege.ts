/** Permissions of this process: limits of the kernel on perf events, and the capabilities that override them. */

import { parseCpuList } from "../base/text/cpu_list.ts";
import { procField, procMask } from "../base/text/proc_text.ts";
import type { EventAttr } from "./attr.ts";
import { hostFiles, type KernelFiles, readIfAllowed, readNumber } from "./files.ts";

const CAP_IPC_LOCK = 14n;
const CAP_SYS_ADMIN = 21n;
const CAP_PERFMON = 38n;

/** File of the kernel's limit. */
const PARANOID_PATH = "/proc/sys/kernel/perf_event_paranoid";

/** Permissions of a process for perf_event_open(2). */
export interface Privilege {
  /** Value of kernel.perf_event_paranoid; undefined when it cannot be read (no perf events, or no /proc). */
  paranoid?: number;
  /** Whether it has CAP_PERFMON or CAP_SYS_ADMIN, so that perf_event_paranoid does not apply. */
  capable: boolean;
  /** Whether a seccomp filter is active, as in most containers. */
  seccomp: boolean;
}

/** The map of the user namespace that a machine starts with: all ids, each to itself. */
const ALL_IDS = "0 0 4294967295";

/**
 * Returns whether capabilities of this process count for the kernel's perf events: those of a user namespace
 * of its own (a rootless container, `unshare -Ur`) do not.
 */
function isInitialUserNamespace(files: KernelFiles): boolean {
  const map = readIfAllowed(files, "/proc/self/uid_map");
  return map === undefined || map.trim().split(/\s+/).join(" ") === ALL_IDS;
}

/** Returns the effective capabilities of this process, given its /proc/self/status, as the kernel's perf events see them. */
function effectiveCapabilities(files: KernelFiles, status: string): bigint {
  return isInitialUserNamespace(files) ? procMask(status, "CapEff") : 0n;
}

/** Reads the permissions of this process. */
export function readPrivilege(files: KernelFiles = hostFiles): Privilege {
  const status = readIfAllowed(files, "/proc/self/status") ?? "";
  const effective = effectiveCapabilities(files, status);
  const paranoid = readNumber(files, PARANOID_PATH);
  return {
    ...(paranoid === undefined ? {} : { paranoid }),
    capable: ((effective >> CAP_PERFMON) | (effective >> CAP_SYS_ADMIN)) % 2n === 1n,
    seccomp: procField(status, "Seccomp") === "2",
  };
}

/**
 * Returns the bytes of rings that this process may lock, with the page in front of each; Infinity without a limit, or
 * where it cannot be read. As in the kernel's perf_mmap() (kernel/events/core.c): kernel.perf_event_mlock_kb for each CPU
 * and user, assuming that the user has no other rings, and ulimit -l for the process. CAP_IPC_LOCK and a
 * perf_event_paranoid of -1 lift the limit.
 */
export function lockableRingBytes(files: KernelFiles = hostFiles): number {
  const status = readIfAllowed(files, "/proc/self/status") ?? "";
  const ofEachCpuKb = readNumber(files, "/proc/sys/kernel/perf_event_mlock_kb");
  const [, ofProcess] = /^Max locked memory +(\d+) /m.exec(readIfAllowed(files, "/proc/self/limits") ?? "") ??
    [];
  if (ofEachCpuKb === undefined || ofProcess === undefined) return Infinity;
  if ((readNumber(files, PARANOID_PATH) ?? 2) < 0) return Infinity;
  if ((effectiveCapabilities(files, status) >> CAP_IPC_LOCK) % 2n === 1n) return Infinity;
  const cpus = parseCpuList(readIfAllowed(files, "/sys/devices/system/cpu/online") ?? "").length;
  const pinned = parseInt(procField(status, "VmPin") ?? "0") * 1024;
  return ofEachCpuKb * 1024 * cpus + Math.max(0, Number(ofProcess) - pinned);
}

/**
 * Returns the largest perf_event_paranoid at which an unprivileged process may open the event (the kernel's
 * perf_allow_cpu(), perf_allow_kernel() and perf_allow_tracepoint()): 0 for a whole CPU, 1 with the kernel's side, 2
 * for its own user space. Some distributions' kernels have a level 3 that allows nothing.
 */
export function paranoidNeeded(attr: EventAttr, wholeCpu: boolean): number {
  if (wholeCpu) return 0;
  return attr.flags.has("excludeKernel") ? 2 : 1;
}

/** Returns a copy of the attr that excludes kernel and hypervisor, as `:u` does. */
export function restrictToUser(attr: EventAttr): EventAttr {
  const flags = new Set(attr.flags);
  flags.add("excludeKernel").add("excludeHv");
  return { ...attr, flags };
}
