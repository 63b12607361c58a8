/**
 * Tracks the threads of measured tasks by the kernel's records: forks, execs and exits, and what each thread had
 * counted when it ended. Performs no I/O: records go in, rows come out.
 *
 * A thread that another one started counts by events inherited from its root, the thread that the events were opened
 * on. At its exit, the kernel reports its exact counts (PERF_RECORD_READ, after the EXIT) and adds them to the
 * root's. One thread per root gets no READs: the one that has the opened events, which is the root's own thread, or,
 * on kernels before 6.13, one that it swapped events with. Its counts are the root's total minus all reported counts,
 * which is known once the others have ended.
 */

import type { Read } from "../../perfdata/format/records.ts";
import type { BindRow, RowEvent } from "../rows/row.ts";
import type { TaskRecord } from "./task_records.ts";

/** Counts of all columns of all sets, set by set. */
export interface Tally {
  values: bigint[];
  /** Time in ns that each column was on a counter. */
  runningNs: number[];
}

/** Reasons why a row's tally is not exactly its thread's. */
export type Caveat =
  /** Some of the kernel's records were lost. */
  | "incomplete"
  /** Includes counts of threads that inherited from it and are still running. */
  | "with others"
  /** Ends at an exec where the kernel stopped measuring. */
  | "cut";

/** Row with its counts still in a tally. */
export interface ThreadRow {
  event: RowEvent;
  timeNs: bigint;
  pid: number;
  lwp: number;
  tally?: Tally;
  caveat?: Caveat;
  child?: number;
  command?: string;
}

/** Destination of a READ. */
export interface ReadPlace {
  root: number;
  /** Index in the tally. */
  column: number;
}

/** Options of a ThreadTable, and queries about the open events. */
export interface ThreadTableOptions {
  columns: number;
  /** Counts processes that are started. */
  followForks: boolean;
  /** Counts threads that are started. */
  followThreads: boolean;
  /** Returns the number of READs that each thread below the root sends at its exit; 0 when the kernel sends none. */
  readsPerThread(root: number): number;
  /**
   * Returns when counting began, in ns. Earlier events make no rows, and threads that ended before have counted
   * nothing.
   */
  startNs(): bigint;
  /** Returns where the event with this id counts; undefined for an unknown id. */
  placeOf(id: bigint): ReadPlace | undefined;
  /** Returns the counts of the root and all that inherited from it. Called after its thread has ended. */
  totalOf(root: number): Tally;
}

interface CountedThread {
  pid: number;
  tid: number;
  root: number;
  tally: Tally;
  /** Number of READs received. */
  reads: number;
  exitNs?: bigint;
  /** Program that it exec'ed, until code of it is mapped. */
  starting?: string;
  cut?: boolean;
  /** Rounds since its EXIT. */
  waited: number;
}

interface Process {
  /** Threads whose last row has not been emitted. */
  unfinished: number;
  tally: Tally;
  caveat?: Caveat;
  exitNs: bigint;
}

/** Thread that events were opened on, with all that inherited from it. */
interface Root {
  /** Threads whose last row has not been emitted. */
  unfinished: number;
  /** Unfinished threads that ended without READs. */
  silent: CountedThread[];
  /** Sum of the counts in last rows emitted so far. */
  reported: Tally;
  incomplete: boolean;
}

/** Rounds to wait for READs after an EXIT, since they may be in a ring that was drained earlier in the round. */
const MAX_ROUNDS_WAITED = 3;

/** Table of measured threads. */
export class ThreadTable {
  readonly #options: ThreadTableOptions;
  readonly #emit: (row: ThreadRow) => void;
  readonly #live = new Map<number, CountedThread>();
  readonly #ended = new Map<number, CountedThread>();
  readonly #processes = new Map<number, Process>();
  readonly #roots: Root[] = [];
  readonly #unfollowed = new Set<number>();
  readonly #cuts = new Set<string>();
  #seen = 0;

  constructor(options: ThreadTableOptions, emit: (row: ThreadRow) => void) {
    this.#options = options;
    this.#emit = (row) => {
      if (row.timeNs >= options.startNs()) emit(row);
    };
  }

  /** Number of threads measured now. */
  get live(): number {
    return this.#live.size;
  }

  /** Number of threads measured so far. */
  get seen(): number {
    return this.#seen;
  }

  /** Number of processes that were started but are not measured. */
  get unfollowed(): number {
    return this.#unfollowed.size;
  }

  /**
   * Programs that the kernel stopped measuring at their exec. In the records, such a thread ends there, without
   * having mapped the program's code (see ffi/shim/drain/cuts.h).
   */
  get cuts(): string[] {
    return [...this.#cuts];
  }

  /** Yields the threads measured now. */
  *liveThreads(): Generator<{ pid: number; tid: number }> {
    for (const { pid, tid } of this.#live.values()) yield { pid, tid };
  }

  has(tid: number): boolean {
    return this.#live.has(tid);
  }

  /** Adds a thread that events were opened on. Roots are numbered in the order in which they are added. */
  addRoot(pid: number, tid: number): void {
    this.#roots.push({
      unfinished: 0,
      silent: [],
      reported: emptyTally(this.#options.columns),
      incomplete: false,
    });
    this.#add(pid, tid, this.#roots.length - 1);
  }

  /** Tells whether the thread that a FORK announces is measured. */
  follows({ pid, ppid, ptid }: { pid: number; ppid: number; ptid: number }): boolean {
    if (!this.#live.has(ptid)) return false;
    return pid === ppid ? this.#options.followThreads : this.#options.followForks;
  }

  /** Processes the next record, in order of time. */
  take(record: TaskRecord): void {
    switch (record.kind) {
      case "fork":
        return this.#fork(record);
      case "exec":
        return this.#exec(record);
      case "exit":
        return this.#exit(record);
      case "map":
        return this.#codeMapped(record.tid);
      case "read":
        return this.#read(record.tid, record.read);
      case "lost": // may have been maps
        for (const { tid } of this.#live.values()) this.#codeMapped(tid);
    }
  }

  /** Notes that a thread starts with this program, without a row: the command's own exec. */
  startProgram(tid: number, program: string): void {
    const lwp = this.#live.get(tid);
    if (lwp) lwp.starting = program;
  }

  /** Ends a round of records: threads that ended several rounds ago get their last row. */
  endRound(): void {
    for (const lwp of [...this.#ended.values()]) {
      if (++lwp.waited >= MAX_ROUNDS_WAITED) this.#stopWaiting(lwp);
    }
  }

  /** Ends the input: all ended threads get their last row. */
  finish(): void {
    for (const lwp of [...this.#ended.values()]) this.#stopWaiting(lwp);
    for (const root of this.#roots) this.#shareRest(root);
  }

  #fork(record: TaskRecord & { kind: "fork" }) {
    const { pid, tid, ppid, ptid, timeNs } = record;
    const parent = this.#live.get(ptid);
    if (!parent || this.#live.has(tid)) return;
    const isThread = pid === ppid;
    if (!isThread) this.#emit({ event: "fork", timeNs, pid: ppid, lwp: ptid, child: pid });
    if (this.follows(record)) {
      const stale = this.#ended.get(tid); // the number has been reused
      if (stale) this.#stopWaiting(stale);
      this.#add(pid, tid, parent.root);
      if (isThread) {
        this.#emit({ event: "lwp_create", timeNs, pid, lwp: tid, tally: emptyTally(this.#options.columns) });
      }
    } else if (!isThread) this.#unfollowed.add(pid);
  }

  #exec({ pid, tid, timeNs, command }: TaskRecord & { kind: "exec" }) {
    if (!this.#live.has(tid)) {
      // An exec by a thread other than the first one takes over the first one's number, which had ended.
      const heir = [...this.#live.values()].find((lwp) => lwp.pid === pid);
      if (!heir) return;
      this.#live.delete(heir.tid);
      this.#live.set(tid, { ...heir, tid });
    }
    this.startProgram(tid, command);
    this.#emit({ event: "exec", timeNs, pid, lwp: tid, command });
  }

  #codeMapped(tid: number) {
    const lwp = this.#live.get(tid);
    if (lwp?.starting !== undefined) lwp.starting = undefined;
  }

  #exit({ tid, timeNs }: TaskRecord & { kind: "exit" }) {
    const lwp = this.#live.get(tid);
    if (!lwp) return;
    this.#live.delete(tid);
    if (lwp.starting !== undefined) {
      lwp.cut = true;
      this.#cuts.add(lwp.starting);
    }
    lwp.exitNs = timeNs;
    this.#ended.set(tid, lwp);
    this.#finishIfKnown(lwp);
  }

  #read(tid: number, read: Read) {
    const place = this.#options.placeOf(read.id);
    const lwp = this.#ended.get(tid) ?? this.#live.get(tid);
    if (!place || !lwp) return;
    lwp.tally.values[place.column] += read.value;
    lwp.tally.runningNs[place.column] += read.runningNs;
    lwp.reads++;
    this.#finishIfKnown(lwp);
  }

  #finishIfKnown(lwp: CountedThread) {
    if (lwp.exitNs === undefined) return;
    const noReads = this.#options.readsPerThread(lwp.root) === 0;
    if (noReads || this.#hasAllReads(lwp)) this.#finishWithReads(lwp);
    else if (this.#roots[lwp.root].unfinished === 1 && lwp.reads === 0) this.#stopWaiting(lwp);
  }

  #stopWaiting(lwp: CountedThread) {
    this.#ended.delete(lwp.tid);
    const root = this.#roots[lwp.root];
    if (lwp.reads > 0) return this.#finishWithReads(lwp);
    root.silent.push(lwp);
    if (root.silent.length === root.unfinished) this.#shareRest(root);
  }

  #hasAllReads({ root, exitNs, reads }: CountedThread): boolean {
    if (exitNs !== undefined && exitNs < this.#options.startNs()) return true;
    const due = this.#options.readsPerThread(root);
    return due > 0 && reads >= due;
  }

  #finishWithReads(lwp: CountedThread) {
    this.#ended.delete(lwp.tid);
    const root = this.#roots[lwp.root];
    const complete = this.#hasAllReads(lwp);
    if (!complete) root.incomplete = true;
    addTally(root.reported, lwp.tally);
    root.unfinished--;
    this.#lastRows(lwp, lwp.tally, complete ? undefined : "incomplete");
    if (root.silent.length === root.unfinished) this.#shareRest(root);
  }

  /** Emits the last rows of threads without READs. There should be one, which gets the rest of the total. */
  #shareRest(root: Root) {
    const silent = root.silent.splice(0);
    if (silent.length === 0) return;
    root.unfinished -= silent.length;
    const rest = this.#options.totalOf(silent[0].root);
    addTally(rest, root.reported, -1);
    const caveat = silent.length > 1 || root.incomplete
      ? "incomplete"
      : root.unfinished > 0
      ? "with others"
      : undefined;
    for (const lwp of silent) this.#lastRows(lwp, rest, caveat);
  }

  #lastRows(lwp: CountedThread, tally: Tally, otherCaveat: Caveat | undefined) {
    const { pid, tid, exitNs = 0n } = lwp;
    const caveat = lwp.cut ? "cut" : otherCaveat;
    this.#emit({ event: "lwp_exit", timeNs: exitNs, pid, lwp: tid, tally, ...(caveat ? { caveat } : {}) });
    const process = this.#processes.get(pid)!;
    addTally(process.tally, tally);
    process.caveat ??= caveat;
    if (exitNs > process.exitNs) process.exitNs = exitNs;
    if (--process.unfinished > 0) return;
    this.#processes.delete(pid);
    this.#emit({
      event: "exit",
      timeNs: process.exitNs,
      pid,
      lwp: pid,
      tally: process.tally,
      ...(process.caveat ? { caveat: process.caveat } : {}),
    });
  }

  #add(pid: number, tid: number, root: number) {
    const tally = emptyTally(this.#options.columns);
    this.#roots[root].unfinished++;
    const lwp = { pid, tid, root, tally, reads: 0, waited: 0 };
    this.#live.set(tid, lwp);
    this.#seen++;
    const process = this.#processes.get(pid);
    if (process) process.unfinished++;
    else this.#processes.set(pid, { unfinished: 1, tally: emptyTally(this.#options.columns), exitNs: 0n });
  }
}

/** Returns a tally of zeros. */
export function emptyTally(columns: number): Tally {
  return { values: new Array(columns).fill(0n), runningNs: new Array(columns).fill(0) };
}

/** Adds `more` to `sum`, or subtracts it with a `sign` of -1. */
export function addTally(sum: Tally, more: Tally, sign: 1 | -1 = 1): void {
  for (let i = 0; i < sum.values.length; i++) {
    sum.values[i] += BigInt(sign) * more.values[i];
    sum.runningNs[i] += sign * more.runningNs[i];
  }
}

/** Returns the row without counts, which the caller adds. */
export function eventRow({ event, timeNs, pid, lwp, child, command }: ThreadRow): BindRow {
  return {
    event,
    timeNs,
    pid,
    lwp,
    ...(child === undefined ? {} : { child }),
    ...(command === undefined ? {} : { command }),
  };
}
