/** Makes the perf_event_attrs that are opened for an event to be sampled. */

import { PERF_FORMAT, PERF_SAMPLE } from "../../base/system/abi.ts";
import type { AttrFlag, EventAttr } from "../../events/attr.ts";
import type { ResolvedEvent, ResolvedGroup } from "../../events/resolve.ts";
import type { CallGraph, StackCopy } from "./call_graph.ts";

/** Samples a second when nothing is asked for: perf record's default. */
export const DEFAULT_FREQ = 4000;

/** Options of how all events of a recording are sampled. */
export interface Sampling {
  /** Samples a second, for each CPU, where they are asked for. */
  freq?: number;
  /** Samples a second where nothing is asked for; DEFAULT_FREQ when left out. */
  defaultFreq?: number;
  /** A sample every this many events; wins over `freq`. */
  period?: bigint;
  /** Cycles a second, for events that are sampled at a fraction of their rate; 1e9 when left out. */
  cyclesPerSecond?: number;
  /** Capture call chains. */
  callGraph?: CallGraph;
  /** Follow what the target starts; true when left out. */
  inherit?: boolean;
  /** Clock of all times, by its number in clock_gettime(2); the kernel's own when left out. */
  clockid?: number;
  /** Fields that samples carry besides. */
  fields?: ReadonlySet<SampleField>;
}

/** Fields of samples that are there only when asked for, where the PMU has them. */
export const SAMPLE_FIELDS = ["data", "weight", "phys-data", "data-page-size", "code-page-size"] as const;
/** Field of samples that is there only when asked for. */
export type SampleField = typeof SAMPLE_FIELDS[number];

/** Source of the records of processes, maps and names. */
export type Sideband =
  /** This event, beside its samples. */
  | "own"
  /** Another event. */
  | "other";

/** Flags that make an event report processes, maps and names beside its samples. */
const SIDEBAND: AttrFlag[] = ["mmap", "mmap2", "buildId", "comm", "commExec", "task", "ksymbol", "bpfEvent"];

/** Flags of every event of a recording. */
const COMMON: AttrFlag[] = ["sampleIdAll", "watermark"];

/** PERF_SAMPLE_* bits of each field. An address comes with its source, as in perf. */
const FIELD_BITS: Record<SampleField, number> = {
  "data": PERF_SAMPLE.ADDR | PERF_SAMPLE.DATA_SRC,
  "weight": PERF_SAMPLE.WEIGHT_STRUCT,
  "phys-data": PERF_SAMPLE.PHYS_ADDR,
  "data-page-size": PERF_SAMPLE.DATA_PAGE_SIZE,
  "code-page-size": PERF_SAMPLE.CODE_PAGE_SIZE,
};

/** Settings that all events of a recording share. */
export interface SharedSettings {
  /** Whether several events share the rings, so that records must say whose they are. */
  several: boolean;
  /** Bytes in a ring that wake the drain. */
  watermark: number;
  /** Start counting when the command is exec'ed, rather than when enabled. */
  enableOnExec: boolean;
  /** Keep the most recent samples in the rings, rather than those that came before the rings were full. */
  overwrite?: boolean;
}

/** Returns the attr of a sampled event. */
export function samplingAttr(
  event: ResolvedEvent,
  sampling: Sampling,
  common: SharedSettings,
  sideband: Sideband,
): EventAttr {
  const freq = freqOf(sampling);
  const period = periodOf(event, sampling, freq);
  const flags = new Set<AttrFlag>([...event.attr.flags, ...commonFlags(sampling), "disabled"]);
  if (sideband === "own") { for (const flag of sidebandFlags(sampling)) flags.add(flag); }
  if (common.enableOnExec) flags.add("enableOnExec");
  if (common.overwrite) flags.add("writeBackward");
  if (period === undefined) flags.add("freq");
  const stacks = stackCopyOf(sampling);
  // the copied stack is unwound for the user's part of the chain; the kernel's own helps where that has to end early
  if (sampling.callGraph?.mode === "dwarf") flags.add("excludeCallchainUser");
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

/** Returns the piece of the user's state that samples carry; undefined where they carry none. */
export function stackCopyOf({ callGraph }: Sampling): StackCopy | undefined {
  return callGraph === undefined || callGraph.mode === "fp" ? undefined : callGraph;
}

/**
 * Returns the samples a second to expect at most on the busiest of these CPUs, of all events that are sampled at a rate; 0
 * where none is.
 */
export function samplingRate(
  groups: readonly ResolvedGroup[],
  sampling: Sampling,
  cpus: readonly number[],
): number {
  const freq = freqOf(sampling);
  const events = groups.flatMap(({ events, sampleRead }) => sampleRead ? events.slice(0, 1) : events)
    .filter((event) => periodOf(event, sampling, freq) === undefined);
  const rateOn = (cpu: number) =>
    events.reduce((sum, { freq: own, cpus }) => sum + (!cpus || cpus.includes(cpu) ? own ?? freq : 0), 0);
  return Math.max(0, ...cpus.map(rateOn));
}

function freqOf({ freq, defaultFreq }: Sampling): number {
  return freq ?? defaultFreq ?? DEFAULT_FREQ;
}

/**
 * Returns the number of events between two samples; undefined where a rate decides. Terms of the event itself win over
 * options, as in perf. An event that is N times slower than cycles is sampled as often as cycles would be: by the period
 * of cycles (`-c`, or the cycles between two samples at the rate), divided by N.
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
 * Returns whether samples carry the number of events they stand for, which they do where it varies: at a rate, and at each
 * occurrence (some tracepoints count more than one, as sched:sched_stat_runtime does its ns). Not at a fixed period: with
 * PERF_SAMPLE_PERIOD the kernel samples every occurrence of a software event (perf_swevent_event() of
 * kernel/events/core.c).
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

/**
 * Returns SIDEBAND, with data mappings where samples carry data addresses, or stacks that perf unwinds, which reads data
 * through them.
 */
function sidebandFlags({ fields, callGraph }: Sampling): AttrFlag[] {
  return fields?.has("data") || callGraph?.mode === "dwarf" ? [...SIDEBAND, "mmapData"] : SIDEBAND;
}

/**
 * Returns the attr of an event (`dummy`) that samples nothing and reports processes, maps and names: from the command's
 * exec on where the samplers start there, else from the moment it is opened, since samplers start after /proc is read.
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
 * Returns the attr of the leader of a group whose samples carry the group's counts, given its attr alone. Threads have
 * counts of their own when the event follows a task and what it starts, which the kernel supports since 6.12.
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

/** Returns the attr of a group's member: it starts with its leader, and follows what the leader follows. */
export function memberAttr(attr: EventAttr, leader: EventAttr): EventAttr {
  const flags = new Set(attr.flags);
  for (const flag of ["disabled", "enableOnExec"] as const) flags.delete(flag);
  if (!leader.flags.has("inherit")) flags.delete("inherit");
  return { ...attr, flags };
}

/** Returns the attr of a member that takes no samples, as its count comes with the leader's; same layout as the leader. */
export function readMemberAttr(attr: EventAttr, leader: EventAttr): EventAttr {
  const member = memberAttr(attr, leader);
  member.flags.delete("freq");
  const { sampleType, readFormat, sampleRegsUser, sampleStackUser } = leader;
  return { ...member, samplePeriod: 0n, sampleType, readFormat, sampleRegsUser, sampleStackUser };
}

function commonSampleType(common: SharedSettings): number {
  return PERF_SAMPLE.TID | PERF_SAMPLE.TIME | PERF_SAMPLE.CPU | (common.several ? PERF_SAMPLE.IDENTIFIER : 0);
}
