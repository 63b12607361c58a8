/**
 * Counters on CPUs that may go offline and come back. The counts of a CPU that goes offline stay in its total, and
 * counting resumes when it is seen online again.
 */

import { ERRNO } from "../../base/system/errno.ts";
import { UnsupportedError } from "../../base/system/errors.ts";
import { addCounts } from "../rows/add_counts.ts";
import type { IntervalCounts } from "../tasks/interval_counts.ts";
import type { CountValue } from "../rows/row.ts";

/** Counters on one CPU. */
export type CpuCounter = Pick<IntervalCounts, "enable" | "disable" | "since" | "total" | "close">;

/** Values of a CPU's row. */
export interface CpuCounts {
  cpu: number;
  counts: CountValue[];
  /** CPU going offline or coming online since its previous row, in words. */
  remark?: string;
}

/** Options of `CpuCounters`. */
export interface CpuCountersOptions {
  /** Opens the counters on a CPU, not yet enabled. Throws UnsupportedError. */
  open(cpu: number): CpuCounter;
  /** Number of sets that take turns. */
  sets: number;
  note(line: string): void;
}

interface CpuState {
  cpu: number;
  /** Undefined while the CPU is offline. */
  counter?: CpuCounter;
  /** Counts of each set from before the CPU last went offline. */
  before: (CountValue[] | undefined)[];
  /** Remarks for the next row, and counts from before the CPU went offline that no row has yet. */
  remarks: string[];
  unreported?: CountValue[];
}

/** Counters of all CPUs of a run, kept up to date as CPUs go offline and come online. */
export class CpuCounters {
  readonly #options: CpuCountersOptions;
  readonly #cpus: CpuState[] = [];
  readonly #cpuEvents: string[] = [];
  #current = 0;
  #counting = false;

  /** Opens the counters on `cpus`. Throws UnsupportedError. */
  constructor(cpus: readonly number[], options: CpuCountersOptions) {
    this.#options = options;
    try {
      for (const cpu of cpus) {
        this.#cpus.push({ cpu, counter: options.open(cpu), before: this.#nothing(), remarks: [] });
      }
    } catch (error) {
      this.close();
      throw error;
    }
  }

  #nothing(): undefined[] {
    return Array.from({ length: this.#options.sets });
  }

  get size(): number {
    return this.#cpus.length;
  }

  /** CPUs that went offline or came online so far: one sentence each, in order. */
  get cpuEvents(): readonly string[] {
    return this.#cpuEvents;
  }

  /** Enables `set` on all CPUs. The other sets must be disabled. */
  enable(set: number): void {
    this.#current = set;
    this.#counting = true;
    for (const { counter } of this.#cpus) counter?.enable(set);
  }

  disable(): void {
    this.#counting = false;
    for (const { counter } of this.#cpus) counter?.disable(this.#current);
  }

  /** Keeps the counts of a CPU that went offline, `seconds` after the start. Ignores CPUs that are not counted. */
  cpuOffline(cpu: number, seconds: number): void {
    const state = this.#cpus.find((each) => each.cpu === cpu);
    if (!state?.counter) return;
    const { counter } = state;
    state.unreported = addCounts(state.unreported, counter.since(this.#current));
    state.before = state.before.map((counts, set) => addCounts(counts, counter.total(set)));
    counter.close();
    state.counter = undefined;
    this.#note(state, `CPU ${cpu} went offline after ${seconds.toFixed(1)} s`);
  }

  /** Resumes counting on a CPU that came online; with `addNew`, also on one that was not counted before. */
  cpuOnline(cpu: number, seconds: number, addNew: boolean): void {
    let state = this.#cpus.find((each) => each.cpu === cpu);
    if (state?.counter || (!state && !addNew)) return;
    const when = `CPU ${cpu} came online after ${seconds.toFixed(1)} s`;
    if (!state) this.#cpus.push(state = { cpu, before: this.#nothing(), remarks: [] });
    try {
      state.counter = this.#options.open(cpu);
    } catch (error) {
      if (!(error instanceof UnsupportedError)) throw error;
      if (error.errno === ERRNO.ENODEV) return; // offline again
      state.before = state.before.map(() => [{}]);
      return this.#note(state, `${when} and is not counted: ${error.message}`);
    }
    if (this.#counting) state.counter.enable(this.#current);
    this.#note(state, `${when} and is counted from then on`);
  }

  #note(state: CpuState, what: string): void {
    state.remarks.push(what);
    this.#cpuEvents.push(what);
    this.#options.note(`warning: ${what}`);
  }

  /**
   * Returns the counts of the current set on each CPU since the previous call. Omits CPUs that have been offline
   * since then.
   */
  since(): CpuCounts[] {
    return this.#cpus.flatMap((state) => {
      const { cpu, counter, unreported, remarks } = state;
      const now = counter?.since(this.#current);
      const counts = now ? addCounts(unreported, now) : unreported;
      state.unreported = undefined;
      state.remarks = [];
      return counts ? [{ cpu, counts, ...remarks.length > 0 ? { remark: remarks.join("; ") } : {} }] : [];
    });
  }

  /** Returns the total counts of a set, one row per CPU. */
  totals(set: number): CountValue[][] {
    return this.#cpus.flatMap(({ counter, before }) => {
      const now = counter?.total(set);
      const counts = now ? addCounts(before[set], now) : before[set];
      return counts ? [counts] : [];
    });
  }

  close(): void {
    for (const { counter } of this.#cpus) counter?.close();
  }
}
