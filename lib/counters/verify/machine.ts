/**
 * The machine that a request set is verified for: its PMUs' counters, what they can count, and what this
 * user may. Tests make their own.
 */

import { PERF_COUNT_HW, PERF_TYPE } from "../../base/system/abi.ts";
import { hostFiles, type KernelFiles, readIfAllowed, readNumber } from "../../events/files.ts";
import { type Privilege, readPrivilege } from "../../events/privilege.ts";
import type { EventWorld, ResolvedEvent } from "../../events/resolve.ts";
import { parseCpuList } from "../../base/text/cpu_list.ts";
import type { FormatField } from "../../events/sysfs.ts";
import type { Pics } from "./pics.ts";

/** A hardware counter. */
export interface Pic {
  picnum: number;
  /** The one event that it counts; undefined: (nearly) any. */
  only?: FixedEvent;
}

/** An event that some CPUs have a counter of its own for. */
export interface FixedEvent {
  /** perf's name. */
  name: string;
  /** PERF_COUNT_HW.* */
  hardware: number;
  /** The PMU's own code for it: `config` of its raw event. */
  code: bigint;
  /** General counters cannot count it. */
  exclusively: boolean;
}

/** A PMU as far as request sets are concerned. */
export interface PmuModel {
  /** As in sysfs; `cpu` for the hardware PMU where there is none. */
  name: string;
  /** Its counters in the order of their numbers; undefined where events take none, or nobody knows how many there are. */
  pics?: readonly Pic[];
  formats: ReadonlyMap<string, FormatField>;
  /** Its events go into a group together with those of any other PMU. */
  software: boolean;
  /** It can tell of an overflow. */
  interrupts: boolean;
}

/** What verify() has to know. */
export interface MachineModel {
  /** Events, PMUs and tracepoints by name. */
  world: EventWorld;
  /** The PMU that counts the event. */
  pmuOf(event: ResolvedEvent): PmuModel;
  privilege: Privilege;
  /** The CPU can count what its hypervisor does apart from its kernel. */
  countsHypervisor: boolean;
  /** kernel.perf_event_max_sample_rate, when known. */
  maxSampleRate?: number;
  /** CPUs that are online, when known. */
  onlineCpus?: readonly number[];
}

/** Picnums of events that take no counter: there are as many as a set may have requests. */
export const MAX_SOFTWARE_PICNUM = 99;

/**
 * PMUs whose events the kernel schedules as software: they join any group (their drivers set
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
 * Fixed counters in the order in which countPics() looks for them, which is also the order in which CPUs
 * came to have them: a CPU with two has the first two. Their numbers: on x86 they follow the general
 * ones, in the order of MSR_CORE_PERF_FIXED_CTR0 to 2 (Intel SDM, volume 3B); on ARM they have the numbers of the
 * registers, PMCCNTR as 31 and PMICNTR as 32 (Linux's ARMV8_PMU_CYCLE_IDX, ARMV8_PMU_INSTR_IDX).
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

/** The PICs of a core PMU that has so many of each kind; `arch` is uname's. */
export function picsOf({ general, fixed }: Pics, arch: string): Pic[] {
  const pics: Pic[] = Array.from({ length: general }, (_, picnum) => ({ picnum }));
  for (const { event, picnum } of (FIXED[arch] ?? []).slice(0, fixed)) {
    pics.push({ picnum: picnum(general), only: event });
  }
  return pics.sort((a, b) => a.picnum - b.picnum);
}

/**
 * The numbers of the PICs that can count the event, in the order in which they are best given away: a
 * counter that can do nothing else first. undefined when the event takes no counter that is known of.
 */
export function capablePics(event: ResolvedEvent, pmu: PmuModel): number[] | undefined {
  if (pmu.pics === undefined) return undefined;
  const own = pmu.pics.filter((pic) => pic.only && isFixedEvent(event, pic.only));
  const general = own.some((pic) => pic.only!.exclusively) ? [] : pmu.pics.filter((pic) => !pic.only);
  return [...own, ...general].map((pic) => pic.picnum);
}

function isFixedEvent({ attr }: ResolvedEvent, { hardware, code }: FixedEvent): boolean {
  return attr.type === PERF_TYPE.HARDWARE
    ? Number(attr.config & 0xffffffffn) === hardware // the upper half may name one of several PMUs
    : attr.type !== PERF_TYPE.HW_CACHE && attr.config === code;
}

/** The machine we run on, or that `world` and `files` describe. `pics` are the counted PICs of its core PMUs. */
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
      // without a name no PMU takes it: there is nothing to count it on
      ...(counted ? { pics: picsOf(counted, arch) } : name === "" ? { pics: [] } : {}),
      formats: pmu?.formats ?? new Map(),
      software,
      // uncore PMUs, which stand for a package by one CPU, only count; so does msr
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
