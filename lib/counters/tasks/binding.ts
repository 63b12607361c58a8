/** Options, results and timing that binding to tasks and to CPUs share. */

import { Control } from "../../../ffi/control.ts";
import type { Exit } from "../../../ffi/pmu.ts";
import type { ControlRequest } from "../../base/system/control_option.ts";
import type { RowSink } from "../rows/row_sink.ts";
import { realClock, Ticker } from "../rows/ticker.ts";

/** Options of a run. */
export interface BindOptions {
  /** Interval in ms between rows of living threads, or of CPUs; without it there are none. */
  intervalMs?: number;
  /** Number of ticks to end after. */
  count?: number;
  /** FIFOs by which the command says which parts of it count. */
  control?: ControlRequest;
  /** Lets events share counters, so that counts may be estimates. Otherwise a count is exact or unknown. */
  multiplex: boolean;
  /** Receiver of the rows. */
  rows: RowSink;
  /** Reports a line for each thing that differs from what was requested. */
  note(line: string): void;
}

/** Result of a run. */
export interface BindTotals {
  /** Exit of the command; undefined without a command, or when it was left running. */
  exit?: Exit;
}

/** Counters that are switched on and off, as a whole, by the command that they count in. */
export class ControlledCounters {
  readonly #control: Control | undefined;
  readonly #switch: (on: boolean) => void;
  /** Whether they count now. */
  isOn: boolean;
  /** Whether they have ever counted. */
  wasOn: boolean;

  /**
   * Opens the FIFOs. Commands act from `begin()` on.
   * @param turn enables or disables the counters. Throws BadInputError for FIFOs that are none.
   */
  constructor({ control, note }: Pick<BindOptions, "control" | "note">, turn: (on: boolean) => void) {
    this.#control = control && Control.open(control, note);
    this.#switch = turn;
    this.isOn = this.wasOn = !control?.startDisabled;
  }

  /** Lets commands act on the counters. */
  begin(): void {
    this.#control?.attach({ enable: () => this.#turn(true), disable: () => this.#turn(false) });
  }

  /** Remark for totals of counters that were never enabled, whose counts are not known; undefined for others. */
  get remark(): string | undefined {
    return this.wasOn ? undefined : `never enabled through ${this.#control!.path}`;
  }

  close(): void {
    this.#control?.close();
  }

  #turn(on: boolean): void {
    if (on === this.isOn) return;
    this.isOn = on;
    this.wasOn ||= on;
    this.#switch(on);
  }
}

/** Turn of each of several sets in ms, when no interval was requested. */
const TURN_MS = 100;

/**
 * Calls `tick` at each interval until `ended` resolves or `count` ticks have passed. Resolves to the result of
 * `ended`, or to undefined after `count` ticks.
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

/** Returns the remark for the total of a set that took turns with others. */
export function turnRemark(setNs: number, allNs: number): string {
  return allNs > 0 ? `counted ${(100 * setNs / allNs).toFixed(0)}% of the time` : "not counted";
}
