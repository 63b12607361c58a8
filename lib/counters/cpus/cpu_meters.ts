/**
 * The meters of CPUs, which may go and come back: what a CPU had counted when it went stays in its total, and it is
 * counted again from when it is seen to be back.
 */

import { ERRNO } from "../../base/system/errno.ts";
import { UnsupportedError } from "../../base/system/errors.ts";
import { addCounts } from "../rows/add_counts.ts";
import type { Meter } from "../tasks/interval_counts.ts";
import type { Count } from "../rows/row.ts";

/** A meter of one CPU, as far as it is of interest here. */
export type CpuMeter = Pick<Meter, "enable" | "disable" | "since" | "total" | "close">;

/** What a row of a CPU tells. */
export interface CpuCounts {
  cpu: number;
  counts: Count[];
  /** Of a CPU that has gone or come since its last row. */
  remark?: string;
}

export interface CpuMetersOptions {
  /** Opens the meter of a CPU; it does not count yet. Throws UnsupportedError. */
  open(cpu: number): CpuMeter;
  /** How many sets it counts, in turn. */
  sets: number;
  note(line: string): void;
}

interface Place {
  cpu: number;
  /** Undefined while the CPU is away. */
  meter?: CpuMeter;
  /** Of each set, what was counted before it last went. */
  before: (Count[] | undefined)[];
  /** For its next row: what happened, and what was counted up to when it went. */
  remarks: string[];
  rest?: Count[];
}

export class CpuMeters {
  readonly #options: CpuMetersOptions;
  readonly #places: Place[] = [];
  readonly #happened: string[] = [];
  #current = 0;
  #counting = false;

  /** Throws UnsupportedError when a meter cannot be opened. */
  constructor(cpus: readonly number[], options: CpuMetersOptions) {
    this.#options = options;
    try {
      for (const cpu of cpus) {
        this.#places.push({ cpu, meter: options.open(cpu), before: this.#nothing(), remarks: [] });
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
    return this.#places.length;
  }

  /** What has happened to CPUs, in order. */
  get happened(): readonly string[] {
    return this.#happened;
  }

  /** Lets `set` count on all CPUs, and no other one. */
  enable(set: number): void {
    this.#current = set;
    this.#counting = true;
    for (const { meter } of this.#places) meter?.enable(set);
  }

  disable(): void {
    this.#counting = false;
    for (const { meter } of this.#places) meter?.disable(this.#current);
  }

  /** A CPU has gone, `seconds` after the start: keeps what it had counted. One that is not counted is no matter. */
  gone(cpu: number, seconds: number): void {
    const place = this.#places.find((each) => each.cpu === cpu);
    if (!place?.meter) return;
    const { meter } = place;
    place.rest = addCounts(place.rest, meter.since(this.#current));
    place.before = place.before.map((counts, set) => addCounts(counts, meter.total(set)));
    meter.close();
    place.meter = undefined;
    this.#tell(place, `CPU ${cpu} went offline after ${seconds.toFixed(1)} s`);
  }

  /** A CPU has come: counts there from now on. `wanted`: also one that was not there before. */
  come(cpu: number, seconds: number, wanted: boolean): void {
    let place = this.#places.find((each) => each.cpu === cpu);
    if (place?.meter || (!place && !wanted)) return;
    const when = `CPU ${cpu} came online after ${seconds.toFixed(1)} s`;
    if (!place) this.#places.push(place = { cpu, before: this.#nothing(), remarks: [] });
    try {
      place.meter = this.#options.open(cpu);
    } catch (error) {
      if (!(error instanceof UnsupportedError)) throw error;
      if (error.errno === ERRNO.ENODEV) return; // it has gone again
      place.before = place.before.map(() => [{}]);
      return this.#tell(place, `${when} and is not counted: ${error.message}`);
    }
    if (this.#counting) place.meter.enable(this.#current);
    this.#tell(place, `${when} and is counted from then on`);
  }

  #tell(place: Place, what: string): void {
    place.remarks.push(what);
    this.#happened.push(what);
    this.#options.note(`warning: ${what}`);
  }

  /** What each CPU counted in the current set since this was last asked; those that are away and have told so are left out. */
  since(): CpuCounts[] {
    return this.#places.flatMap((place) => {
      const { cpu, meter, rest, remarks } = place;
      const now = meter?.since(this.#current);
      const counts = now ? addCounts(rest, now) : rest;
      place.rest = undefined;
      place.remarks = [];
      return counts ? [{ cpu, counts, ...remarks.length > 0 ? { remark: remarks.join("; ") } : {} }] : [];
    });
  }

  /** What each CPU counted in a set in all. */
  totals(set: number): Count[][] {
    return this.#places.flatMap(({ meter, before }) => {
      const now = meter?.total(set);
      const counts = now ? addCounts(before[set], now) : before[set];
      return counts ? [counts] : [];
    });
  }

  close(): void {
    for (const { meter } of this.#places) meter?.close();
  }
}
