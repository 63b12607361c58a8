/** What a named set is bound to: processes with all they start, threads, or CPUs. */

import { type KernelFiles, readIfAllowed } from "../events/files.ts";

export type SetTarget =
  /** All threads of the processes, and all that they start. `command` is what was run, for a command. */
  | { kind: "process"; pids: number[]; command?: string }
  | { kind: "thread"; tids: number[] }
  /** Whatever runs on the CPUs. */
  | { kind: "cpu"; cpus: number[] };

/** `pid 412`, `pid 412 (make)`, `threads 412,413`, `CPUs 0-3`. */
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

/** `0-2,5` for 0, 1, 2, 5; ascending numbers, each once. */
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

/** The threads of a process, ascending; none when it is not there. */
export function threadsOf(pid: number, files: KernelFiles): number[] {
  return (files.list(`/proc/${pid}/task`) ?? []).map(Number).sort((a, b) => a - b);
}

/** The process that a thread belongs to, or undefined when there is no such thread. */
export function processOf(tid: number, files: KernelFiles): number | undefined {
  const tgid = /^Tgid:\s*(\d+)$/m.exec(readIfAllowed(files, `/proc/${tid}/status`) ?? "")?.[1];
  return tgid === undefined ? undefined : Number(tgid);
}

/** What /proc says of a task. */
interface TaskStat {
  /** Has ended, and nobody has asked for its status yet. */
  zombie: boolean;
  /** Its start in clock ticks since boot: what tells it from a later task with its number. */
  start: string;
}

/** proc(5): `PID (COMM) STATE ... STARTTIME ...`, the 3rd and the 22nd field; COMM may hold anything. */
function readStat(path: string, files: KernelFiles): TaskStat | undefined {
  const stat = readIfAllowed(files, path);
  if (stat === undefined) return undefined;
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return { zombie: fields[0] === "Z" || fields[0] === "X", start: fields[19] };
}

/** Watches whether a target is still there. */
export class TargetWatch {
  readonly #kind: SetTarget["kind"];
  readonly #files: KernelFiles;
  /** Start times of its processes or threads. */
  readonly #starts: Map<number, string | undefined>;

  /** Of the target as it is now: what is not there counts as ended. */
  constructor(target: SetTarget, files: KernelFiles) {
    this.#kind = target.kind;
    this.#files = files;
    const ids = target.kind === "process" ? target.pids : target.kind === "thread" ? target.tids : [];
    this.#starts = new Map(ids.map((id) => [id, readStat(`/proc/${id}/stat`, files)?.start]));
  }

  /** True when no process or thread of it is left. CPUs do not end. */
  ended(): boolean {
    return this.#kind !== "cpu" && ![...this.#starts].some(([id, start]) => this.#isThere(id, start));
  }

  #isThere(id: number, start: string | undefined): boolean {
    const stat = readStat(`/proc/${id}/stat`, this.#files);
    if (stat === undefined || stat.start !== start) return false;
    if (!stat.zombie || this.#kind === "thread") return !stat.zombie;
    // the first thread of a process may end before the others
    return threadsOf(id, this.#files).some((tid) => {
      const thread = readStat(`/proc/${id}/task/${tid}/stat`, this.#files);
      return thread !== undefined && !thread.zombie;
    });
  }
}
