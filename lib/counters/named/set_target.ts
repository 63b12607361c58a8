/** Targets of named sets: processes with everything they start, threads, or CPUs. */

import { processFolder } from "../../base/files/pid_namespace.ts";
import { hasEnded, parseStat, procField, type ProcStat } from "../../base/text/proc_text.ts";
import { type KernelFiles, readIfAllowed } from "../../events/files.ts";

/** Target of a named set. */
export type SetTarget =
  /** All threads of the processes, and everything they start. `command` is the command line, if it is one. */
  | { kind: "process"; pids: number[]; command?: string }
  | { kind: "thread"; tids: number[] }
  /** Whatever runs on the CPUs. */
  | { kind: "cpu"; cpus: readonly number[] };

/** Describes a target: `pid 412`, `pid 412 (make)`, `threads 412,413`, `CPUs 0-3`. */
export function describeTarget(target: SetTarget): string {
  switch (target.kind) {
    case "process":
      return `${target.pids.length > 1 ? "pids" : "pid"} ${target.pids.join(",")}` +
        (target.command ? ` (${target.command})` : "");
    case "thread":
      return `${target.tids.length > 1 ? "threads" : "thread"} ${target.tids.join(",")}`;
    case "cpu":
      return `${target.cpus.length > 1 ? "CPUs" : "CPU"} ${cpuList(target.cpus)}`;
  }
}

/** Formats ascending, distinct numbers as ranges: `0-2,5`. */
function cpuList(cpus: readonly number[]): string {
  const ranges: string[] = [];
  for (let first = 0; first < cpus.length;) {
    let last = first;
    while (cpus[last + 1] === cpus[last] + 1) last++;
    ranges.push(first === last ? `${cpus[first]}` : `${cpus[first]}-${cpus[last]}`);
    first = last + 1;
  }
  return ranges.join(",");
}

/** Returns the threads of a process, ascending; none when it does not exist. */
export function threadIdsOf(pid: number, files: KernelFiles): number[] {
  return (files.list(`${processFolder(pid)}/task`) ?? []).map(Number).sort((a, b) => a - b);
}

/** Returns the process of a thread, or undefined when there is no such thread. */
export function processOf(tid: number, files: KernelFiles): number | undefined {
  const tgid = procField(readIfAllowed(files, `${processFolder(tid)}/status`) ?? "", "Tgid");
  return tgid === undefined ? undefined : Number(tgid);
}

function readStat(path: string, files: KernelFiles): ProcStat | undefined {
  return parseStat(readIfAllowed(files, path) ?? "");
}

/** Watches whether a target still exists. */
export class TargetWatch {
  readonly #kind: SetTarget["kind"];
  readonly #files: KernelFiles;
  /** Start times of its processes or threads, in clock ticks since boot. */
  readonly #starts: Map<number, number | undefined>;

  /** Watches the target as it is now. Anything missing already counts as ended. */
  constructor(target: SetTarget, files: KernelFiles) {
    this.#kind = target.kind;
    this.#files = files;
    const ids = target.kind === "process" ? target.pids : target.kind === "thread" ? target.tids : [];
    this.#starts = new Map(ids.map((id) => [id, readStat(`${processFolder(id)}/stat`, files)?.start]));
  }

  /** Tells whether all processes and threads of the target have ended. CPUs never end. */
  ended(): boolean {
    return this.#kind !== "cpu" && ![...this.#starts].some(([id, start]) => this.#isThere(id, start));
  }

  #isThere(id: number, start: number | undefined): boolean {
    const stat = readStat(`${processFolder(id)}/stat`, this.#files);
    if (stat === undefined || stat.start !== start) return false;
    if (!hasEnded(stat) || this.#kind === "thread") return !hasEnded(stat);
    // The first thread of a process may end before the others.
    return threadIdsOf(id, this.#files).some((tid) => {
      const thread = readStat(`${processFolder(id)}/task/${tid}/stat`, this.#files);
      return thread !== undefined && !hasEnded(thread);
    });
  }
}
