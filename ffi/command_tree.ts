/**
 * Ends a command with everything that it has started. Most of that is in its process group; what has left it (setsid,
 * a daemon, a shell's own job) is found by its parents. Orphans would be init's children: while a command has a time
 * limit, this process takes them over instead (PR_SET_CHILD_SUBREAPER), so that they are found as well.
 */

import { SIGNAL } from "../lib/base/system/numbers.ts";
import { takeOverOrphans } from "../lib/base/files/libc.ts";
import { isForeignProc } from "../lib/base/files/pid_namespace.ts";
import { ERRNO, PmuError } from "../lib/base/system/errno.ts";
import { hasEnded, parseStat, type ProcStat } from "../lib/base/text/proc_text.ts";
import { type Child, isSpawned, kill, reap } from "./child.ts";

/** Longest time in ms to kill processes that start others meanwhile, and the pause between two rounds of it. */
const MAX_KILL_MS = 2000, PAUSE_MS = 2;
/** Time in ms without a new orphan after which there will be none. */
const QUIET_MS = 20;

/** Number of trees there are: orphans are taken over while there is one. */
let trees = 0;
/** Orphans that were taken over, and have to be waited for when they end. */
const orphans = new Set<number>();

/** Child that leads a process group, with all that it starts: made before the child is released. */
export class CommandTree {
  readonly #child: Child;
  /** Start of the child in clock ticks since boot; undefined where /proc cannot tell. What it starts is not older. */
  readonly #start: number | undefined;
  /** Children that this process had before. */
  readonly #before = new Set(threadsOfThisProcess().flatMap(childrenOf));
  /** Processes that this user may not kill. */
  readonly #forbidden = new Set<number>();
  /** Processes that were sent a signal, with their start. */
  readonly #told = new Map<number, number>();

  constructor(child: Child) {
    this.#child = child;
    this.#start = isForeignProc() ? undefined : statOf(child.pid)?.start;
    if (trees++ === 0) takeOverOrphans(true);
  }

  /** Sends a signal to the child's process group. */
  signalGroup(signal: number): void {
    try {
      this.#child.killGroup(signal);
    } catch (error) {
      if (!(error instanceof PmuError)) throw error; // the whole group has ended
    }
  }

  /** Sends a signal to all processes of the tree. */
  signal(signal: number): void {
    const outside = this.#living().filter(({ group }) => group !== this.#child.pid);
    this.signalGroup(signal);
    for (const { pid } of outside) this.#signalOne(pid, signal);
  }

  /**
   * Sends a signal to each process of the tree that was sent none by this function. A shell that is told to end may have
   * just started its next command, for which it then waits.
   */
  signalNewcomers(signal: number): void {
    for (const { pid, start } of this.#living()) {
      if (this.#told.get(pid) === start) continue;
      this.#told.set(pid, start);
      this.#signalOne(pid, signal);
    }
  }

  /** Kills all processes of the tree, and those that they start meanwhile, until none is left. */
  async kill(): Promise<void> {
    const until = performance.now() + MAX_KILL_MS;
    for (;;) {
      this.signal(SIGNAL.SIGKILL);
      const isQuiet = this.#killOrphans();
      if ((isQuiet && this.#living().length === 0) || performance.now() > until) return;
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }

  /**
   * Kills orphans as they come, for a moment. A process may start its heir and end within a millisecond, faster than
   * all of /proc can be read: but then its heir is a child of this process, and those are listed at once. Returns whether
   * there were none.
   */
  #killOrphans(): boolean {
    let isQuiet = true;
    for (const end = performance.now() + QUIET_MS; performance.now() < end;) {
      for (const pid of this.#adopted()) {
        if (this.#forbidden.has(pid) || reap(pid)) continue;
        isQuiet = false;
        this.#signalOne(pid, SIGNAL.SIGKILL);
      }
    }
    return isQuiet;
  }

  /** Leaves alone what still runs, once the child has ended. */
  close(): void {
    for (const pid of this.#adopted()) orphans.add(pid);
    for (const pid of orphans) if (reap(pid)) orphans.delete(pid);
    if (--trees === 0) takeOverOrphans(false);
  }

  #signalOne(pid: number, signal: number): void {
    try {
      kill(pid, signal);
    } catch (error) {
      if (!(error instanceof PmuError)) throw error; // it has ended
      if (error.errno === ERRNO.EPERM) this.#forbidden.add(pid);
    }
  }

  /** Returns the processes of the tree that have not ended, without those that this user may not kill. */
  #living(): ListedProcess[] {
    if (this.#start === undefined) return [];
    const byParent = Map.groupBy(processes(), ({ ppid }) => ppid);
    const isRoot = ({ pid, start }: ListedProcess) => pid === this.#child.pid || this.#isOrphan(pid, start);
    const found = (byParent.get(Deno.pid) ?? []).filter(isRoot);
    // the list grows while it is walked
    for (const { pid } of found) found.push(...byParent.get(pid) ?? []);
    return found.filter((process) => !hasEnded(process) && !this.#forbidden.has(process.pid));
  }

  /** Returns the children of this process that were orphans. */
  #adopted(): number[] {
    if (this.#start === undefined) return [];
    return childrenOf(Deno.pid).filter((pid) => this.#isOrphan(pid, statOf(pid)?.start ?? -1));
  }

  /** Tells an orphan from the children that this process has spawned. */
  #isOrphan(pid: number, start: number): boolean {
    return !isSpawned(pid) && !this.#before.has(pid) && start >= this.#start!;
  }
}

interface ListedProcess extends ProcStat {
  pid: number;
}

/** Lists all processes that /proc shows. */
function processes(): ListedProcess[] {
  return Array.from(Deno.readDirSync("/proc")).flatMap(({ name }) => {
    const stat = /^\d+$/.test(name) ? statOf(Number(name)) : undefined;
    return stat ? [{ ...stat, pid: Number(name) }] : [];
  });
}

function threadsOfThisProcess(): number[] {
  return Array.from(Deno.readDirSync("/proc/self/task"), ({ name }) => Number(name));
}

/** Lists the children of a thread of this process. The first thread gets the orphans; others may have spawned. */
function childrenOf(thread: number): number[] {
  try {
    const text = Deno.readTextFileSync(`/proc/self/task/${thread}/children`);
    return text.split(" ").filter((pid) => pid !== "").map(Number);
  } catch {
    return []; // a kernel without CONFIG_PROC_CHILDREN
  }
}

function statOf(pid: number): ProcStat | undefined {
  try {
    return parseStat(Deno.readTextFileSync(`/proc/${pid}/stat`));
  } catch {
    return undefined; // it has ended
  }
}
