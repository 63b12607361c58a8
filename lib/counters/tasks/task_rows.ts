/** Rows of bound tasks: events in the lives of their threads, ticks, and the totals of each set. */

import type { BindRow, CountValue } from "../rows/row.ts";
import type { CounterSet, RowSink } from "../rows/row_sink.ts";
import { turnRemark } from "./binding.ts";
import { countedNs, countsOf } from "./tally_to_counts.ts";
import { eventRow, type Tally, type ThreadRow } from "./thread_table.ts";

/** State of a binding that its rows are made from. */
export interface TaskRowSource {
  readonly sets: readonly CounterSet[];
  readonly multiplex: boolean;
  readonly rows: Pick<RowSink, "emit">;
  /** Returns the index of the set that counts now. */
  currentSet(): number;
  /** True when the kernel reports a thread's counts at its exit (PERF_RECORD_READ). */
  readonly kernelReportsReads: boolean;
  /** CPUs that nothing counts on, so that totals are unknown. */
  readonly missedCpus: readonly number[];
  /** Returns why no set has ever counted; undefined when one has. */
  uncounted(): string | undefined;
  /** Returns the counters of a living thread, read at each tick; undefined where there are none. */
  intervalCounts(tid: number): ThreadCounts | undefined;
}

/** Counts of one thread by set. */
export interface ThreadCounts {
  /** Returns the counts of a set since the previous call. */
  since(set: number): CountValue[];
  /** Returns the counts of a set since the start. */
  total(set: number): CountValue[];
}

/** Counts of all threads together, and what they are of. */
export interface TotalsOf {
  tally: Tally;
  pids: ReadonlySet<number>;
  /** Number of threads that were seen. */
  threads: number;
  /** Programs that the kernel stopped measuring at their exec. */
  cuts: readonly string[];
}

/** Maker of the rows of one binding. */
export class TaskRows {
  readonly #from: TaskRowSource;

  constructor(from: TaskRowSource) {
    this.#from = from;
  }

  /** Emits the row of an event in a thread's life, once for each set that has something to say. */
  emit(row: ThreadRow): void {
    const { rows } = this.#from;
    if (!row.tally) return rows.emit(eventRow(row));
    for (const set of this.#setsOf(row)) {
      rows.emit({ ...eventRow(row), set, ...this.#countsOf(row, set) });
    }
  }

  /** Emits what each living thread has counted since the tick before. */
  tick(threads: Iterable<{ pid: number; tid: number }>, now: () => bigint): void {
    const { rows } = this.#from;
    const set = this.#from.currentSet();
    for (const { pid, tid } of threads) {
      const counts = this.#from.intervalCounts(tid);
      if (!counts) continue;
      rows.emit({ event: "tick", timeNs: now(), pid, lwp: tid, set, counts: counts.since(set) });
    }
  }

  /** Emits the totals of each set. Counts are unknown when programs or CPUs are missing from them. */
  totals({ tally, pids, threads, cuts }: TotalsOf, endNs: bigint): void {
    const { sets, missedCpus, rows, uncounted } = this.#from;
    const because = uncounted();
    const allNs = sets.reduce((sum, _, set) => sum + countedNs(tally, sets, set), 0);
    sets.forEach((_, set) => {
      const setNs = countedNs(tally, sets, set);
      const never = because !== undefined || cuts.length > 0 || missedCpus.length > 0 ||
        (sets.length > 1 && setNs === 0);
      const remarks = [
        ...(because !== undefined ? [because] : sets.length > 1 ? [turnRemark(setNs, allNs)] : []),
        ...(cuts.length > 0 ? [`without ${cuts.join(", ")}`] : []),
        ...this.#missedCpuRemarks(),
      ];
      rows.emit({
        event: "total",
        timeNs: endNs,
        ...(pids.size === 1 ? { pid: [...pids][0] } : {}),
        lwp: threads,
        set,
        counts: this.#counts(tally, set).map((count) => never ? {} : count),
        ...(remarks.length > 0 ? { remark: remarks.join("; ") } : {}),
      });
    });
  }

  /**
   * Returns the sets that a row is repeated for: the current one for a new thread, every set that has counted for one
   * that ended.
   */
  #setsOf({ event, tally }: ThreadRow): number[] {
    const { sets } = this.#from;
    const counted = event === "lwp_create"
      ? []
      : sets.map((_, set) => set).filter((set) => countedNs(tally!, sets, set) > 0);
    return counted.length > 0 ? counted : [this.#from.currentSet()];
  }

  #countsOf(row: ThreadRow, set: number): Pick<BindRow, "counts" | "remark"> {
    const { missedCpus, kernelReportsReads } = this.#from;
    const counts = this.#counts(row.tally!, set);
    const unknown = (remark: string) => ({ counts: counts.map(() => ({})), remark });
    if (missedCpus.length > 0 && row.event !== "lwp_create") {
      return unknown(this.#missedCpuRemarks().join("; "));
    }
    if (row.caveat === undefined) return { counts };
    if (row.caveat === "with others") {
      return { counts, remark: "includes threads it started that are still running" };
    }
    if (row.caveat === "cut") return unknown("not measured from its exec on");
    const seen = row.event === "lwp_exit" ? this.#from.intervalCounts(row.lwp) : undefined;
    if (seen) return { counts: seen.total(set), remark: "since it was first seen" };
    return unknown(kernelReportsReads ? "its records were lost" : "not reported by this kernel");
  }

  #counts(tally: Tally, set: number): CountValue[] {
    return countsOf(tally, this.#from.sets, set, this.#from.multiplex);
  }

  #missedCpuRemarks(): string[] {
    return this.#from.missedCpus.map((cpu) => `without CPU ${cpu}`);
  }
}
