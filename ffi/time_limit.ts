/** Time limits of commands. */

import { SIGNAL } from "../lib/base/system/numbers.ts";
import type { Child } from "./child.ts";
import { CommandTree } from "./command_tree.ts";

/** Time between SIGTERM and SIGKILL for a child that took too long, in ms. */
const GRACE_MS = 1000;
/** Time in ms after which processes that came since a signal of the user are sent it as well. */
const AGAIN_MS = 20;

/** Time limit of a child and of all that it starts. */
export class TimeLimit {
  readonly #tree: CommandTree;
  /** Whether the child has a process group of its own. */
  readonly #ownGroup: boolean;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #again: ReturnType<typeof setInterval> | undefined;
  #passed = false;
  #killed = false;

  /**
   * Starts the clock, before the child is released: after `ms`, all its processes get SIGTERM, and later SIGKILL if that
   * is not enough. With Infinity there is no limit, but signals reach all processes all the same.
   */
  constructor(child: Child, ms: number, { ownGroup = true } = {}) {
    this.#tree = new CommandTree(child);
    this.#ownGroup = ownGroup;
    if (ms === Infinity) return;
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

  /**
   * Passes a signal of the user on: as from a terminal to the child's process group if it has one, otherwise and for
   * SIGKILL to all processes.
   */
  kill(signal: number): void {
    if (signal === SIGNAL.SIGKILL) this.#killed = true;
    if (this.#ownGroup && !this.#killed) return this.#tree.signalGroup(signal);
    if (this.#killed) return this.#tree.signal(signal);
    this.#tree.signalNewcomers(signal);
    this.#again ??= setInterval(() => this.#tree.signalNewcomers(signal), AGAIN_MS);
  }

  /** Stops the clock once the child has ended. Kills the rest of its processes if it exceeded the limit, or was killed. */
  async end(): Promise<void> {
    clearTimeout(this.#timer);
    clearInterval(this.#again);
    if (this.#passed || this.#killed) await this.#tree.kill();
    this.#tree.close();
  }
}
