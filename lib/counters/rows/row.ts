/** What `bind` tells: a row for each thing that happened, with what was counted until then. */

import type { ResolvedEvent } from "../../events/resolve.ts";

/** What happened. */
export type RowEvent = "tick" | "fork" | "exec" | "lwp_create" | "lwp_exit" | "exit" | "overflow" | "total";

/** One counter's column: its title and what one count is. */
export interface CountColumn {
  /** What is counted: the event asked for, or the one that stands in for it. */
  name: string;
  /** Of one count times `scale`, `ns` for the clock events; "" for occurrences. */
  unit: string;
  scale: number;
}

/** One counter's number. */
export interface CountValue {
  /** undefined when nobody knows: the event lost its counter, or never had it. */
  value?: bigint;
  /**
   * The part of the time that the event was really on a counter, when that is less than all of it and
   * `value` is therefore an estimate (`--multiplex`).
   */
  share?: number;
}

/** A row. */
export interface BindRow {
  /** When, in ns of CLOCK_MONOTONIC. */
  timeNs: bigint;
  event: RowEvent;
  /** The process; undefined in a row of CPUs, and in a total of several processes. */
  pid?: number;
  /** The thread, or in a total the number of threads there were. */
  lwp?: number;
  /** The CPU, or in a total the number of CPUs. */
  cpu?: number;
  /** The set that the counts are of, by its position. */
  set?: number;
  /** In the order of the set's columns; left out where the event is all there is to tell. */
  counts?: CountValue[];
  /** Of `fork`: the new process. */
  child?: number;
  /** Of `exec`: the new name. */
  command?: string;
  /** Of `overflow`: the counter, by its position in the set, and where it happened. */
  overflow?: OverflowPlace;
  /** What is to be known of the counts. */
  remark?: string;
}

/** The PC of an overflow. */
export interface OverflowPlace {
  counter: number;
  /** In hex, with 0x. */
  pc: string;
  /** The same in words: `hot+0x1c`, or again the address where there is no symbol. */
  text: string;
  symbol?: string;
  /** The program or library it is in, if that is known. */
  object?: string;
}

/** The column of an event. */
export function columnOf({ name, unit, scale }: ResolvedEvent): CountColumn {
  return { name, unit: unit ?? "", scale };
}
