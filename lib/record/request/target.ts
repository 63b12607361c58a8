/** Target of a recording: a command, the CPUs, processes or threads that run already. */

import { UnsupportedError } from "../../base/system/errors.ts";
import { missingTask, processFolder } from "../../base/files/pid_namespace.ts";
import { procField } from "../../base/text/proc_text.ts";
import type { Proc } from "../host/procfs.ts";

/** Target of a recording. */
export type Target =
  /** Command from its exec on, with all that it starts. */
  | { kind: "command"; argv: string[] }
  /** Everything on the CPUs while a command runs; without a command (empty), until stopped. */
  | { kind: "cpus"; argv: string[] }
  /** Processes with all their threads, and what those start from now on. */
  | { kind: "processes"; pids: number[] }
  /** Threads alone, and what they start from now on. */
  | { kind: "threads"; tids: number[] };

/** Returns the target's name for messages: `pid 412`, `all CPUs`, the command's name. */
export function targetName(target: Target): string {
  switch (target.kind) {
    case "command":
      return target.argv[0];
    case "cpus":
      return "all CPUs";
    case "processes":
      return `pid ${target.pids.join(",")}`;
    case "threads":
      return `thread ${target.tids.join(",")}`;
  }
}

/**
 * Returns the threads there are now, to open events on; threads that they start later inherit the events. A thread that is
 * started just now by one without an event is missed, as by every tool that works through /proc. Throws UnsupportedError
 * when a process or thread does not exist.
 */
export function targetThreads(
  target: Extract<Target, { kind: "processes" | "threads" }>,
  proc: Proc,
): number[] {
  if (target.kind === "threads") {
    for (const tid of target.tids) {
      if (proc.text(`${processFolder(tid)}/status`) === undefined) throw missing("thread", tid);
    }
    return target.tids;
  }
  return target.pids.flatMap((pid) => {
    const tids = proc.list(`${processFolder(pid)}/task`).map(Number);
    if (tids.length === 0) throw missing("process", pid);
    return tids.sort((a, b) => a - b);
  });
}

/** Returns the processes whose maps and names are to be recorded. */
export function targetProcesses(
  target: Extract<Target, { kind: "processes" | "threads" }>,
  proc: Proc,
): number[] {
  if (target.kind === "processes") return target.pids;
  const tgids = target.tids.map((tid) => {
    const status = proc.text(`${processFolder(tid)}/status`) ?? "";
    return Number(procField(status, "Tgid") ?? tid);
  });
  return [...new Set(tgids)];
}

/** Returns whether all of the processes or threads have ended; a zombie has. */
export function allEnded(target: Extract<Target, { kind: "processes" | "threads" }>, proc: Proc): boolean {
  const ids = target.kind === "processes" ? target.pids : target.tids;
  return ids.every((id) => {
    const status = proc.text(`${processFolder(id)}/status`);
    return status === undefined || /^[ZX]/.test(procField(status, "State") ?? "");
  });
}

function missing(what: "process" | "thread", id: number): UnsupportedError {
  return new UnsupportedError({
    attempt: `record ${what} ${id}`,
    ...missingTask(what),
  });
}
