/**
 * Advice about refusals of perf_event_open(2). The causes are those of the kernel's kernel/events/core.c,
 * hw_breakpoint.c and arch/x86/events.
 */

import { PERF_SAMPLE, PERF_TYPE } from "../base/system/abi.ts";
import { ERRNO, errnoName, errnoText } from "../base/system/errno.ts";
import { type Advice, UnsupportedError } from "../base/system/errors.ts";
import type { EventAttr } from "./attr.ts";
import { happensInKernel } from "./catalog.ts";
import { paranoidNeeded, type Privilege } from "./privilege.ts";

/** Attempt to open an event. */
export interface OpenAttempt {
  /** Name of the event, as the user knows it. */
  eventName: string;
  /** Target: `pid 412`, `CPU 3`, `this process`. */
  target: string;
  /** Whether the event is opened on a CPU for whatever runs there (pid -1). */
  wholeCpu: boolean;
  attr: EventAttr;
  privilege: Privilege;
  /** Whether this machine has a hardware PMU of the CPU. */
  hasCorePmu: boolean;
  /** kernel.perf_event_max_sample_rate, when known. */
  maxSampleRate?: number;
}

/** Advice whose remedy may be a single command. */
export interface OpenAdvice extends Advice {
  /** Shell command that fixes the problem. */
  command?: string;
}

type Reason = Omit<OpenAdvice, "attempt">;

/** Returns the error to throw for a refused perf_event_open; `errno` is positive. */
export function openError(errno: number, attempt: OpenAttempt): UnsupportedError {
  return new UnsupportedError(adviseOpen(errno, attempt), errno);
}

/** Returns advice for the user about a refused perf_event_open; `errno` is positive. */
export function adviseOpen(errno: number, attempt: OpenAttempt): OpenAdvice {
  const { eventName, target, attr } = attempt;
  const verb = attr.samplePeriod > 0n ? "sample" : "count";
  const reason = REASONS[errno]?.(attempt) ??
    {
      cause: `perf_event_open failed: ${errnoText(errno)} (${errnoName(errno)})`,
      remedy: "see 'man perf_event_open'",
    };
  return { attempt: `${verb} ${eventName} on ${target}`, ...reason };
}

const LIST = "see 'pmuctl list-events --available'";

const REASONS: Record<number, (attempt: OpenAttempt) => Reason> = {
  [ERRNO.EPERM]: (a) => permission(a, ERRNO.EPERM),
  [ERRNO.EACCES]: (a) => permission(a, ERRNO.EACCES),
  [ERRNO.ENOENT]: noSuchEvent,
  [ERRNO.ESRCH]: () => ({
    cause: "there is no such process or thread",
    remedy: "it may have ended: check with ps",
  }),
  [ERRNO.ENXIO]: noSuchEvent,
  [ERRNO.E2BIG]: () => ({
    cause: "this kernel is too old for a requested field of perf_event_attr",
    remedy: "leave out the option that needs it, or use a newer kernel",
  }),
  [ERRNO.ENOMEM]: () => ({
    cause: "the kernel is out of memory",
    remedy: "open fewer events, or free some memory",
  }),
  [ERRNO.EBUSY]: () => ({
    cause: "the PMU is in use by a pinned or exclusive event",
    remedy: "stop other profilers, or on x86 the NMI watchdog: sudo sysctl kernel.nmi_watchdog=0",
  }),
  [ERRNO.ENODEV]: noDevice,
  [ERRNO.EINVAL]: invalid,
  [ERRNO.ENFILE]: () => ({
    cause: "the system is out of file handles",
    remedy: "raise fs.file-max, or open fewer events",
  }),
  [ERRNO.EMFILE]: () => ({
    cause: "this process has too many open files; an event takes one for each CPU and thread",
    remedy: "raise the limit with ulimit -n, or measure fewer events, CPUs or threads",
  }),
  [ERRNO.ENOSPC]: () => ({
    cause: "no hardware breakpoint is free",
    remedy: "use fewer mem: events, or stop the debugger that holds them",
  }),
  [ERRNO.ENOSYS]: () => ({
    cause:
      "perf_event_open is not available: a seccomp filter hides it, or the kernel has no CONFIG_PERF_EVENTS",
    remedy: "in a container, use --security-opt seccomp=unconfined; else use a kernel with perf events",
  }),
  [ERRNO.EOVERFLOW]: () => ({
    cause: "the requested call chains are longer than kernel.perf_event_max_stack",
    remedy: "raise it with sudo sysctl kernel.perf_event_max_stack=N",
  }),
  [ERRNO.EOPNOTSUPP]: notSupported,
};

/** Explains EACCES, which perf_event_paranoid causes, and EPERM, which seccomp filters cause. */
function permission({ attr, wholeCpu, privilege, eventName }: OpenAttempt, errno: number): Reason {
  const { paranoid, capable, seccomp } = privilege;
  const denied = errnoText(errno);
  const needed = paranoidNeeded(attr, wholeCpu);
  const filtered = seccomp && errno === ERRNO.EPERM && attr.type !== PERF_TYPE.TRACEPOINT;
  if (!filtered && !capable && paranoid !== undefined && paranoid > needed) {
    const command = `sudo sysctl kernel.perf_event_paranoid=${needed}`;
    const userAlone = needed === 1 && attr.type <= PERF_TYPE.BREAKPOINT && !happensInKernel(attr);
    const less = userAlone ? `, or leave out the kernel with ${withUserModifier(eventName)}` : "";
    return {
      cause: `${denied} (perf_event_paranoid is ${paranoid})`,
      remedy: `run as root or with CAP_PERFMON, or: ${command}${less}`,
      command,
    };
  }
  const rawTracepoint = attr.type === PERF_TYPE.TRACEPOINT && (attr.sampleType & PERF_SAMPLE.RAW) !== 0;
  if (!capable && rawTracepoint && (paranoid ?? 2) > -1) {
    const command = "sudo sysctl kernel.perf_event_paranoid=-1";
    return {
      cause:
        `${denied}: a tracepoint's data is only for privileged users (perf_event_paranoid is ${paranoid})`,
      remedy: `run as root or with CAP_PERFMON, or: ${command}`,
      command,
    };
  }
  if (!capable && (attr.sampleType & PERF_SAMPLE.PHYS_ADDR) !== 0) {
    return {
      cause:
        `${denied}: physical addresses are only for privileged users (perf_event_paranoid is ${paranoid})`,
      remedy: "run as root or with CAP_PERFMON, or leave out --phys-data",
    };
  }
  if (seccomp) {
    return {
      cause: `${denied}: a seccomp filter is on this process, as in most containers`,
      remedy: "start the container with --cap-add PERFMON --security-opt seccomp=unconfined",
    };
  }
  return capable
    ? { cause: `${denied} by a security module or kernel lockdown`, remedy: "see 'dmesg' for its reason" }
    : { cause: `${denied}: the process is another user's`, remedy: "run as that user or as root" };
}

/** Adds the `u` modifier to an event's name: `cycles:u`, `cpu/event=0x3c/u`. */
export function withUserModifier(name: string): string {
  if (/\/[ukhIGHpPSDWe]*$/.test(name)) return `${name}u`;
  return /:[ukhIGHpPSDWe]+$/.test(name) ? `${name}u` : `${name}:u`;
}

const HARDWARE_TYPES: readonly number[] = [PERF_TYPE.HARDWARE, PERF_TYPE.HW_CACHE, PERF_TYPE.RAW];

function noSuchEvent({ attr, hasCorePmu }: OpenAttempt): Reason {
  if (attr.type === PERF_TYPE.TRACEPOINT) {
    return { cause: "the kernel has no such tracepoint", remedy: "see 'pmuctl list-events'" };
  }
  if (HARDWARE_TYPES.includes(attr.type) && !hasCorePmu) {
    return {
      cause: "this machine has no hardware PMU (most likely a virtual machine without a vPMU)",
      remedy: "use cpu-clock, or give the virtual machine a PMU",
    };
  }
  return { cause: "this CPU or kernel does not have the event", remedy: LIST };
}

/** Explains ENODEV: an offline CPU, or a feature that the CPU lacks. */
function noDevice(attempt: OpenAttempt): Reason {
  if (!attempt.wholeCpu) return noSuchEvent(attempt);
  return {
    cause: `${attempt.target} is offline, or its PMU does not have the event`,
    remedy: "leave out the CPU: /sys/devices/system/cpu/online lists those that are online",
  };
}

/** Explains EOPNOTSUPP. */
function notSupported({ attr }: OpenAttempt): Reason {
  if (attr.preciseIp > 0) {
    return {
      cause: `the PMU cannot sample it with precision ${attr.preciseIp}`,
      remedy: `use fewer p modifiers, or none`,
    };
  }
  if (attr.samplePeriod > 0n) {
    return {
      cause: "its PMU has no interrupt to sample with",
      remedy: "sample cpu-clock instead, or count the event with 'pmuctl bind'",
    };
  }
  return { cause: "its PMU does not support the requested settings", remedy: LIST };
}

function invalid(attempt: OpenAttempt): Reason {
  const { attr, wholeCpu, maxSampleRate } = attempt;
  if (attr.flags.has("freq") && maxSampleRate !== undefined && attr.samplePeriod > BigInt(maxSampleRate)) {
    return {
      cause:
        `${attr.samplePeriod} samples per second exceed kernel.perf_event_max_sample_rate (${maxSampleRate})`,
      remedy:
        `use -F ${maxSampleRate} or less, or: sudo sysctl kernel.perf_event_max_sample_rate=${attr.samplePeriod}`,
    };
  }
  if (attr.type === PERF_TYPE.BREAKPOINT) {
    return {
      cause: "the kernel refuses this breakpoint: its address, length and access do not fit together",
      remedy: "align the address to a length of 1, 2, 4 or 8 bytes; an execution breakpoint is mem:ADDRESS:x",
    };
  }
  if (attr.type > PERF_TYPE.BREAKPOINT) {
    const excludes = attr.flags.has("excludeKernel") || attr.flags.has("excludeUser");
    if (excludes) {
      return {
        cause: "its PMU cannot separate user space from the kernel",
        remedy: "leave out the modifiers",
      };
    }
    if (!wholeCpu) return { cause: "its PMU cannot count per task", remedy: "count on CPUs with -a or -C" };
    if (attr.samplePeriod > 0n) {
      return { cause: "its PMU cannot sample", remedy: "count it with 'pmuctl bind'" };
    }
  }
  return {
    cause: "the kernel refuses this event with these settings",
    remedy: "check its terms and modifiers; 'dmesg' may say more",
  };
}
