/** `pmuctl bind` of a set that notifies of overflows: from the command line to bindOverflows(), and to rows. */

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

/** The options of `bind` that are for such sets. */
export const NOTIFY_OPTIONS: OptionSpec[] = [
  { name: "auto-restart", help: "of a request with notify: go on after each overflow, from the presets" },
];

/** Options of `bind` that need counters which go on by themselves. */
const NOT_FOR_OVERFLOWS = ["interval", "count", "tick", "follow-forks", "multiplex", "split"];

/** True when a request of the sets is to notify. */
export function notifies(sets: readonly PreparedSet[]): boolean {
  return sets.some(({ groups }) => groups.flat().some((counter) => counter.notify));
}

/**
 * Binds the one set, with a row for each overflow and the total as the last one. Throws UsageError for what does not
 * go together with notify, and as bindOverflows().
 */
export async function bindNotifying(
  args: ParsedArgs,
  sets: readonly PreparedSet[],
  target: BindTarget,
  options: BindOptions,
  standing: Standing,
  stopper: StopSignals,
): Promise<BindTotals> {
  const senseless = NOT_FOR_OVERFLOWS.find((name) => args.has(name));
  if (senseless) {
    throw new UsageError(`bind: --${senseless} does not go with notify, whose rows are the overflows`);
  }
  if (sets.length !== 1 || sets[0].groups.length !== 1) {
    throw new UsageError(
      "bind: notify freezes one set as a whole: give its requests in one -c SPEC or --set FILE",
    );
  }
  if (target.kind === "cpus" && args.command.length > 0) {
    throw new UsageError("bind: notify on CPUs goes on until Ctrl-C: leave the command out");
  }
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
    remark: `${overflows} ${overflows === 1 ? "overflow" : "overflows"}, after which it stood still for ` +
      `${(frozenNs / 1e9).toFixed(3)} s`,
  });
  return { exit };
}

/** Names for PCs of this machine's processes. */
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
