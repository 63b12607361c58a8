/** When the next file of a recording begins. */

import type { SwitchWhen } from "./request/limits.ts";

/** How the user asks for a file, again and again. */
export interface SwitchRequests {
  /** Calls `act` at each request from now on. */
  each(act: () => void): void;
}

/** SwitchRequests that are taken before there is anybody to act on them, and are not forgotten. */
export class QueuedSwitchRequests implements SwitchRequests {
  #waiting = 0;
  #act: (() => void) | undefined;

  constructor(prompts: SwitchRequests) {
    prompts.each(() => this.#act ? this.#act() : this.#waiting++);
  }

  each(act: () => void): void {
    this.#act = act;
    for (; this.#waiting > 0; this.#waiting--) act();
  }
}

/** What is switched. */
export interface SwitchableOutput {
  /** Bytes of records in the file that is being written. */
  readonly segmentBytes: number;
  switch(): Promise<void>;
}

/** How often it is looked how large a file is, in ms. */
const POLL_MS = 100;

/**
 * Switches at every prompt and, as `when` says, by size or time, until the function it returns is called.
 * A size or a time that is reached during a switch does not count.
 */
export function switchWhen(
  when: SwitchWhen,
  prompts: SwitchRequests | undefined,
  outputs: SwitchableOutput,
): () => void {
  let over = false, busy = 0;
  const switchOnce = async () => {
    busy++;
    await outputs.switch();
    busy--;
  };
  prompts?.each(() => {
    if (!over) switchOnce();
  });
  const timer = when.kind === "size"
    ? setInterval(() => {
      if (busy === 0 && outputs.segmentBytes >= when.bytes) switchOnce();
    }, POLL_MS)
    : when.kind === "time"
    ? setInterval(() => {
      if (busy === 0) switchOnce();
    }, when.seconds * 1000)
    : undefined;
  return () => {
    over = true;
    clearInterval(timer);
  };
}
