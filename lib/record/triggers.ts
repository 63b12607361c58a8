/** Triggers of the next file of a recording: the user's signal, the file's size, its age. */

import { everyBeat } from "../base/system/beat.ts";
import type { SwitchWhen } from "./request/limits.ts";

/** The user's requests for the next file. */
export interface SwitchRequests {
  /** Calls `act` at each request from now on. */
  each(act: () => void): void;
}

/** Requests that are kept until there is somebody to act on them. */
export class QueuedSwitchRequests implements SwitchRequests {
  #waiting = 0;
  #act: (() => void) | undefined;

  constructor(requests: SwitchRequests) {
    requests.each(() => this.#act ? this.#act() : this.#waiting++);
  }

  each(act: () => void): void {
    this.#act = act;
    for (; this.#waiting > 0; this.#waiting--) act();
  }
}

/** Output that can go on in a new file. */
export interface SwitchableOutput {
  /** Bytes of records in the file that is being written. */
  readonly segmentBytes: number;
  /** Completes that file and begins the next. */
  switch(): Promise<void>;
}

/**
 * Switches at every request and, as `when` says, by size or time, until the function it returns is called.
 * A size or a time that is reached during a switch does not count.
 */
export function switchWhen(
  when: SwitchWhen,
  requests: SwitchRequests | undefined,
  output: SwitchableOutput,
): () => void {
  let over = false, busy = 0;
  const switchOnce = async () => {
    busy++;
    await output.switch();
    busy--;
  };
  requests?.each(() => {
    if (!over) switchOnce();
  });
  const timer = when.kind !== "time" ? undefined : setInterval(() => {
    if (busy === 0) switchOnce();
  }, when.seconds * 1000);
  const stopLooking = when.kind !== "size" ? undefined : everyBeat(() => {
    if (busy === 0 && output.segmentBytes >= when.bytes) switchOnce();
  });
  return () => {
    over = true;
    clearInterval(timer);
    stopLooking?.();
  };
}
