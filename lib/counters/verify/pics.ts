/**
 * Determines the number of PICs: how many events a PMU counts at once. No file has it (caps/num_counters exists only
 * on some x86 kernels), so groups of growing size are opened until the kernel refuses one. perf_event_open(2) checks
 * that a group fits on its PMU as a whole, and a pinned group without free counters (another user has them) reads as
 * nothing when it is enabled.
 */

import { PERF_COUNT_HW, PERF_TYPE } from "../../base/system/abi.ts";
import { type EventAttr, makeAttr } from "../../events/attr.ts";
import type { Pmu } from "../../events/sysfs.ts";

/** System calls that counting PICs needs, on this process. */
export interface GroupOpener {
  /** Opens the event in the group of `leader` (-1 to lead one). Returns a descriptor or -errno. */
  open(attr: EventAttr, leader: number): number;
  /** Enables the group of `leader` and tells whether it is on its counters. */
  counts(leader: number): boolean;
  close(fd: number): void;
}

/** Number of counters of a PMU that were free. */
export interface Pics {
  /** Counters of (nearly) any event. */
  general: number;
  /** Dedicated counters (cycles, instructions, reference cycles). */
  fixed: number;
}

/** Bound on a PMU's counters. A group that still fits is not limited by counters. */
const MAX_PICS = 64;

/**
 * Events to try as a stand-in for any; the first that the PMU has is used. No CPU has a fixed counter for branch
 * misses. Instructions are for the few events of emulators' PMUs, which have no fixed counter for them.
 */
const ANY_EVENT = [PERF_COUNT_HW.BRANCH_MISSES, PERF_COUNT_HW.INSTRUCTIONS];

/** Events that some CPUs have a fixed counter for. */
const MAYBE_FIXED = [PERF_COUNT_HW.CPU_CYCLES, PERF_COUNT_HW.INSTRUCTIONS, PERF_COUNT_HW.REF_CPU_CYCLES];

/** Counts the PICs of a core PMU. `extended` is for machines with several, where the event must name its PMU. */
export function countPics(pmu: Pmu, extended: boolean, opener: GroupOpener): Pics {
  const upper = extended ? BigInt(pmu.type) << 32n : 0n;
  const attr = (hardware: number, leads: boolean) =>
    makeAttr({
      type: PERF_TYPE.HARDWARE,
      config: BigInt(hardware) | upper,
      // Members follow their leader. User space alone needs no privilege.
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
