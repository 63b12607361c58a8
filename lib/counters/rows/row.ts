/** Rows that `bind` prints: one per event in a target's life, with the counts up to then. */

import type { ResolvedEvent } from "../../events/resolve.ts";

/** Kinds of rows. */
export type RowEvent = "tick" | "fork" | "exec" | "lwp_create" | "lwp_exit" | "exit" | "overflow" | "total";

/** Column of a counter: its title and the unit of its counts. */
export interface CountColumn {
  /** Name of the event that is counted: the requested one, or its fallback. */
  name: string;
  /** Unit of a count times `scale`: `ns` for the clock events, "" for occurrences. */
  unit: string;
  scale: number;
}

/** A counter's value in a row. */
export interface CountValue {
  /** Undefined when unknown: the event lost its counter, or never had one. */
  value?: bigint;
  /**
   * Fraction of the time that the event was on a counter, if less than 1: `value` is an estimate then
   * (`--multiplex`).
   */
  share?: number;
}

/** A row of output. */
export interface BindRow {
  /** Time of the row, in ns of CLOCK_MONOTONIC. */
  timeNs: bigint;
  event: RowEvent;
  /** Process; undefined in rows of CPUs, and in totals over several processes. */
  pid?: number;
  /** Thread; in a total, the number of threads seen. */
  lwp?: number;
  /** CPU; in a total, the number of CPUs. */
  cpu?: number;
  /** Index of the set that was counted. */
  set?: number;
  /** Values in the order of the set's columns; absent in rows that only report an event. */
  counts?: CountValue[];
  /** New process, in a `fork` row. */
  child?: number;
  /** New name, in an `exec` row. */
  command?: string;
  /** Counter that overflowed and its PC, in an `overflow` row. */
  overflow?: OverflowPlace;
  /** Remark that qualifies the counts. */
  remark?: string;
}

/** Location of an overflow. */
export interface OverflowPlace {
  counter: number;
  /** PC in hex, with 0x. */
  pc: string;
  /** PC as text: `hot+0x1c`, or the address again when there is no symbol. */
  text: string;
  symbol?: string;
  /** Program or library of the PC, if known. */
  object?: string;
}

/** Returns the column of an event. */
export function columnOf({ name, unit, scale }: ResolvedEvent): CountColumn {
  return { name, unit: unit ?? "", scale };
}
