/**
 * The counters of CPUs, which may go and come back: what a CPU had counted when it went stays in its total, and it is
 * counted again from when it is seen to be back.
 */

import { ERRNO } from "../../base/system/errno.ts";
import { UnsupportedError } from "../../base/system/errors.ts";
import { addCounts } from "../rows/add_counts.ts";
import type { IntervalCounts } from "../tasks/interval_counts.ts";
import type { CountValue } from "../rows/row.ts";

/** A counter of one CPU, as far as it is of interest here. */
export type CpuCounter = Pick<IntervalCounts, "enable" | "disable" | "since" | "total" | "close">;

/** What a row of a CPU tells. */
export interface CpuCounts {
  cpu: number;
  counts: CountValue[];
  /** Of a CPU that has gone or come since its last row. */
  remark?: string;
}

export interface CpuCountersOptions {
  /** Opens the counter of a CPU; it does not count yet. Throws UnsupportedError. */
  open(cpu: number): CpuCounter;
  /** How many sets it counts, in turn. */
  sets: number;
  note(line: string): void;
}

interface CpuState {
  cpu: number;
  /** Undefined while the CPU is away. */
  counter?: CpuCounter;
  /** Of each set, what was counted before it last went. */
  before: (CountValue[] | undefined)[];
  /** For its next row: what cpuEvents, and what was counted up to when it went. */
  remarks: string[];
  unreported?: CountValue[];
}

export class CpuCounters {
  readonly #options: CpuCountersOptions;
  readonly #cpus: CpuState[] = [];
  readonly #cpuEvents: string[] = [];
  #current = 0;
  #counting = false;

  /** Throws UnsupportedError when a counter cannot be opened. */
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

  /** What has cpuEvents to CPUs, in order. */
  get cpuEvents(): readonly string[] {
    return this.#cpuEvents;
  }

  /** Lets `set` count on all CPUs, and no other one. */
  enable(set: number): void {
    this.#current = set;
    this.#counting = true;
    for (const { counter } of this.#cpus) counter?.enable(set);
  }

  disable(): void {
    this.#counting = false;
    for (const { counter } of this.#cpus) counter?.disable(this.#current);
  }

  /** A CPU has gone, `seconds` after the start: keeps what it had counted. One that is not counted is no matter. */
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

  /** A CPU has come: counts there from now on. `addNew`: also one that was not there before. */
  cpuOnline(cpu: number, seconds: number, addNew: boolean): void {
    let state = this.#cpus.find((each) => each.cpu === cpu);
    if (state?.counter || (!state && !addNew)) return;
    const when = `CPU ${cpu} came online after ${seconds.toFixed(1)} s`;
    if (!state) this.#cpus.push(state = { cpu, before: this.#nothing(), remarks: [] });
    try {
      state.counter = this.#options.open(cpu);
    } catch (error) {
      if (!(error instanceof UnsupportedError)) throw error;
      if (error.errno === ERRNO.ENODEV) return; // it has gone again
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

  /** What each CPU counted in the current set since this was last asked; those that are away and have told so are left out. */
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

  /** What each CPU counted in a set in all. */
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
