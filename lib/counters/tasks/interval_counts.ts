/** Reads sets at one place periodically: the counts since the previous reading, or since the start. */

import { monotonicNs } from "../../../ffi/pmu.ts";
import type { Standing } from "../../events/open.ts";
import type { ResolvedEvent } from "../../events/resolve.ts";
import { OpenSet, type SetPlace, type SetSample } from "../open/open_set.ts";
import type { CountValue } from "../rows/row.ts";
import type { CounterSet } from "../rows/row_sink.ts";

/** Options of `IntervalCounts.open`. */
export interface IntervalCountsOptions {
  multiplex: boolean;
  enableOnExec?: boolean;
}

/** Counters of all sets of a run at one place. One set counts at a time. */
export class IntervalCounts {
  /** Groups of each set. */
  readonly #sets: OpenSet[][];
  readonly #last: (SetSample | undefined)[][];
  readonly #multiplex: boolean;

  private constructor(sets: OpenSet[][], multiplex: boolean) {
    this.#sets = sets;
    this.#last = sets.map((groups) => groups.map(() => undefined));
    this.#multiplex = multiplex;
  }

  /** Opens the sets, all disabled. Throws UnsupportedError as OpenSet.open() does. */
  static open(
    sets: readonly CounterSet[],
    place: SetPlace,
    options: IntervalCountsOptions,
    standing: Standing,
    note: (line: string) => void,
  ): IntervalCounts {
    const opened: OpenSet[][] = [];
    try {
      sets.forEach(({ groups }, s) => {
        opened.push([]);
        for (const group of groups) {
          const counters = group.map((event) => ({ event, preset: 0n }));
          const enableOnExec = options.enableOnExec === true && s === 0;
          opened[s].push(OpenSet.open(counters, place, { ...options, enableOnExec }, standing, note));
        }
      });
    } catch (error) {
      for (const set of opened.flat()) set.close();
      throw error;
    }
    return new IntervalCounts(opened, options.multiplex);
  }

  /** Events that are really counted, by set and group. */
  get events(): ResolvedEvent[][][] {
    return this.#sets.map((groups) => groups.map((set) => set.counters.map((counter) => counter.event)));
  }

  enable(set: number): void {
    for (const group of this.#sets[set]) group.enable();
  }

  disable(set: number): void {
    for (const group of this.#sets[set]) group.disable();
  }

  /** Returns the counts of `set` since the previous call. */
  since(set: number): CountValue[] {
    return this.#sets[set].flatMap((group, g) => {
      const now = group.sample(monotonicNs());
      const before = this.#last[set][g];
      this.#last[set][g] = now;
      return group.counters.map((_, i) => this.#count(now, before, i));
    });
  }

  /** Returns the counts of `set` since the start. */
  total(set: number): CountValue[] {
    return this.#sets[set].flatMap((group) => {
      const now = group.sample(monotonicNs());
      return group.counters.map((_, i) => this.#count(now, undefined, i));
    });
  }

  close(): void {
    for (const set of this.#sets.flat()) set.close();
  }

  #count(now: SetSample | undefined, before: SetSample | undefined, i: number): CountValue {
    if (!now) return {};
    const enabledNs = now.enabledNs - (before?.enabledNs ?? 0);
    const tickNs = now.tickNs - (before?.tickNs ?? 0);
    const counted = now.counts[i] - (before?.counts[i] ?? 0n);
    if (enabledNs <= 0 || tickNs >= enabledNs) return { value: counted };
    return this.#multiplex && tickNs > 0
      ? { value: counted < 0n ? 0n : counted, share: tickNs / enabledNs } // the difference of two estimates may be negative
      : {};
  }
}
