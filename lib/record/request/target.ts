/** What is recorded: a command, the CPUs, processes or threads that run already. */

import { UnsupportedError } from "../../base/system/errors.ts";
import { missingTask, processFolder } from "../../base/files/pid_namespace.ts";
import { procField } from "../../base/text/proc_text.ts";
import type { Proc } from "../host/procfs.ts";

export type Target =
  /** A command from its exec on, with all that it starts. */
  | { kind: "command"; argv: string[] }
  /** Whatever runs on the CPUs, while a command runs; without one (empty) until stopped. */
  | { kind: "cpus"; argv: string[] }
  /** Processes with all their threads, and what those start from now on. */
  | { kind: "processes"; pids: number[] }
  /** Threads alone, and what they start from now on. */
  | { kind: "threads"; tids: number[] };

/** For errors and notes: `pid 412`, `all CPUs`, the command's name. */
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
 * The threads to open events on, as they are now: those a thread starts later are inherited from it. One that
 * is started in this very moment by a thread that has no event yet is missed, as by every tool that works
 * through /proc. Throws UnsupportedError when a process or thread is not there.
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

/** The processes whose maps and names have to be told. */
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

/** Whether none of the processes or threads is left; a zombie has ended. */
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
