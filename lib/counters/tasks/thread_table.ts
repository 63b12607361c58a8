/**
 * The threads of the tasks that are measured, from the kernel's records: who came, went, forked and
 * exec'ed, and what each had counted when it ended. Pure: records go in, rows come out.
 *
 * A thread that another one started counts by events inherited from the root, the thread they were opened on.
 * At its end the kernel tells what each of them had counted in it (PERF_RECORD_READ, behind the EXIT),
 * exactly, and adds it to the root's own. For one thread of those of a root it does not: the one that has the
 * events that were opened, which is the root's own thread, or on kernels before 6.13 one that it
 * exchanged events with. What that one counted is the root's total less all that was told, known
 * once the others have ended.
 */

import type { Read } from "../../perfdata/format/records.ts";
import type { Row, RowEvent } from "../rows/row.ts";
import type { TaskRecord } from "./task_records.ts";

/** Counts of all columns of all sets, one behind another. */
export interface Tally {
  values: bigint[];
  /** ns that each was on a counter. */
  runningNs: number[];
}

/** What a row's Tally is not quite. */
export type Doubt =
  /** Not all that the kernel had to say came through. */
  | "incomplete"
  /** Threads that inherited from it go on, and what they counted is in it. */
  | "with others"
  /** The kernel stopped measuring it at an exec. */
  | "cut";

/** A row to be made, its counts as a Tally. */
export interface LwpRow {
  event: RowEvent;
  timeNs: bigint;
  pid: number;
  lwp: number;
  tally?: Tally;
  doubt?: Doubt;
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
export interface LwpWorld {
  columns: number;
  /** Children that are processes are measured, too. */
  followForks: boolean;
  /** The threads that are started are measured, too. */
  followThreads: boolean;
  /** READs that a thread that inherits from the root sends at its end; 0 where none come. */
  readsPerLwp(root: number): number;
  /** When counting began: who ended before has counted nothing, and what happened before is not told. */
  startNs(): bigint;
  /** undefined for an id that is none of the counters'. */
  placeOf(id: bigint): ReadPlace | undefined;
  /** The root's counts with all that was inherited from it; its thread has ended. */
  totalOf(root: number): Tally;
}

interface Lwp {
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
  lwps: number;
  tally: Tally;
  doubt?: Doubt;
  exitNs: bigint;
}

/** A thread that events were opened on, and all who inherited from it. */
interface Root {
  /** Threads that have not had their last row. */
  lwps: number;
  /** Those of them that have ended without READs. */
  silent: Lwp[];
  /** Sum of what was told of those that had their last row. */
  told: Tally;
  incomplete: boolean;
}

/** Rounds of records to wait for READs behind an EXIT: one may be of a ring that was read before. */
const PATIENCE = 3;

export class LwpTable {
  readonly #world: LwpWorld;
  readonly #emit: (row: LwpRow) => void;
  readonly #lwps = new Map<number, Lwp>();
  readonly #ended = new Map<number, Lwp>();
  readonly #processes = new Map<number, Process>();
  readonly #roots: Root[] = [];
  readonly #unfollowed = new Set<number>();
  readonly #cuts = new Set<string>();
  #seen = 0;

  constructor(world: LwpWorld, emit: (row: LwpRow) => void) {
    this.#world = world;
    this.#emit = (row) => {
      if (row.timeNs >= world.startNs()) emit(row);
    };
  }

  /** Threads that are measured now. */
  get live(): number {
    return this.#lwps.size;
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
  *lwps(): Generator<{ pid: number; tid: number }> {
    for (const { pid, tid } of this.#lwps.values()) yield { pid, tid };
  }

  has(tid: number): boolean {
    return this.#lwps.has(tid);
  }

  /** A thread on which events were opened; roots are numbered in the order they are added. */
  addRoot(pid: number, tid: number): void {
    this.#roots.push({ lwps: 0, silent: [], told: emptyTally(this.#world.columns), incomplete: false });
    this.#add(pid, tid, this.#roots.length - 1);
  }

  /** Whether a thread that such a record tells of is measured. */
  follows({ pid, ppid, ptid }: { pid: number; ppid: number; ptid: number }): boolean {
    if (!this.#lwps.has(ptid)) return false;
    return pid === ppid ? this.#world.followThreads : this.#world.followForks;
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
        return this.#runs(record.tid);
      case "read":
        return this.#read(record.tid, record.read);
      case "lost": // maps may be among them
        for (const { tid } of this.#lwps.values()) this.#runs(tid);
    }
  }

  /** A thread has begun with a program, which is no row by itself: the command's own exec. */
  begins(tid: number, program: string): void {
    const lwp = this.#lwps.get(tid);
    if (lwp) lwp.starting = program;
  }

  /** Some more of the records are through: those who have ended long enough ago get their last row. */
  endRound(): void {
    for (const lwp of [...this.#ended.values()]) if (++lwp.waited >= PATIENCE) this.#giveUpWaiting(lwp);
  }

  /** There are no more records: all who have ended get their last row. */
  finish(): void {
    for (const lwp of [...this.#ended.values()]) this.#giveUpWaiting(lwp);
    for (const root of this.#roots) this.#shareRest(root);
  }

  #fork(record: TaskRecord & { kind: "fork" }) {
    const { pid, tid, ppid, ptid, timeNs } = record;
    const parent = this.#lwps.get(ptid);
    if (!parent || this.#lwps.has(tid)) return;
    const isThread = pid === ppid;
    if (!isThread) this.#emit({ event: "fork", timeNs, pid: ppid, lwp: ptid, child: pid });
    if (this.follows(record)) {
      const stale = this.#ended.get(tid); // the number is in use again
      if (stale) this.#giveUpWaiting(stale);
      this.#add(pid, tid, parent.root);
      if (isThread) {
        this.#emit({ event: "lwp_create", timeNs, pid, lwp: tid, tally: emptyTally(this.#world.columns) });
      }
    } else if (!isThread) this.#unfollowed.add(pid);
  }

  #exec({ pid, tid, timeNs, command }: TaskRecord & { kind: "exec" }) {
    if (!this.#lwps.has(tid)) {
      // exec by a thread other than the first takes over the first one's number, which had ended
      const heir = [...this.#lwps.values()].find((lwp) => lwp.pid === pid);
      if (!heir) return;
      this.#lwps.delete(heir.tid);
      this.#lwps.set(tid, { ...heir, tid });
    }
    this.begins(tid, command);
    this.#emit({ event: "exec", timeNs, pid, lwp: tid, command });
  }

  #runs(tid: number) {
    const lwp = this.#lwps.get(tid);
    if (lwp?.starting !== undefined) lwp.starting = undefined;
  }

  #exit({ tid, timeNs }: TaskRecord & { kind: "exit" }) {
    const lwp = this.#lwps.get(tid);
    if (!lwp) return;
    this.#lwps.delete(tid);
    if (lwp.starting !== undefined) {
      lwp.cut = true;
      this.#cuts.add(lwp.starting);
    }
    lwp.exitNs = timeNs;
    this.#ended.set(tid, lwp);
    this.#finishIfKnown(lwp);
  }

  #read(tid: number, read: Read) {
    const place = this.#world.placeOf(read.id);
    const lwp = this.#ended.get(tid) ?? this.#lwps.get(tid);
    if (!place || !lwp) return;
    lwp.tally.values[place.column] += read.value;
    lwp.tally.runningNs[place.column] += read.runningNs;
    lwp.reads++;
    this.#finishIfKnown(lwp);
  }

  #finishIfKnown(lwp: Lwp) {
    if (lwp.exitNs === undefined) return;
    const noneCome = this.#world.readsPerLwp(lwp.root) === 0;
    if (noneCome || this.#toldAll(lwp)) this.#finishTold(lwp);
    else if (this.#roots[lwp.root].lwps === 1 && lwp.reads === 0) this.#giveUpWaiting(lwp);
  }

  #giveUpWaiting(lwp: Lwp) {
    this.#ended.delete(lwp.tid);
    const root = this.#roots[lwp.root];
    if (lwp.reads > 0) return this.#finishTold(lwp);
    root.silent.push(lwp);
    if (root.silent.length === root.lwps) this.#shareRest(root);
  }

  #toldAll({ root, exitNs, reads }: Lwp): boolean {
    if (exitNs !== undefined && exitNs < this.#world.startNs()) return true;
    const due = this.#world.readsPerLwp(root);
    return due > 0 && reads >= due;
  }

  #finishTold(lwp: Lwp) {
    this.#ended.delete(lwp.tid);
    const root = this.#roots[lwp.root];
    const complete = this.#toldAll(lwp);
    if (!complete) root.incomplete = true;
    add(root.told, lwp.tally);
    root.lwps--;
    this.#lastRows(lwp, lwp.tally, complete ? undefined : "incomplete");
    if (root.silent.length === root.lwps) this.#shareRest(root);
  }

  /** The last rows of those without READs: there should be one, which has what is left of the total. */
  #shareRest(root: Root) {
    const silent = root.silent.splice(0);
    if (silent.length === 0) return;
    root.lwps -= silent.length;
    const rest = this.#world.totalOf(silent[0].root);
    add(rest, root.told, -1);
    const doubt = silent.length > 1 || root.incomplete
      ? "incomplete"
      : root.lwps > 0
      ? "with others"
      : undefined;
    for (const lwp of silent) this.#lastRows(lwp, rest, doubt);
  }

  #lastRows(lwp: Lwp, tally: Tally, otherDoubt: Doubt | undefined) {
    const { pid, tid, exitNs = 0n } = lwp;
    const doubt = lwp.cut ? "cut" : otherDoubt;
    this.#emit({ event: "lwp_exit", timeNs: exitNs, pid, lwp: tid, tally, ...(doubt ? { doubt } : {}) });
    const process = this.#processes.get(pid)!;
    add(process.tally, tally);
    process.doubt ??= doubt;
    if (exitNs > process.exitNs) process.exitNs = exitNs;
    if (--process.lwps > 0) return;
    this.#processes.delete(pid);
    this.#emit({
      event: "exit",
      timeNs: process.exitNs,
      pid,
      lwp: pid,
      tally: process.tally,
      ...(process.doubt ? { doubt: process.doubt } : {}),
    });
  }

  #add(pid: number, tid: number, root: number) {
    const tally = emptyTally(this.#world.columns);
    this.#roots[root].lwps++;
    const lwp = { pid, tid, root, tally, reads: 0, waited: 0 };
    this.#lwps.set(tid, lwp);
    this.#seen++;
    const process = this.#processes.get(pid);
    if (process) process.lwps++;
    else this.#processes.set(pid, { lwps: 1, tally: emptyTally(this.#world.columns), exitNs: 0n });
  }
}

/** Nothing counted. */
export function emptyTally(columns: number): Tally {
  return { values: new Array(columns).fill(0n), runningNs: new Array(columns).fill(0) };
}

/** Adds `more` to `sum`, or takes it off. */
export function add(sum: Tally, more: Tally, sign: 1 | -1 = 1): void {
  for (let i = 0; i < sum.values.length; i++) {
    sum.values[i] += BigInt(sign) * more.values[i];
    sum.runningNs[i] += sign * more.runningNs[i];
  }
}

/** Rows that have to do with counting carry it; for callers that make whole rows. */
export function eventRow({ event, timeNs, pid, lwp, child, command }: LwpRow): Row {
  return {
    event,
    timeNs,
    pid,
    lwp,
    ...(child === undefined ? {} : { child }),
    ...(command === undefined ? {} : { command }),
  };
}
