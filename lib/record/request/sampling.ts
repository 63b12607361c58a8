/** From an event to be sampled to the perf_event_attrs that are opened for it. */

import { PERF_FORMAT, PERF_SAMPLE } from "../../base/system/abi.ts";
import type { AttrFlag, EventAttr } from "../../events/attr.ts";
import type { ResolvedEvent } from "../../events/resolve.ts";
import type { CallGraph } from "./call_graph.ts";

/** Samples a second when nothing is asked for: perf record's default. */
export const DEFAULT_FREQ = 4000;

export interface Sampling {
  /** Samples a second, for each CPU, where they are asked for. */
  freq?: number;
  /** Samples a second where nothing is asked for; DEFAULT_FREQ when left out. */
  defaultFreq?: number;
  /** A sample every this many events; wins over `freq`. */
  period?: bigint;
  /** How often cycles come, a second, for events that are said to be so much slower; 1e9 when left out. */
  cyclesPerSecond?: number;
  /** Capture call chains. */
  callGraph?: CallGraph;
  /** Follow what the target starts; true when left out. */
  inherit?: boolean;
  /** The clock that times are of, by number as in clock_gettime(2); the kernel's own when left out. */
  clockid?: number;
  /** What samples carry besides. */
  fields?: ReadonlySet<SampleField>;
}

/** Fields of samples that are there only when asked for, where the PMU has them. */
export const SAMPLE_FIELDS = ["data", "weight", "phys-data", "data-page-size", "code-page-size"] as const;
export type SampleField = typeof SAMPLE_FIELDS[number];

/** Who tells of processes, maps and names. */
export type Sideband =
  /** This event does, beside its samples. */
  | "own"
  /** Another event does. */
  | "other";

/** Flags that make an event report what goes on beside its samples. */
const SIDEBAND: AttrFlag[] = ["mmap", "mmap2", "buildId", "comm", "commExec", "task", "ksymbol", "bpfEvent"];

/** Flags of every event of a recording. */
const COMMON: AttrFlag[] = ["sampleIdAll", "watermark"];

/** As perf has it: an address comes with where it was found. */
const FIELD_BITS: Record<SampleField, number> = {
  "data": PERF_SAMPLE.ADDR | PERF_SAMPLE.DATA_SRC,
  "weight": PERF_SAMPLE.WEIGHT_STRUCT,
  "phys-data": PERF_SAMPLE.PHYS_ADDR,
  "data-page-size": PERF_SAMPLE.DATA_PAGE_SIZE,
  "code-page-size": PERF_SAMPLE.CODE_PAGE_SIZE,
};

/** What a recording's events have in common. */
export interface SharedSettings {
  /** Several events share the rings, so that records must say whose they are. */
  several: boolean;
  /** Bytes in a ring before the drain is woken. */
  watermark: number;
  /** Start counting when the command is exec'ed, rather than when told. */
  enableOnExec: boolean;
  /** The samplers' rings keep the youngest records, rather than those that there was room for. */
  overwrite?: boolean;
}

/** The attr of a sampled event. */
export function samplingAttr(
  event: ResolvedEvent,
  sampling: Sampling,
  common: SharedSettings,
  sideband: Sideband,
): EventAttr {
  const freq = sampling.freq ?? sampling.defaultFreq ?? DEFAULT_FREQ;
  const period = periodOf(event, sampling, freq);
  const flags = new Set<AttrFlag>([...event.attr.flags, ...commonFlags(sampling), "disabled"]);
  if (sideband === "own") { for (const flag of sidebandFlags(sampling)) flags.add(flag); }
  if (common.enableOnExec) flags.add("enableOnExec");
  if (common.overwrite) flags.add("writeBackward");
  if (period === undefined) flags.add("freq");
  const stacks = sampling.callGraph?.mode === "dwarf" ? sampling.callGraph : undefined;
  // the user's part of the chain is what the copied stack is unwound for
  if (stacks) flags.add("excludeCallchainUser");
  let sampleType = commonSampleType(common) | PERF_SAMPLE.IP;
  if (tellsPeriod(period)) sampleType |= PERF_SAMPLE.PERIOD;
  if (event.tracepoint) sampleType |= PERF_SAMPLE.RAW; // its fields
  if (sampling.callGraph) sampleType |= PERF_SAMPLE.CALLCHAIN;
  if (stacks) sampleType |= PERF_SAMPLE.REGS_USER | PERF_SAMPLE.STACK_USER;
  for (const field of sampling.fields ?? []) sampleType |= FIELD_BITS[field];
  return {
    ...event.attr,
    flags,
    samplePeriod: period ?? BigInt(event.freq ?? freq),
    sampleType,
    readFormat: PERF_FORMAT.ID | PERF_FORMAT.LOST,
    wakeup: common.watermark,
    sampleRegsUser: stacks?.registers ?? 0n,
    sampleStackUser: stacks?.stackBytes ?? 0,
    clockid: sampling.clockid ?? 0,
  };
}

/**
 * A sample every how many events; undefined where a rate decides. What is said of the event itself comes first,
 * as in perf. An event that is N times slower than cycles is sampled as often as cycles would be: by the
 * period that cycles had, `-c`, or by how many cycles pass between two samples, divided by N.
 */
function periodOf(event: ResolvedEvent, sampling: Sampling, freq: number): bigint | undefined {
  if (event.period !== undefined) return event.period;
  if (event.slower !== undefined) {
    const cycles = sampling.period ??
      BigInt(Math.round((sampling.cyclesPerSecond ?? 1e9) / freq));
    return cycles > event.slower ? cycles / event.slower : 1n;
  }
  if (event.freq !== undefined) return undefined;
  return sampling.period ?? (event.eachOccurrence && sampling.freq === undefined ? 1n : undefined);
}

/**
 * Samples tell how many events they stand for where that varies: at a rate, and at each occurrence (some
 * tracepoints count more than one, as sched:sched_stat_runtime does its ns). Not at a fixed period: of a software
 * event that was asked for both, the kernel samples every occurrence (perf_swevent_event() of kernel/events/core.c).
 */
function tellsPeriod(period: bigint | undefined): boolean {
  return period === undefined || period === 1n;
}

function commonFlags({ inherit, clockid }: Sampling): AttrFlag[] {
  return [
    ...COMMON,
    ...inherit === false ? [] : ["inherit" as const],
    ...clockid === undefined ? [] : ["useClockid" as const],
  ];
}

/** Data mappings too, where samples carry data addresses, or stacks that lead a reader into all of an object. */
function sidebandFlags({ fields, callGraph }: Sampling): AttrFlag[] {
  return fields?.has("data") || callGraph?.mode === "dwarf" ? [...SIDEBAND, "mmapData"] : SIDEBAND;
}

/**
 * The attr of an event (`dummy`) that samples nothing and reports processes, maps and names: from the command's exec on
 * where the samplers start there, else from the moment it is opened, as they start only after /proc has been read.
 */
export function trackingAttr(event: ResolvedEvent, sampling: Sampling, common: SharedSettings): EventAttr {
  return {
    ...event.attr,
    flags: new Set([
      ...event.attr.flags,
      ...sidebandFlags(sampling),
      ...commonFlags(sampling),
      ...common.enableOnExec ? ["disabled", "enableOnExec"] as const : [],
    ]),
    samplePeriod: 1n,
    sampleType: commonSampleType(common),
    readFormat: PERF_FORMAT.ID | PERF_FORMAT.LOST,
    wakeup: common.watermark,
    clockid: sampling.clockid ?? 0,
  };
}

/**
 * From the attr of an event by itself to that of the leader of a group whose counts its samples carry. Threads have
 * counts of their own when the event follows a task and what that starts, which the kernel does since 6.12.
 */
export function readingLeaderAttr(attr: EventAttr, wholeCpus: boolean): EventAttr {
  const flags = new Set(attr.flags);
  if (wholeCpus) flags.delete("inherit");
  return {
    ...attr,
    flags,
    sampleType: attr.sampleType | PERF_SAMPLE.READ,
    readFormat: attr.readFormat | PERF_FORMAT.GROUP,
  };
}

/** The attr of a group's member: it starts with its leader, and follows what the leader follows. */
export function memberAttr(attr: EventAttr, leader: EventAttr): EventAttr {
  const flags = new Set(attr.flags);
  for (const flag of ["disabled", "enableOnExec"] as const) flags.delete(flag);
  if (!leader.flags.has("inherit")) flags.delete("inherit");
  return { ...attr, flags };
}

/** The attr of a member whose count comes with its leader's samples: it takes none itself, and says so like the leader. */
export function readMemberAttr(attr: EventAttr, leader: EventAttr): EventAttr {
  const member = memberAttr(attr, leader);
  member.flags.delete("freq");
  const { sampleType, readFormat } = leader;
  return { ...member, samplePeriod: 0n, sampleType, readFormat };
}

function commonSampleType(common: SharedSettings): number {
  return PERF_SAMPLE.TID | PERF_SAMPLE.TIME | PERF_SAMPLE.CPU | (common.several ? PERF_SAMPLE.IDENTIFIER : 0);
}
