/**
 * The threads of the tasks that are measured, from the kernel's records: who came, went, forked and
 * exec'ed, and what each had counted when it ended. Pure: records go in, rows come out.
 *
 * A thread that another one started counts by events inherited from the root, the thread they were opened on.
 * At its end the kernel tells what each of them had counted in it (PERF_RECORD_READ, behind the EXIT),
 * exactly, and adds it to the root's own. For one thread of those of a root it does not: the one that has the
 * events that were opened, which is the root's own thread, or on kernels before 6.13 one that it
 * exchanged events with. What that one counted is the root's total less all that was reported, known
 * once the others have ended.
 */

import type { Read } from "../../perfdata/format/records.ts";
import type { BindRow, RowEvent } from "../rows/row.ts";
import type { TaskRecord } from "./task_records.ts";

/** Counts of all columns of all sets, one behind another. */
export interface Tally {
  values: bigint[];
  /** ns that each was on a counter. */
  runningNs: number[];
}

/** What a row's Tally is not quite. */
export type Caveat =
  /** Not all that the kernel had to say came through. */
  | "incomplete"
  /** Threads that inherited from it go on, and what they counted is in it. */
  | "with others"
  /** The kernel stopped measuring it at an exec. */
  | "cut";

/** A row to be made, its counts as a Tally. */
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

/** Where a READ belongs. */
export interface ReadPlace {
  root: number;
  /** Index in the Tally. */
  column: number;
}

/** What the table asks of those who opened the events. */
export interface ThreadTableOptions {
  columns: number;
  /** Children that are processes are measured, too. */
  followForks: boolean;
  /** The threads that are started are measured, too. */
  followThreads: boolean;
  /** READs that a thread that inherits from the root sends at its end; 0 where none come. */
  readsPerThread(root: number): number;
  /** When counting began: who ended before has counted nothing, and what happened before is not reported. */
  startNs(): bigint;
  /** undefined for an id that is none of the counters'. */
  placeOf(id: bigint): ReadPlace | undefined;
  /** The root's counts with all that was inherited from it; its thread has ended. */
  totalOf(root: number): Tally;
}

interface CountedThread {
  pid: number;
  tid: number;
  root: number;
  tally: Tally;
  /** READs that came. */
  reads: number;
  exitNs?: bigint;
  /** The program that it exec'ed and of which no code was mapped yet. */
  starting?: string;
  cut?: boolean;
  /** Rounds since its EXIT. */
  waited: number;
}

interface Process {
  /** Threads that have not had their last row. */
  unfinished: number;
  tally: Tally;
  caveat?: Caveat;
  exitNs: bigint;
}

/** A thread that events were opened on, and all who inherited from it. */
interface Root {
  /** Threads that have not had their last row. */
  unfinished: number;
  /** Those of them that have ended without READs. */
  silent: CountedThread[];
  /** Sum of what was told of those that had their last row. */
  reported: Tally;
  incomplete: boolean;
}

/** Rounds of records to wait for READs behind an EXIT: one may be of a ring that was read before. */
const MAX_ROUNDS_WAITED = 3;

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

  /** Threads that are measured now. */
  get live(): number {
    return this.#live.size;
  }

  /** Threads that were measured at any time. */
  get seen(): number {
    return this.#seen;
  }

  /** Processes that were started and are not measured. */
  get unfollowed(): number {
    return this.#unfollowed.size;
  }

  /**
   * Programs that the kernel stopped measuring at their exec. Such a thread ends there, as far as records tell: without
   * having mapped the program's code (see ffi/shim/drain/cuts.h).
   */
  get cuts(): string[] {
    return [...this.#cuts];
  }

  /** The threads measured now: process, thread. */
  *liveThreads(): Generator<{ pid: number; tid: number }> {
    for (const { pid, tid } of this.#live.values()) yield { pid, tid };
  }

  has(tid: number): boolean {
    return this.#live.has(tid);
  }

  /** A thread on which events were opened; roots are numbered in the order they are added. */
  addRoot(pid: number, tid: number): void {
    this.#roots.push({
      unfinished: 0,
      silent: [],
      reported: emptyTally(this.#options.columns),
      incomplete: false,
    });
    this.#add(pid, tid, this.#roots.length - 1);
  }

  /** Whether a thread that such a record tells of is measured. */
  follows({ pid, ppid, ptid }: { pid: number; ppid: number; ptid: number }): boolean {
    if (!this.#live.has(ptid)) return false;
    return pid === ppid ? this.#options.followThreads : this.#options.followForks;
  }

  /** The next record, in order of time. */
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
      case "lost": // maps may be among them
        for (const { tid } of this.#live.values()) this.#codeMapped(tid);
    }
  }

  /** A thread has begun with a program, which is no row by itself: the command's own exec. */
  startProgram(tid: number, program: string): void {
    const lwp = this.#live.get(tid);
    if (lwp) lwp.starting = program;
  }

  /** Some more of the records are through: those who have ended long enough ago get their last row. */
  endRound(): void {
    for (const lwp of [...this.#ended.values()]) {
      if (++lwp.waited >= MAX_ROUNDS_WAITED) this.#stopWaiting(lwp);
    }
  }

  /** There are no more records: all who have ended get their last row. */
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
      const stale = this.#ended.get(tid); // the number is in use again
      if (stale) this.#stopWaiting(stale);
      this.#add(pid, tid, parent.root);
      if (isThread) {
        this.#emit({ event: "lwp_create", timeNs, pid, lwp: tid, tally: emptyTally(this.#options.columns) });
      }
    } else if (!isThread) this.#unfollowed.add(pid);
  }

  #exec({ pid, tid, timeNs, command }: TaskRecord & { kind: "exec" }) {
    if (!this.#live.has(tid)) {
      // exec by a thread other than the first takes over the first one's number, which had ended
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

  /** The last rows of those without READs: there should be one, which has what is left of the total. */
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

/** Nothing counted. */
export function emptyTally(columns: number): Tally {
  return { values: new Array(columns).fill(0n), runningNs: new Array(columns).fill(0) };
}

/** Adds `more` to `sum`, or takes it off. */
export function addTally(sum: Tally, more: Tally, sign: 1 | -1 = 1): void {
  for (let i = 0; i < sum.values.length; i++) {
    sum.values[i] += BigInt(sign) * more.values[i];
    sum.runningNs[i] += sign * more.runningNs[i];
  }
}

/** Rows that have to do with counting carry it; for callers that make whole rows. */
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
