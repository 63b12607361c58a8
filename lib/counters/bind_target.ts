/** Determines the target of `bind` from its options. */

import { UnsupportedError, UsageError, type UserError } from "../base/system/errors.ts";
import { parseIdList } from "../base/text/id_list.ts";
import { missingTask } from "../base/files/pid_namespace.ts";
import { CpcError } from "./verify/cpc_error.ts";
import type { KernelFiles } from "../events/files.ts";
import { parseWrittenCpus } from "../base/text/cpu_list.ts";
import { onlineCpus } from "../events/sysfs.ts";
import type { TaskTarget } from "./tasks/bind_tasks.ts";
import { processOf, threadIdsOf } from "./named/set_target.ts";

/** Options and arguments of `bind` that name a target. */
export interface BindTargetOptions {
  command: readonly string[];
  /** Lists as the user wrote them. */
  pids?: string;
  tids?: string;
  cpus?: string;
  allCpus: boolean;
}

/** Target of `bind`: CPUs, or tasks with the CPUs that are online. */
export type BindTarget =
  | { kind: "cpus"; cpus: readonly number[]; all?: boolean }
  | { kind: "tasks"; tasks: TaskTarget; online: readonly number[] };

/**
 * Returns the target that the options name. Throws UsageError when none or several are given or a list is malformed,
 * and UnsupportedError when a process, thread or CPU does not exist.
 */
export function bindTarget(options: BindTargetOptions, files: KernelFiles): BindTarget {
  const given = [
    ...(options.pids === undefined ? [] : ["-p"]),
    ...(options.tids === undefined ? [] : ["--tid"]),
    ...(options.cpus === undefined ? [] : ["-C"]),
    ...(options.allCpus ? ["-a"] : []),
  ];
  if (given.length > 1) throw new UsageError(`bind: ${given.join(" and ")} exclude each other: give one`);
  const online = onlineCpus(files);
  const ofCpus = options.allCpus || options.cpus !== undefined;
  if (!ofCpus && given.length > 0 && options.command.length > 0) {
    throw new UsageError(`bind: ${given[0]} and a command exclude each other: give one`);
  }
  if (options.cpus !== undefined) return { kind: "cpus", cpus: cpusOf(options.cpus, online) };
  if (options.allCpus) return { kind: "cpus", cpus: online, all: true };
  if (options.command.length > 0) {
    return { kind: "tasks", tasks: { kind: "command", argv: options.command }, online };
  }
  if (options.pids !== undefined) {
    const threads = numbersOf("-p", options.pids).flatMap((pid) => {
      const tids = threadIdsOf(pid, files);
      if (tids.length === 0) throw notThere(`pid ${pid}`, "process");
      return tids.map((tid) => ({ pid, tid }));
    });
    return { kind: "tasks", tasks: { kind: "threads", threads, alone: false }, online };
  }
  if (options.tids !== undefined) {
    const threads = numbersOf("--tid", options.tids).map((tid) => {
      const pid = processOf(tid, files);
      if (pid === undefined) throw notThere(`thread ${tid}`, "thread");
      return { pid, tid };
    });
    return { kind: "tasks", tasks: { kind: "threads", threads, alone: true }, online };
  }
  throw new UsageError("bind: no target: give -- COMMAND, -p PID, --tid TID, -C CPULIST or -a");
}

function notThere(target: string, what: "process" | "thread"): UserError {
  return new UnsupportedError({
    attempt: `count on ${target}`,
    ...missingTask(what),
  });
}

function numbersOf(option: string, list: string): number[] {
  const numbers = parseIdList(list);
  if (numbers) return numbers;
  throw new UsageError(`bind: ${option} '${list}': expected numbers separated by commas, as in 12,34`);
}

function cpusOf(list: string, online: readonly number[]): number[] {
  const cpus = parseWrittenCpus(list);
  if (!cpus) throw new UsageError(`bind: -C '${list}': expected a list of CPUs such as 0-3,6`);
  const missing = cpus.filter((cpu) => !online.includes(cpu));
  if (missing.length > 0 || cpus.length === 0) {
    throw new CpcError({
      subcode: "CPC_PBIND_FAILED",
      attempt: `count on CPU ${missing[0] ?? list}`,
      cause: "it does not exist, or is offline",
      remedy: `/sys/devices/system/cpu/online lists those that are online (${online.join(",")})`,
    });
  }
  return cpus;
}
