/** Permissions of this process: the kernel's perf_event_paranoid, and the capabilities that override it. */

import { procField, procMask } from "../base/text/proc_text.ts";
import type { EventAttr } from "./attr.ts";
import { hostFiles, type KernelFiles, readIfAllowed, readNumber } from "./files.ts";

const CAP_SYS_ADMIN = 21n;
const CAP_PERFMON = 38n;

/** File of the kernel's limit. */
export const PARANOID_PATH = "/proc/sys/kernel/perf_event_paranoid";

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

/** Reads the permissions of this process. */
export function readPrivilege(files: KernelFiles = hostFiles): Privilege {
  const status = readIfAllowed(files, "/proc/self/status") ?? "";
  const effective = isInitialUserNamespace(files) ? procMask(status, "CapEff") : 0n;
  const paranoid = readNumber(files, PARANOID_PATH);
  return {
    ...(paranoid === undefined ? {} : { paranoid }),
    capable: ((effective >> CAP_PERFMON) | (effective >> CAP_SYS_ADMIN)) % 2n === 1n,
    seccomp: procField(status, "Seccomp") === "2",
  };
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
