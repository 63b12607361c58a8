/** Finds the threads of bound processes that are not counted, as they were started while the events were opened. */

import type { KernelFiles } from "../../events/files.ts";
import { threadIdsOf } from "../named/set_target.ts";

/**
 * Compares /proc after the opening of events with the kernel's records: a thread that exists, but that no record has
 * mentioned by the next `check()`, was started between the listing of its process's threads and the opening.
 */
export class Newcomers {
  readonly #pids: ReadonlySet<number>;
  readonly #files: KernelFiles;
  /** Threads that /proc listed at the first check. */
  #listed?: number[];
  /** Threads that are counted. */
  readonly #known = new Set<number>();
  #isDone = false;

  /** @param pids processes whose new threads are to be counted. */
  constructor(pids: Iterable<number>, files: KernelFiles) {
    this.#pids = new Set(pids);
    this.#files = files;
  }

  /** Takes note of a thread that is counted. */
  add(tid: number): void {
    if (!this.#isDone) this.#known.add(tid);
  }

  /** Returns the number of threads found missing, which is 0 at every check but the second. */
  check(): number {
    if (this.#isDone) return 0;
    if (!this.#listed) {
      this.#listed = [...this.#pids].flatMap((pid) => threadIdsOf(pid, this.#files));
      return 0;
    }
    const missed = this.#listed.filter((tid) => !this.#known.has(tid)).length;
    this.#isDone = true;
    this.#known.clear();
    return missed;
  }
}
