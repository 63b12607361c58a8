/** Time limits of commands. */

import { SIGNAL } from "../lib/base/system/numbers.ts";
import type { Child } from "./child.ts";
import { CommandTree } from "./command_tree.ts";

/** Time between SIGTERM and SIGKILL for a child that took too long, in ms. */
const GRACE_MS = 1000;

/** Time limit of a child that has its own process group, and of all that it starts. */
export class TimeLimit {
  readonly #tree: CommandTree;
  #timer: ReturnType<typeof setTimeout>;
  #passed = false;

  /**
   * Starts the clock, before the child is released: after `ms`, all its processes get SIGTERM, and later SIGKILL if that
   * is not enough.
   */
  constructor(child: Child, ms: number) {
    this.#tree = new CommandTree(child);
    this.#timer = setTimeout(() => {
      this.#passed = true;
      this.#tree.signal(SIGNAL.SIGTERM);
      this.#timer = setTimeout(() => this.#tree.signal(SIGNAL.SIGKILL), GRACE_MS);
    }, ms);
  }

  /** Whether the child exceeded the limit. */
  get passed(): boolean {
    return this.#passed;
  }

  /** Passes a signal of the user on: as from a terminal to the process group, and SIGKILL to all processes. */
  kill(signal: number): void {
    if (signal === SIGNAL.SIGKILL) this.#tree.signal(signal);
    else this.#tree.signalGroup(signal);
  }

  /** Stops the clock once the child has ended. Kills the rest of its processes if it exceeded the limit. */
  async end(): Promise<void> {
    clearTimeout(this.#timer);
    if (this.#passed) await this.#tree.kill();
    this.#tree.close();
  }
}
