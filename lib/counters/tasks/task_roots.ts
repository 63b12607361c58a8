/** Manages the threads that events are opened on, and reads all their events as one. */

import { closeEvent, type Drain, setOutput } from "../../../ffi/pmu.ts";
import { ERRNO } from "../../base/system/errno.ts";
import { UnsupportedError } from "../../base/system/errors.ts";
import type { CounterSet } from "../rows/row_sink.ts";
import { addTally, emptyTally, type ReadPlace, type Tally } from "./thread_table.ts";
import {
  addRing,
  columnsOf,
  openLifecycle,
  type TaskConditions,
  TaskCounters,
  type TaskCounting,
} from "./task_counters.ts";

/** Thread to open events on. */
export interface RootThread {
  pid: number;
  tid: number;
  /** Name in errors: `pid 412`. */
  target: string;
}

interface Root {
  thread: RootThread;
  counters: TaskCounters;
  lifecycle: { cpu: number; fd: number }[];
}

const LIFECYCLE_PAGES = 32;

/** Open counters of all roots. */
export class TaskRoots {
  readonly #counting: TaskCounting;
  readonly #cpus: readonly number[];
  readonly #roots: Root[] = [];
  readonly #places = new Map<bigint, ReadPlace>();
  #sets: readonly CounterSet[];

  private constructor(counting: TaskCounting, cpus: readonly number[]) {
    this.#counting = counting;
    this.#sets = counting.sets;
    this.#cpus = cpus;
  }

  /**
   * Opens the sets on those of `threads` that still exist, disabled, or to be enabled by their exec. `cpus` are the
   * CPUs to report threads from: all of them. Throws UnsupportedError when an event is refused, or when none of the
   * threads exists any more.
   */
  static open(
    threads: readonly RootThread[],
    counting: TaskCounting,
    cpus: readonly number[],
    conditions: TaskConditions,
  ): TaskRoots {
    const roots = new TaskRoots(counting, cpus);
    let gone: unknown;
    try {
      for (const thread of threads) {
        try {
          roots.#add(thread, roots.threads.length === 0 ? conditions : { ...conditions, note: () => {} });
        } catch (error) {
          if (!(error instanceof UnsupportedError) || error.errno !== ERRNO.ESRCH) throw error;
          gone = error; // a thread may end while others are opened
        }
      }
      if (roots.threads.length === 0) throw gone;
    } catch (error) {
      roots.close();
      throw error;
    }
    return roots;
  }

  #add(thread: RootThread, conditions: TaskConditions) {
    const { tid, target } = thread;
    const counting = { ...this.#counting, sets: this.#sets };
    const opening = { ...conditions, tid, target };
    const counters = TaskCounters.open(counting, opening);
    let lifecycle: Root["lifecycle"];
    try {
      lifecycle = openLifecycle(counting, opening, this.#cpus);
    } catch (error) {
      counters.close();
      throw error;
    }
    this.#sets = counters.sets; // the next threads get the same events, without another note
    this.#roots.push({ thread, counters, lifecycle });
    this.#addPlaces(counters, this.#roots.length - 1);
  }

  /** Sets that are really counted. */
  get sets(): readonly CounterSet[] {
    return this.#sets;
  }

  /** Threads, in the order of their numbers. */
  get threads(): RootThread[] {
    return this.#roots.map((root) => root.thread);
  }

  /**
   * Maps the rings: one per CPU for records of threads, and one per event that reports counts at exits. Throws
   * UnsupportedError.
   */
  addRings(drain: Drain): void {
    const owner = new Map<number, number>();
    for (const { cpu, fd } of this.#roots.flatMap((root) => root.lifecycle)) {
      const ring = owner.get(cpu);
      if (ring !== undefined) {
        setOutput(fd, ring);
        continue;
      }
      addRing(drain, fd, LIFECYCLE_PAGES, cpu);
      owner.set(cpu, fd);
    }
    if (!this.#counting.atExit) return;
    for (const { counters } of this.#roots) counters.addRings(drain, this.#ringPages);
  }

  /** Returns the number of READs that each thread below this root sends at its exit. */
  readsPerThread(root: number): number {
    return this.#roots[root].counters.reads;
  }

  placeOf(id: bigint): ReadPlace | undefined {
    return this.#places.get(id);
  }

  enable(set: number): void {
    for (const { counters } of this.#roots) counters.enable(set);
  }

  disable(set: number): void {
    for (const { counters } of this.#roots) counters.disable(set);
  }

  /** Returns the counts of the root's thread and of all that inherited its events. */
  totalOf(root: number): Tally {
    return this.#roots[root].counters.read();
  }

  /** Returns the counts of all roots together. */
  total(): Tally {
    const total = emptyTally(columnsOf(this.#sets));
    this.#roots.forEach((_, root) => addTally(total, this.totalOf(root)));
    return total;
  }

  close(): void {
    for (const { counters, lifecycle } of this.#roots) {
      counters.close();
      for (const { fd } of lifecycle) closeEvent(fd);
    }
    this.#roots.length = 0;
  }

  #addPlaces(counters: TaskCounters, root: number) {
    for (const { id, column } of counters.ids()) this.#places.set(id, { root, column });
  }

  /**
   * Pages of each event's ring: 32 hold the exits of 1600 threads. Fewer with many roots, since locked memory is
   * scarce.
   */
  get #ringPages(): number {
    return this.#roots.length > 8 ? 2 : 32;
  }
}
