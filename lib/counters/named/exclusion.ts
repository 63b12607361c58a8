/**
 * Rules for sets that are bound at the same time. As in cpc, a thread has one set, a CPU's PMU has one owner, and
 * sets of CPUs and sets of threads do not share a PMU. Events without hardware counters (software events,
 * tracepoints) conflict with nothing.
 */

import { PERF_TYPE } from "../../base/system/abi.ts";
import type { ResolvedEvent } from "../../events/resolve.ts";
import { describeTarget, type SetTarget } from "./set_target.ts";
import type { SetFault, SetState } from "../open/states.ts";

/** Properties of a bound set that matter to other sets. */
export interface Holding {
  name: string;
  target: SetTarget;
  /** Hardware PMUs whose counters it takes. */
  pmus: string[];
  state: SetState;
}

/** PMUs in sysfs without counters of their own. The kernel runs any number of their events at a time. */
const UNLIMITED: readonly string[] = ["software", "tracepoint", "breakpoint", "kprobe", "uprobe", "msr"];
const CORE: readonly number[] = [PERF_TYPE.HARDWARE, PERF_TYPE.HW_CACHE, PERF_TYPE.RAW];

/** Returns the hardware PMUs whose counters the events take, each once. */
export function hardwarePmus(events: readonly ResolvedEvent[]): string[] {
  const pmus = events.map(({ pmu, attr }) => pmu || (CORE.includes(attr.type) ? "cpu" : "software"));
  return [...new Set(pmus)].filter((pmu) => !UNLIMITED.includes(pmu));
}

/** Conflicts of a set with the bound ones. */
export interface Exclusions {
  /** Reason that the set cannot be bound at all. */
  refusal?: SetFault;
  /** Sets of the same threads, to be unbound first. */
  replaced: ReplacedSet[];
}

/** Set to be unbound. */
export interface ReplacedSet {
  name: string;
  /** Thread or process that both sets count: `thread 412`. */
  shared: string;
}

/**
 * Returns the conflicts of a set with others. `processOf` returns the process of a thread, or undefined when the
 * thread has ended.
 */
export function exclusionsOf(
  wanted: Pick<Holding, "target" | "pmus">,
  others: readonly Holding[],
  processOf: (tid: number) => number | undefined,
): Exclusions {
  const exclusions: Exclusions = { replaced: [] };
  for (const other of others) {
    if (other.state === "ended") continue; // its target has ended
    const shared = wanted.pmus.filter((pmu) => other.pmus.includes(pmu));
    const ofCpus = [wanted, other].filter(({ target }) => target.kind === "cpu").length;
    if (ofCpus === 0) {
      const common = commonTask(wanted.target, other.target, processOf);
      if (common) exclusions.replaced.push({ name: other.name, shared: common });
    } else if (shared.length > 0) {
      const cpu = ofCpus === 2 ? commonCpu(wanted.target, other.target) : undefined;
      if (ofCpus === 2 && cpu === undefined) continue;
      const target = describeTarget(other.target);
      exclusions.refusal ??= {
        errno: "EAGAIN",
        cause: ofCpus === 2
          ? `CPU ${cpu} has an owner: set '${other.name}' holds PMU ${shared[0]} there`
          : `set '${other.name}' on ${target} holds PMU ${
            shared[0]
          }, which sets of CPUs and of threads do not share`,
        remedy: `pmuctl unbind ${other.name}`,
      };
    }
  }
  return exclusions;
}

function commonCpu(a: SetTarget, b: SetTarget): number | undefined {
  return a.kind === "cpu" && b.kind === "cpu" ? a.cpus.find((cpu) => b.cpus.includes(cpu)) : undefined;
}

/** Returns a thread or process that is part of both targets, in words; undefined when there is none. */
function commonTask(
  a: SetTarget,
  b: SetTarget,
  processOf: (tid: number) => number | undefined,
): string | undefined {
  if (a.kind === "cpu" || b.kind === "cpu") return undefined;
  if (a.kind === "thread" && b.kind === "thread") {
    const tid = a.tids.find((id) => b.tids.includes(id));
    return tid === undefined ? undefined : `thread ${tid}`;
  }
  if (a.kind === "process" && b.kind === "process") {
    const pid = a.pids.find((id) => b.pids.includes(id));
    return pid === undefined ? undefined : `pid ${pid}`;
  }
  const [process, thread] = a.kind === "process" ? [a, b] : [b, a];
  if (process.kind !== "process" || thread.kind !== "thread") return undefined;
  const tid = thread.tids.find((id) => process.pids.includes(processOf(id) ?? -1));
  return tid === undefined ? undefined : `thread ${tid}`;
}
