/**
 * Implementation of `pmuctl bind` for a set with overflow notification: turns the command line into a call of
 * bindOverflows(), and overflows into rows.
 */

import { UsageError } from "../base/system/errors.ts";
import { addressToBigint } from "../base/bytes/address.ts";
import type { OptionSpec, ParsedArgs } from "../cli/command.ts";
import { bindOverflows, type OverflowTarget, type StopSignals } from "../counters/bind_overflow.ts";
import type { PreparedSet } from "../counters/bind_sets.ts";
import type { BindTarget } from "../counters/bind_target.ts";
import type { BindOptions, BindTotals } from "../counters/tasks/binding.ts";
import { PcNames } from "../counters/open/pc_names.ts";
import type { Standing } from "../events/open.ts";
import { kernelMaps, processMaps } from "../record/host/live_maps.ts";
import { liveProc } from "../record/host/procfs.ts";
import { hostSymbolFiles } from "../symbols/files/host_files.ts";
import { counted } from "../base/text/plural.ts";

/** Options of `bind` for sets with overflow notification. */
export const NOTIFY_OPTIONS: OptionSpec[] = [
  { name: "auto-restart", help: "after each overflow of a request with notify, restart from the presets" },
];

/** Options of `bind` that need counters which never stop at an overflow. */
const NOT_FOR_OVERFLOWS = ["interval", "count", "tick", "follow-forks", "multiplex", "split", "control"];

/** Returns whether a request of the sets has `notify`. */
export function notifies(sets: readonly PreparedSet[]): boolean {
  return sets.some(({ groups }) => groups.flat().some((counter) => counter.notify));
}

/** Sets with overflow notification, and where to count. */
export interface NotifyingSets {
  sets: readonly PreparedSet[];
  target: BindTarget;
  standing: Standing;
}

/**
 * Binds a single set, with a row for each overflow and then the total. Throws UsageError for options that conflict with
 * notify, and whatever bindOverflows() throws.
 */
export async function bindNotifying(
  args: ParsedArgs,
  { sets, target, standing }: NotifyingSets,
  options: BindOptions,
  stopper: StopSignals,
): Promise<BindTotals> {
  refuseConflicts(args, sets, target);
  const [{ text, groups: [counters] }] = sets;
  let commandPid: number | undefined;
  const { exit, endNs, overflows, counts, frozenNs } = await bindOverflows(
    counters,
    targetOf(target),
    {
      autoRestart: args.has("auto-restart"),
      names: livePcNames(),
      begin(startNs, pid) {
        commandPid = pid;
        options.rows.begin([{ text, groups: [counters.map((counter) => counter.event)] }], startNs);
      },
      emit({ hrtimeNs, pid, tid, cpu, counter, address, pc, counts }) {
        options.rows.emit({
          timeNs: hrtimeNs,
          event: "overflow",
          pid,
          lwp: tid,
          cpu,
          counts: counts.map((value) => ({ value })),
          overflow: { counter, pc: `0x${addressToBigint(address).toString(16)}`, ...pc },
        });
        options.rows.flush();
      },
      note: options.note,
    },
    standing,
    stopper,
  );
  options.rows.emit({
    timeNs: endNs,
    event: "total",
    ...(target.kind === "cpus" ? { cpu: target.cpus.length } : { pid: commandPid, lwp: threadsOf(target) }),
    counts: counts.map((value) => ({ value })),
    remark: `${counted(overflows, "overflow")}, after which it stood still for ` +
      `${(frozenNs / 1e9).toFixed(3)} s`,
  });
  return { exit };
}

/** Throws UsageError for options that conflict with notify, and for more than one set. */
function refuseConflicts(args: ParsedArgs, sets: readonly PreparedSet[], target: BindTarget): void {
  const conflicting = NOT_FOR_OVERFLOWS.find((name) => args.has(name));
  if (conflicting) {
    throw new UsageError(
      `bind: --${conflicting} conflicts with notify, whose rows are the overflows: leave it out`,
    );
  }
  if (sets.length !== 1 || sets[0].groups.length !== 1) {
    throw new UsageError(
      "bind: notify freezes a set as a whole: put all its requests into one -c SPEC or --set FILE",
    );
  }
  if (target.kind === "cpus" && args.command.length > 0) {
    throw new UsageError("bind: notify on CPUs runs until Ctrl-C: leave out the command");
  }
}

/** Returns a source of symbol names for PCs of this machine's processes. */
export function livePcNames(): PcNames {
  return new PcNames(hostSymbolFiles(), {
    process: (pid) => processMaps(liveProc, pid),
    kernel: () => kernelMaps(liveProc),
  });
}

function targetOf(target: BindTarget): OverflowTarget {
  if (target.kind === "cpus") return target;
  const { tasks } = target;
  return tasks.kind === "command" ? tasks : { kind: "threads", tids: tasks.threads.map(({ tid }) => tid) };
}

function threadsOf({ tasks }: Extract<BindTarget, { kind: "tasks" }>): number {
  return tasks.kind === "command" ? 1 : tasks.threads.length;
}
