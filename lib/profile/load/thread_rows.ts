/** Rows of a profile's threads and processes: found by their ids, and named as they were when a sample was taken. */

import { int32Column } from "../../base/bytes/column.ts";
import { mix } from "../../base/bytes/hash.ts";
import { ABSENT, IntMap } from "../../base/bytes/int_map.ts";
import type { AddressSpaces } from "../../symbols/space/address_space.ts";
import { HashIndex } from "../model/hash_index.ts";

const RECENT = 256;
/** Returns a tid that is never looked up in this slot of #recentTids, because its low bits differ. */
const absentTid = (place: number) => ~place;
/** Name of all threads that ran in user space under pid 0: nothing else is known of them. */
const OTHER_NAMESPACE = "[other pid namespace]";
/** Name of what ran in the kernel under pid 0, where that may be more than the idle task. */
const IDLE_OR_OTHER_NAMESPACE = "[idle or other pid namespace]";

/** Numbers threads in the order in which they appear. There is a row for each name that one has had in each process. */
export class ThreadRows {
  readonly comms: string[] = [];
  readonly threads = { pid: int32Column(), tid: int32Column(), comm: int32Column() };
  /** Every process with a row in `threads`, and its last name. */
  readonly processes = { pid: int32Column(), comm: int32Column() };
  /**
   * Row of the thread that stands for everything outside the recorded pid namespace; -1 if there was no sample of that.
   */
  outsiders = -1;
  readonly #spaces: AddressSpaces;
  readonly #mergeThreads: boolean;
  readonly #commIds = new Map<string, number>();
  readonly #processOfPid = new IntMap();
  /** Thread row by tid, valid until its name or process changes. */
  readonly #threadOfTid = new IntMap();
  readonly #threadIndex = new HashIndex();
  readonly #hashOfThread = (row: number) => {
    const { pid, tid, comm } = this.threads;
    return this.#threadHash(pid.data[row], tid.data[row], comm.data[row]);
  };
  /**
   * Recent results of #find, by the low bits of the tid: in a recording CPUs take turns, each with its own
   * thread.
   */
  readonly #recentTids = new Int32Array(RECENT).map((_, place) => absentTid(place));
  readonly #recentThreads = new Int32Array(RECENT);

  /**
   * @param spaces knows the names of threads by their ids.
   * @param mergeThreads counts threads with the same name as one, whatever their processes, with the ids of the first.
   */
  constructor(spaces: AddressSpaces, mergeThreads: boolean) {
    this.#spaces = spaces;
    this.#mergeThreads = mergeThreads;
  }

  /** Returns the row of a thread. */
  of(pid: number, tid: number): number {
    const at = tid & (RECENT - 1);
    return this.#recentTids[at] === tid ? this.#recentThreads[at] : this.#find(pid, tid);
  }

  /** Returns the row that stands for all threads outside the recorded pid namespace. */
  outside(): number {
    if (this.outsiders < 0) {
      this.outsiders = this.#internThread(-1, -1, this.#comm(OTHER_NAMESPACE));
    }
    return this.outsiders;
  }

  /** Takes note that a thread has another name now. */
  rename(pid: number, tid: number, comm: string): void {
    const process = pid === tid ? this.#processOfPid.get(pid) : ABSENT;
    if (process !== ABSENT) this.processes.comm.data[process] = this.#comm(comm);
    this.forget(tid);
  }

  /** Takes note that a thread has ended, or that another one has got its id. */
  forget(tid: number): void {
    this.#threadOfTid.delete(tid);
    const place = tid & (RECENT - 1);
    this.#recentTids[place] = absentTid(place);
  }

  /**
   * Renames pid 0 in a recording that was made in a pid namespace: its kernel samples may be of the idle task, of
   * kernel threads or of processes outside. Call it after the last record.
   */
  nameOutsiders(): void {
    const comm = this.#comm(IDLE_OR_OTHER_NAMESPACE);
    const { threads, processes } = this;
    for (let row = 0; row < threads.pid.length; row++) {
      if (threads.pid.data[row] === 0) threads.comm.data[row] = comm;
    }
    const process = this.#processOfPid.get(0);
    if (process !== ABSENT) processes.comm.data[process] = comm;
    // threads that had ended also have pid -1
    const outside = this.outsiders < 0 ? ABSENT : this.#processOfPid.get(-1);
    if (outside !== ABSENT) processes.comm.data[outside] = this.#comm(OTHER_NAMESPACE);
  }

  /** Searches for the row of a thread that was not seen lately. */
  #find(pid: number, tid: number): number {
    let row = this.#threadOfTid.get(tid);
    if (row === ABSENT) {
      row = this.#internThread(pid, tid, this.#comm(this.#spaces.commOf(pid, tid)));
      this.#threadOfTid.set(tid, row);
    }
    const at = tid & (RECENT - 1);
    this.#recentTids[at] = tid;
    this.#recentThreads[at] = row;
    return row;
  }

  /** Returns the row of such a thread, and adds it and its process if they are new. */
  #internThread(pid: number, tid: number, comm: number): number {
    const index = this.#threadIndex, { threads, processes } = this;
    const isThat = (row: number) =>
      threads.comm.data[row] === comm &&
      (this.#mergeThreads || (threads.tid.data[row] === tid && threads.pid.data[row] === pid));
    let slot = this.#threadHash(pid, tid, comm) & index.mask, entry;
    for (; (entry = index.slots[slot]) !== 0; slot = (slot + 1) & index.mask) {
      if (isThat(entry - 1)) return entry - 1;
    }
    const row = threads.pid.push(pid);
    threads.tid.push(tid);
    threads.comm.push(comm);
    index.insert(slot, row, this.#hashOfThread);
    const name = pid === tid ? comm : this.#comm(this.#spaces.commOf(pid, pid));
    const process = this.#processOfPid.get(pid);
    if (process === ABSENT) {
      this.#processOfPid.set(pid, processes.pid.push(pid));
      processes.comm.push(name);
    } else processes.comm.data[process] = name;
    return row;
  }

  #threadHash(pid: number, tid: number, comm: number): number {
    return this.#mergeThreads ? mix(comm, 0) : mix(mix(pid, tid), comm);
  }

  #comm(name: string): number {
    let id = this.#commIds.get(name);
    if (id === undefined) {
      id = this.comms.push(name) - 1;
      this.#commIds.set(name, id);
    }
    return id;
  }
}
