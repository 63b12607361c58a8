/** Threads of a recording at the current time: their names, and which processes have ended for good. */

import { ABSENT, IntMap } from "../../base/bytes/int_map.ts";

/**
 * Number of ended threads that are remembered: samples from a thread's last moments in the kernel, and from CPUs with
 * clocks a little behind, come after its end.
 */
const ENDED_KEPT = 1024;
/** Stands for the process of a thread that has ended. */
const ENDED = -2;

/** Table of the running threads and their names. */
export class TaskTable {
  readonly #names: string[] = [];
  readonly #nameIds = new Map<string, number>();
  /** Index in #names of each tid. */
  readonly #nameOf = new IntMap();
  /** Process of each tid, or ENDED until the thread is forgotten. */
  readonly #processOf = new IntMap();
  /** Number of known, running threads of each pid. */
  readonly #threads = new IntMap();
  /** Ring of the threads that ended last: pid, tid. */
  readonly #lastEnded = new Int32Array(2 * ENDED_KEPT).fill(ENDED);
  #oldest = 0;

  constructor() {
    this.#nameOf.set(0, this.#nameId("swapper"));
  }

  /** Sets the name of a thread. */
  named(pid: number, tid: number, name: string): void {
    this.#nameOf.set(tid, this.#nameId(name));
    this.#lives(pid, tid);
  }

  /** Starts a thread, with the name of the thread that created it. */
  began(pid: number, tid: number, parent: number): void {
    // 0 is the idle task, or a thread outside the recorded pid namespace
    const name = parent === 0 ? ABSENT : this.#nameOf.get(parent);
    if (name === ABSENT) this.#nameOf.delete(tid);
    else this.#nameOf.set(tid, name);
    this.#lives(pid, tid);
  }

  /** Ends a thread. Returns a process that can be forgotten, not necessarily this one; or -1. */
  ended(pid: number, tid: number): number {
    if (pid < 0 || tid < 0) return -1;
    if (this.#processOf.get(tid) === pid) this.#add(pid, -1);
    this.#processOf.set(tid, ENDED);
    const ring = this.#lastEnded, at = this.#oldest;
    const oldPid = ring[at], oldTid = ring[at + 1];
    ring[at] = pid;
    ring[at + 1] = tid;
    this.#oldest = (at + 2) % ring.length;
    return this.#forget(oldPid, oldTid);
  }

  /** Returns the name of a thread; `:TID` if it has none, as in perf. */
  nameOf(pid: number, tid: number): string {
    if (this.#processOf.get(tid) === ABSENT) this.#lives(pid, tid);
    const name = this.#nameOf.get(tid);
    return name === ABSENT ? `:${tid}` : this.#names[name];
  }

  #forget(pid: number, tid: number): number {
    if (this.#processOf.get(tid) === ENDED) {
      this.#processOf.delete(tid);
      if (tid !== pid) this.#nameOf.delete(tid);
    }
    const threads = this.#threads.get(pid);
    // if nothing announced the process, only the end of its main thread says that it has ended
    if (threads > 0 || (threads === ABSENT && tid !== pid)) return -1;
    this.#threads.delete(pid);
    this.#nameOf.delete(pid);
    return pid;
  }

  /** Notes that a thread runs, and so does the main thread of its process. */
  #lives(pid: number, tid: number): void {
    if (pid < 0 || tid < 0) return;
    const before = this.#processOf.get(tid);
    if (before === pid) return;
    if (before >= 0) this.#add(before, -1);
    this.#processOf.set(tid, pid);
    this.#add(pid, 1);
    if (this.#processOf.get(pid) === ABSENT) this.#lives(pid, pid);
  }

  #add(pid: number, threads: number): void {
    const before = this.#threads.get(pid);
    this.#threads.set(pid, Math.max(0, (before === ABSENT ? 0 : before) + threads));
  }

  #nameId(name: string): number {
    let id = this.#nameIds.get(name);
    if (id === undefined) this.#nameIds.set(name, id = this.#names.push(name) - 1);
    return id;
  }
}
