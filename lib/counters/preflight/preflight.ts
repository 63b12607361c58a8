/** Checks what this user can do on this machine by trying it. Each failed check has its cause and a fix. */

import {
  closeEvent,
  closeFd,
  counterWidth,
  createFile,
  disable,
  Drain,
  enable,
  PmuError,
  readCounts,
  tryOpen,
} from "../../../ffi/pmu.ts";
import { ERRNO, errnoText } from "../../base/system/errno.ts";
import type { OpenAdvice } from "../../events/advice.ts";
import { encodeAttr } from "../../events/attr.ts";
import { hostFiles, type KernelFiles, readNumber } from "../../events/files.ts";
import { type EventWorld, type ResolvedEvent, resolveEvents } from "../../events/resolve.ts";
import { onlineCpus, packField, type Pmu } from "../../events/sysfs.ts";
import { countPics, type GroupOpener, type Pics } from "../verify/pics.ts";
import { Prober, type TrialResult, type TryOptions } from "./probe.ts";

/** A line of the preflight. */
export interface PreflightCheck {
  /** Ability that was tried: `count own processes`. */
  what: string;
  ok: boolean;
  /** Limitation if it works, cause if it does not. */
  detail?: string;
  /** Fix for a failed check: one command, or else one sentence. */
  fix?: string;
}

/** Sampling frequency of trials, in Hz; below any perf_event_max_sample_rate. */
export const TRIAL_SAMPLE_RATE = 99;

/** Data pages of the ring that is tried: perf's default, which the kernel's default limit is made for. */
const TRIAL_PAGES = 128;

/** Runs every check. Opens and closes events, and changes nothing. */
export async function preflight(
  world: EventWorld,
  files: KernelFiles = hostFiles,
): Promise<PreflightCheck[]> {
  const prober = new Prober(world);
  const tryOne = (what: string, text: string, options?: TryOptions) =>
    toCheck(what, prober.try(only(text, world), options));
  return [
    tryOne("count own processes", "task-clock"),
    tryOne("count hardware events", "cycles"),
    tryOne("count system-wide", "cpu-clock", { wholeCpu: true }),
    tryOne("sample on hardware events", "cycles", { sampleFreq: TRIAL_SAMPLE_RATE }),
    tryOne("sample on a timer (cpu-clock)", "cpu-clock", { sampleFreq: TRIAL_SAMPLE_RATE }),
    tryOne("sample system-wide", "cpu-clock", { sampleFreq: TRIAL_SAMPLE_RATE, wholeCpu: true }),
    tracepointCheck(world, prober),
    await kernelSymbolCheck(prober.privilege.paranoid, files),
    lockedMemoryCheck(world, files),
  ];
}

function only(text: string, world: EventWorld): ResolvedEvent {
  return resolveEvents(text, world)[0].events[0];
}

function toCheck(what: string, answer: TrialResult): PreflightCheck {
  if (answer.opens) return { what, ok: true, ...(answer.limit ? { detail: answer.limit } : {}) };
  return { what, ok: false, ...refused(answer.advice) };
}

function refused(advice: OpenAdvice): { detail: string; fix?: string } {
  const fix = advice.command ?? advice.remedy;
  return { detail: advice.cause, ...(fix ? { fix } : {}) };
}

/** Checks one tracepoint: the kernel permits all or none. */
function tracepointCheck(world: EventWorld, prober: Prober): PreflightCheck {
  const what = "use tracepoints";
  const problem = world.tracepoints.problem();
  if (problem) return { what, ok: false, ...refused(problem) };
  const event = sampleTracepoint(world);
  if (!event) return { what, ok: false, detail: "the kernel has no tracepoints (CONFIG_TRACEPOINTS)" };
  return toCheck(what, prober.try(event));
}

/**
 * Returns a tracepoint to try in place of all, or undefined when there are none. Throws UnsupportedError when tracefs
 * cannot be read.
 */
export function sampleTracepoint(world: EventWorld): ResolvedEvent | undefined {
  const { tracepoints } = world;
  const found = tracepoints.find("sched", "sched_switch") ??
    tracepoints.expand(tracepoints.systems().find((system) => system !== "ftrace") ?? "", "*")[0];
  return found && only(`${found.system}:${found.name}`, world);
}

/**
 * Checks that kernel addresses can be read: the kernel shows 0 to users it hides them from (kallsyms_show_value() in
 * kernel/ksyms_common.c).
 */
async function kernelSymbolCheck(paranoid: number | undefined, files: KernelFiles): Promise<PreflightCheck> {
  const what = "see kernel symbols";
  const head = await firstLine("/proc/kallsyms");
  if (head === undefined) {
    return {
      what,
      ok: false,
      detail: "there is no /proc/kallsyms",
      fix: "use a kernel with CONFIG_KALLSYMS",
    };
  }
  if (/[1-9a-f]/.test(head.split(" ")[0])) return { what, ok: true };
  const restrict = readNumber(files, "/proc/sys/kernel/kptr_restrict");
  const limits = [
    ...(restrict ? [`kernel.kptr_restrict=0`] : []),
    ...(paranoid === undefined || paranoid > 1 ? [`kernel.perf_event_paranoid=1`] : []),
  ];
  return {
    what,
    ok: false,
    detail: `the kernel hides its addresses (kptr_restrict is ${restrict ?? "unknown"}, ` +
      `perf_event_paranoid is ${paranoid ?? "unknown"})`,
    fix: limits.length ? `sudo sysctl ${limits.join(" ")}` : "run as root or with CAP_SYSLOG",
  };
}

/** Returns the first line of a file of any length, or undefined when it cannot be read. */
async function firstLine(path: string): Promise<string | undefined> {
  try {
    using file = await Deno.open(path);
    const bytes = new Uint8Array(256);
    const n = await file.read(bytes) ?? 0;
    return new TextDecoder().decode(bytes.subarray(0, n)).split("\n")[0];
  } catch {
    return undefined;
  }
}

/** Maps a ring as large as a recording's on each CPU, since the limit applies to all of a user's rings together. */
function lockedMemoryCheck(world: EventWorld, files: KernelFiles): PreflightCheck {
  const what = `lock a ring buffer of ${TRIAL_PAGES * 4} KiB for each CPU`;
  const limit = readNumber(files, "/proc/sys/kernel/perf_event_mlock_kb");
  const { attr } = only("cpu-clock:u", world);
  const bytes = encodeAttr({ ...attr, samplePeriod: 1_000_000n });
  const out = createFile("/dev/null");
  const drain = new Drain({ outFd: out });
  const open: number[] = [];
  try {
    for (const cpu of onlineCpus(files)) {
      const fd = tryOpen(bytes, { pid: 0, cpu });
      if (fd < 0) return { what, ok: false, detail: "no event could be opened to map a ring for" };
      open.push(fd);
      const result = drain.tryAdd(fd, TRIAL_PAGES, cpu);
      if (result >= 0) continue;
      return {
        what,
        ok: false,
        detail: result === -ERRNO.EPERM
          ? `kernel.perf_event_mlock_kb is ${limit ?? "unknown"}, and 'ulimit -l' allows no more`
          : `mmap failed: ${errnoText(-result)}`,
        fix: `sudo sysctl kernel.perf_event_mlock_kb=${TRIAL_PAGES * 4 + 4}`,
      };
    }
    return { what, ok: true };
  } finally {
    drain.free();
    for (const fd of open) closeEvent(fd);
    closeFd(out);
  }
}

/** Counts the PICs of each core PMU, by its name; empty when there is no core PMU. */
export function picsByPmu(world: EventWorld): Map<string, Pics> {
  const cores = world.pmus.core();
  return new Map(cores.map((pmu) => [pmu.name, countPics(pmu, cores.length > 1, opener)]));
}

/**
 * Format field of arm64 that requests a counter user space can read. The kernel tells a counter's width only with it.
 */
const USER_READ = "rdpmc";

/**
 * Returns the width in bits of a core PMU's counters, or undefined when the kernel does not tell user space. It does
 * on x86, and on arm64 with kernel.perf_user_access.
 */
export function counterWidthOf(pmu: Pmu, world: EventWorld): number | undefined {
  const plain = resolveEvents("cycles:u", world).flatMap((group) => group.events).find((e) =>
    e.pmu === pmu.name
  );
  if (!plain) return undefined;
  const field = pmu.formats.get(USER_READ);
  const asked = field && { ...plain.attr, config1: packField(plain.attr.config1, field, 1n) };
  for (const attr of asked ? [asked, plain.attr] : [plain.attr]) {
    const fd = tryOpen(encodeAttr(attr), { pid: 0, cpu: -1 });
    if (fd < 0) continue;
    try {
      const width = counterWidth(fd);
      if (width > 0) return width;
    } catch (error) {
      if (!(error instanceof PmuError)) throw error; // no page to read the width from
    } finally {
      closeEvent(fd);
    }
  }
  return undefined;
}

const opener: GroupOpener = {
  open: (attr, leader) => tryOpen(encodeAttr(attr), { pid: 0, cpu: -1, groupFd: leader }),
  counts(leader) {
    enable(leader, true);
    const on = readCounts(leader, new BigUint64Array(1)) > 0;
    disable(leader, true);
    return on;
  },
  close: closeEvent,
};

/** Reads the kernel's limits on perf events, by sysctl name; undefined for those that cannot be read. */
export function kernelLimits(files: KernelFiles = hostFiles): Record<string, number | undefined> {
  const names = [
    "perf_event_paranoid",
    "perf_event_max_sample_rate",
    "perf_event_mlock_kb",
    "perf_event_max_stack",
    "perf_cpu_time_max_percent",
    "kptr_restrict",
    "nmi_watchdog",
  ];
  return Object.fromEntries(
    names.map((name) => [`kernel.${name}`, readNumber(files, `/proc/sys/kernel/${name}`)]),
  );
}
