/** Watches for CPUs that go offline or come online while something is counted on them. */

import { onlineCpus } from "../../events/sysfs.ts";

/** Polling interval in ms. Events on a CPU that comes online are missed until the next poll. */
const ONLINE_POLL_MS = 100;

/** CPUs that went offline and came online since the previous poll. */
export interface OnlineChange {
  offline: number[];
  online: number[];
}

/** Compares the online CPUs from poll to poll. */
export class OnlineWatch {
  #online: ReadonlySet<number>;
  readonly #read: () => readonly number[];
  #timer: ReturnType<typeof setInterval> | undefined;

  /** @param online CPUs known to be online; `read` returns the current ones. */
  constructor(online: readonly number[], read: () => readonly number[] = onlineCpus) {
    this.#online = new Set(online);
    this.#read = read;
  }

  /** Returns the change since the previous poll, or undefined if there is none. */
  poll(): OnlineChange | undefined {
    const before = this.#online, now = this.#online = new Set(this.#read());
    const offline = [...before].filter((cpu) => !now.has(cpu));
    const online = [...now].filter((cpu) => !before.has(cpu));
    return offline.length + online.length > 0 ? { offline, online } : undefined;
  }

  /** Polls until `stop()`, and calls `changed` for each change. */
  start(changed: (change: OnlineChange) => void): void {
    this.#timer = setInterval(() => {
      const change = this.poll();
      if (change) changed(change);
    }, ONLINE_POLL_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}
