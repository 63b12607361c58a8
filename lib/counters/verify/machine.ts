/**
 * Model of the machine that a request set is verified for: the counters of its PMUs, what they can count, and this
 * user's permissions. Tests build their own.
 */

import { PERF_COUNT_HW, PERF_TYPE } from "../../base/system/abi.ts";
import { hostFiles, type KernelFiles, readIfAllowed, readNumber } from "../../events/files.ts";
import { type Privilege, readPrivilege } from "../../events/privilege.ts";
import type { EventWorld, ResolvedEvent } from "../../events/resolve.ts";
import { parseCpuList } from "../../base/text/cpu_list.ts";
import type { FormatField } from "../../events/sysfs.ts";
import type { Pics } from "./pics.ts";

/** Hardware counter. */
export interface Pic {
  picnum: number;
  /** The only event that it counts; undefined for counters of (nearly) any event. */
  only?: FixedEvent;
}

/** Event that some CPUs have a dedicated counter for. */
export interface FixedEvent {
  /** Name in perf. */
  name: string;
  /** PERF_COUNT_HW.* */
  hardware: number;
  /** PMU's own code for it: `config` of its raw event. */
  code: bigint;
  /** True if general counters cannot count it. */
  exclusively: boolean;
}

/** Properties of a PMU that matter to request sets. */
export interface PmuModel {
  /** Name in sysfs; `cpu` for the hardware PMU on machines without one. */
  name: string;
  /** Counters in the order of their numbers; undefined if events take none, or their number is unknown. */
  pics?: readonly Pic[];
  formats: ReadonlyMap<string, FormatField>;
  /** True if its events may join a group of any other PMU. */
  software: boolean;
  /** True if it can signal overflows. */
  interrupts: boolean;
}

/** Facts that verify() needs. */
export interface MachineModel {
  /** Events, PMUs and tracepoints by name. */
  world: EventWorld;
  /** Returns the PMU that counts the event. */
  pmuOf(event: ResolvedEvent): PmuModel;
  privilege: Privilege;
  /** True if the CPU can count its hypervisor separately from its kernel. */
  countsHypervisor: boolean;
  /** Value of kernel.perf_event_max_sample_rate, when known. */
  maxSampleRate?: number;
  /** Online CPUs, when known. */
  onlineCpus?: readonly number[];
}

/** Highest picnum of events that take no counter: as many as a set may have requests. */
export const MAX_SOFTWARE_PICNUM = 99;

/**
 * PMUs whose events the kernel schedules like software events, so that they may join any group (their drivers set
 * task_ctx_nr to perf_sw_context).
 */
const SOFTWARE_PMUS: ReadonlySet<string> = new Set([
  "software",
  "tracepoint",
  "breakpoint",
  "kprobe",
  "uprobe",
  "msr",
]);

const { CPU_CYCLES, INSTRUCTIONS, REF_CPU_CYCLES } = PERF_COUNT_HW;

/**
 * Fixed counters in the order in which countPics() looks for them, which is the order in which CPUs gained them: a
 * CPU with two has the first two.
 *
 * Their numbers: on x86 they follow the general ones, in the order of MSR_CORE_PERF_FIXED_CTR0 to 2 (Intel SDM,
 * volume 3B). On ARM they are the registers' numbers, 31 for PMCCNTR and 32 for PMICNTR (Linux's ARMV8_PMU_CYCLE_IDX
 * and ARMV8_PMU_INSTR_IDX).
 */
const FIXED: Record<string, { event: FixedEvent; picnum: (general: number) => number }[]> = {
  x86_64: [
    { event: fixed("cycles", CPU_CYCLES, 0x3c), picnum: (general) => general + 1 },
    { event: fixed("instructions", INSTRUCTIONS, 0xc0), picnum: (general) => general },
    { event: fixed("ref-cycles", REF_CPU_CYCLES, 0x300, true), picnum: (general) => general + 2 },
  ],
  aarch64: [
    { event: fixed("cycles", CPU_CYCLES, 0x11), picnum: () => 31 },
    { event: fixed("instructions", INSTRUCTIONS, 0x08), picnum: () => 32 },
  ],
};

function fixed(name: string, hardware: number, code: number, exclusively = false): FixedEvent {
  return { name, hardware, code: BigInt(code), exclusively };
}

/** Returns the PICs of a core PMU with so many of each kind; `arch` is uname's. */
export function picsOf({ general, fixed }: Pics, arch: string): Pic[] {
  const pics: Pic[] = Array.from({ length: general }, (_, picnum) => ({ picnum }));
  for (const { event, picnum } of (FIXED[arch] ?? []).slice(0, fixed)) {
    pics.push({ picnum: picnum(general), only: event });
  }
  return pics.sort((a, b) => a.picnum - b.picnum);
}

/**
 * Returns the numbers of the PICs that can count the event, in the order to assign them: dedicated counters first.
 * Returns undefined when the event takes no known counter.
 */
export function capablePics(event: ResolvedEvent, pmu: PmuModel): number[] | undefined {
  if (pmu.pics === undefined) return undefined;
  const own = pmu.pics.filter((pic) => pic.only && isFixedEvent(event, pic.only));
  const general = own.some((pic) => pic.only!.exclusively) ? [] : pmu.pics.filter((pic) => !pic.only);
  return [...own, ...general].map((pic) => pic.picnum);
}

function isFixedEvent({ attr }: ResolvedEvent, { hardware, code }: FixedEvent): boolean {
  return attr.type === PERF_TYPE.HARDWARE
    ? Number(attr.config & 0xffffffffn) === hardware // the upper half may select one of several PMUs
    : attr.type !== PERF_TYPE.HW_CACHE && attr.config === code;
}

/**
 * Returns the model of this machine, or of the one that `world` and `files` describe. `pics` are the counted PICs of
 * its core PMUs.
 */
export function machineModel(
  world: EventWorld,
  pics: ReadonlyMap<string, Pics>,
  { arch = Deno.build.arch as string, files = hostFiles as KernelFiles, privilege = readPrivilege(files) } =
    {},
): MachineModel {
  const models = new Map<string, PmuModel>();
  const model = (name: string): PmuModel => {
    const pmu = world.pmus.get(name);
    const software = SOFTWARE_PMUS.has(name);
    const counted = pics.get(name);
    return {
      name: name || "cpu",
      // Without a name, no PMU can count the event.
      ...(counted ? { pics: picsOf(counted, arch) } : name === "" ? { pics: [] } : {}),
      formats: pmu?.formats ?? new Map(),
      software,
      // Uncore PMUs, which represent a package by one of its CPUs, only count; so does msr.
      interrupts: software ? name !== "msr" : pmu?.core !== false || pmu.cpus === undefined,
    };
  };
  const maxSampleRate = readNumber(files, "/proc/sys/kernel/perf_event_max_sample_rate");
  const online = readIfAllowed(files, "/sys/devices/system/cpu/online");
  return {
    world,
    pmuOf(event) {
      let found = models.get(event.pmu);
      if (!found) models.set(event.pmu, found = model(event.pmu));
      return found;
    },
    privilege,
    countsHypervisor: arch !== "x86_64",
    ...(maxSampleRate === undefined ? {} : { maxSampleRate }),
    ...(online ? { onlineCpus: parseCpuList(online) } : {}),
  };
}
