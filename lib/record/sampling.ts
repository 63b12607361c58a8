/** From an event to be sampled to the perf_event_attrs that are opened for it. */

import { PERF_FORMAT, PERF_SAMPLE } from "../base/abi.ts";
import type { AttrFlag, EventAttr } from "../events/attr.ts";
import type { ResolvedEvent } from "../events/resolve.ts";

/** Samples a second when nothing is asked for: perf record's default. */
export const DEFAULT_FREQ = 4000;

export interface Sampling {
  /** Samples a second, for each CPU. */
  freq?: number;
  /** A sample every this many events; wins over `freq`. */
  period?: bigint;
  /** Capture call chains, by frame pointers. */
  callGraph: boolean;
}

/** Who tells of processes, maps and names. */
export type Sideband =
  /** This event does, beside its samples. */
  | "own"
  /** Another event does. */
  | "other";

/** Flags that make an event report what goes on beside its samples. */
const SIDEBAND: AttrFlag[] = ["mmap", "mmap2", "buildId", "comm", "commExec", "task", "ksymbol", "bpfEvent"];

/** Flags of every event of a recording. */
const COMMON: AttrFlag[] = ["inherit", "sampleIdAll", "watermark"];

/** What a recording's events have in common. */
export interface Common {
  /** Several events share the rings, so that records must say whose they are. */
  several: boolean;
  /** Bytes in a ring before the drain is woken. */
  watermark: number;
  /** Start counting when the command is exec'ed, rather than when told. */
  enableOnExec: boolean;
}

/** The attr of a sampled event. */
export function samplingAttr(
  event: ResolvedEvent,
  sampling: Sampling,
  common: Common,
  sideband: Sideband,
): EventAttr {
  const period = sampling.period ?? event.period ?? (event.eachOccurrence ? 1n : undefined);
  const flags = new Set<AttrFlag>([...event.attr.flags, ...COMMON, "disabled"]);
  if (sideband === "own") { for (const flag of SIDEBAND) flags.add(flag); }
  if (common.enableOnExec) flags.add("enableOnExec");
  if (period === undefined) flags.add("freq");
  return {
    ...event.attr,
    flags,
    samplePeriod: period ?? BigInt(event.freq ?? sampling.freq ?? DEFAULT_FREQ),
    sampleType: commonSampleType(common) | PERF_SAMPLE.IP | PERF_SAMPLE.PERIOD |
      (sampling.callGraph ? PERF_SAMPLE.CALLCHAIN : 0),
    readFormat: PERF_FORMAT.ID | PERF_FORMAT.LOST,
    wakeup: common.watermark,
  };
}

/**
 * The attr of an event (`dummy`) that samples nothing and reports processes, maps and names, from the moment it is opened:
 * for targets that run already, where the samplers start only after /proc has been read.
 */
export function trackingAttr(event: ResolvedEvent, common: Common): EventAttr {
  return {
    ...event.attr,
    flags: new Set([...event.attr.flags, ...SIDEBAND, ...COMMON]),
    samplePeriod: 1n,
    sampleType: commonSampleType(common),
    readFormat: PERF_FORMAT.ID | PERF_FORMAT.LOST,
    wakeup: common.watermark,
  };
}

function commonSampleType(common: Common): number {
  return PERF_SAMPLE.TID | PERF_SAMPLE.TIME | PERF_SAMPLE.CPU | (common.several ? PERF_SAMPLE.IDENTIFIER : 0);
}
