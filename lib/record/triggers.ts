/** When the next file of a recording begins. */

import type { SwitchWhen } from "./request/limits.ts";

/** How the user asks for a file, again and again. */
export interface Prompts {
  /** Calls `act` at each request from now on. */
  each(act: () => void): void;
}

/** Prompts that are taken before there is anybody to act on them, and are not forgotten. */
export class EarlyPrompts implements Prompts {
  #waiting = 0;
  #act: (() => void) | undefined;

  constructor(prompts: Prompts) {
    prompts.each(() => this.#act ? this.#act() : this.#waiting++);
  }

  each(act: () => void): void {
    this.#act = act;
    for (; this.#waiting > 0; this.#waiting--) act();
  }
}

/** What is switched. */
export interface Switched {
  /** Bytes of records in the file that is being written. */
  readonly partBytes: number;
  switch(): Promise<void>;
}

/** How often it is looked how large a file is, in ms. */
const LOOK_EVERY = 100;

/**
 * Switches at every prompt and, as `when` says, by size or time, until the function it returns is called.
 * A size or a time that is reached during a switch does not count.
 */
export function switchWhen(when: SwitchWhen, prompts: Prompts | undefined, parts: Switched): () => void {
  let over = false, busy = 0;
  const switchOnce = async () => {
    busy++;
    await parts.switch();
    busy--;
  };
  prompts?.each(() => {
    if (!over) switchOnce();
  });
  const timer = when.kind === "size"
    ? setInterval(() => {
      if (busy === 0 && parts.partBytes >= when.bytes) switchOnce();
    }, LOOK_EVERY)
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
