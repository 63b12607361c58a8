/**
 * The number of PICs: how many events a PMU counts at once. No file says it (caps/num_counters is only
 * on some x86 kernels), so that groups of growing size are opened until the kernel refuses one:
 * perf_event_open(2) checks that a group fits on its PMU as a whole, and a pinned group that finds
 * no counters when it is enabled (another user has them) reads as nothing.
 */

import { PERF_COUNT_HW, PERF_TYPE } from "../../base/system/abi.ts";
import { type EventAttr, makeAttr } from "../../events/attr.ts";
import type { Pmu } from "../../events/sysfs.ts";

/** perf_event_open on this process, as the counting below needs it. */
export interface GroupOpener {
  /** Opens the event in the group of `leader` (-1: it leads one); returns a descriptor or -errno. */
  open(attr: EventAttr, leader: number): number;
  /** Enables the group of `leader` and says whether it is on its counters. */
  counts(leader: number): boolean;
  close(fd: number): void;
}

/** A PMU's counters that were free to be opened. */
export interface Pics {
  /** Those that take (nearly) any event. */
  general: number;
  /** Those that count one thing only (cycles, instructions, reference cycles). */
  fixed: number;
}

/** More than any PMU has; a group that still fits then is not limited by counters. */
const MAX_PICS = 64;

/**
 * Stand for any event, the first that the PMU has: branch misses, which no CPU has a fixed counter for; else
 * instructions, for PMUs that count little more (those of emulators), and of which none has a fixed counter for them.
 */
const ANY_EVENT = [PERF_COUNT_HW.BRANCH_MISSES, PERF_COUNT_HW.INSTRUCTIONS];

/** The events that some CPUs have a fixed counter for. */
const MAYBE_FIXED = [PERF_COUNT_HW.CPU_CYCLES, PERF_COUNT_HW.INSTRUCTIONS, PERF_COUNT_HW.REF_CPU_CYCLES];

/**
 * Counts the PICs of a core PMU; `extended` where the machine has several, so that the event must name
 * its own.
 */
export function countPics(pmu: Pmu, extended: boolean, opener: GroupOpener): Pics {
  const upper = extended ? BigInt(pmu.type) << 32n : 0n;
  const attr = (hardware: number, leads: boolean) =>
    makeAttr({
      type: PERF_TYPE.HARDWARE,
      config: BigInt(hardware) | upper,
      // members follow their leader; only user space, so that no privilege is needed
      flags: leads ? ["disabled", "pinned", "excludeKernel", "excludeHv"] : ["excludeKernel", "excludeHv"],
    });
  const open: number[] = [];
  const add = (hardware: number): "counts" | "waits" | "refused" => {
    const leads = open.length === 0;
    const fd = opener.open(attr(hardware, leads), leads ? -1 : open[0]);
    if (fd < 0) return "refused";
    open.push(fd);
    if (opener.counts(open[0])) return "counts";
    opener.close(open.pop()!);
    return "waits";
  };
  try {
    const any = ANY_EVENT.find((hardware) => add(hardware) !== "refused");
    if (any !== undefined) { while (open.length < MAX_PICS && add(any) === "counts"); }
    const general = open.length;
    const fixed = MAYBE_FIXED.filter((hardware) => add(hardware) === "counts").length;
    return { general, fixed };
  } finally {
    for (const fd of open.reverse()) opener.close(fd);
  }
}
