/** CPUs that go and online while something is counted on them. */

import { onlineCpus } from "../../events/sysfs.ts";

/** How often it is looked, in ms: what runs on a CPU that comes is not counted before that was seen. */
export const ONLINE_POLL_MS = 100;

/** CPUs that have offline and online since it was last looked. */
export interface OnlineChange {
  offline: number[];
  online: number[];
}

/** Finds what has changed from one look to the next. */
export class OnlineWatch {
  #online: ReadonlySet<number>;
  readonly #read: () => readonly number[];
  #timer: ReturnType<typeof setInterval> | undefined;

  /** @param online the CPUs that are known to be there; `read` gives those there are. */
  constructor(online: readonly number[], read: () => readonly number[] = onlineCpus) {
    this.#online = new Set(online);
    this.#read = read;
  }

  /** What has changed since the last look; undefined for nothing. */
  poll(): OnlineChange | undefined {
    const before = this.#online, now = this.#online = new Set(this.#read());
    const offline = [...before].filter((cpu) => !now.has(cpu));
    const online = [...now].filter((cpu) => !before.has(cpu));
    return offline.length + online.length > 0 ? { offline, online } : undefined;
  }

  /** Looks all the while, until `stop()`, and tells `changed`. */
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
