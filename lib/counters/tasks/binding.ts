/** What binding to tasks and to CPUs have in common. */

import type { Exit } from "../../../ffi/pmu.ts";
import type { CounterSet } from "./task_counters.ts";
import type { BindRow } from "../rows/row.ts";
import { realClock, Ticker } from "../rows/ticker.ts";

export interface BindOptions {
  /** Between rows of what lives, in ms; without it there are none. */
  intervalMs?: number;
  /** Ticks after which to end. */
  count?: number;
  /** Counts may be estimates of events that share counters; else they are exact or not there. */
  multiplex: boolean;
  /** Called once, before the first row: the sets as they are really counted, and time 0 in ns of CLOCK_MONOTONIC. */
  begin(sets: readonly CounterSet[], startNs: bigint): void;
  emit(row: BindRow): void;
  /** What was emitted is to be seen now. */
  flush(): void;
  /** A line for whatever is not as asked. */
  note(line: string): void;
}

/** How it ended. */
export interface BindTotals {
  /** undefined when there was no command, or when it was left running. */
  exit?: Exit;
}

/** How long each of several sets has its turn where no interval is asked for, in ms. */
const TURN_MS = 100;

/**
 * Calls `tick` at each interval until `ended` resolves or there were `count` ticks; the result of `ended`,
 * or undefined.
 */
export async function tickUntilDone<T>(
  ended: Promise<T>,
  sets: number,
  { intervalMs, count = Infinity }: BindOptions,
  tick: () => void,
): Promise<T | undefined> {
  const every = intervalMs ?? (sets > 1 ? TURN_MS : undefined);
  if (every === undefined) return await ended;
  const ticker = new Ticker(realClock, every, ended);
  ticker.start();
  for (let n = 0; n < count && await ticker.next(); n++) tick();
  return await Promise.race([ended, Promise.resolve(undefined)]);
}

/** What a total of one of several sets is to be taken with. */
export function turnRemark(setNs: number, allNs: number): string {
  return allNs > 0 ? `counted ${(100 * setNs / allNs).toFixed(0)}% of the time` : "not counted";
}
