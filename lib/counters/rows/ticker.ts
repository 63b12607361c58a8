/** When the next row is due. */

/** Time as a Ticker sees it. */
export interface TickClock {
  /** In ms. */
  now(): number;
  /** Resolves after `ms` at the earliest, or when `stopped` does. */
  sleep(ms: number, stopped: Promise<unknown>): Promise<void>;
}

/** This process's time. */
export const realClock: TickClock = {
  now: () => performance.now(),
  async sleep(ms, stopped) {
    const timer = Promise.withResolvers<void>();
    const id = setTimeout(timer.resolve, ms);
    await Promise.race([timer.promise, stopped]);
    clearTimeout(id);
  },
};

/** Ticks at whole multiples of the interval since `start()`; those that were slept through are left out. */
export class Ticker {
  readonly #clock: TickClock;
  readonly #intervalMs: number;
  readonly #stopped: Promise<unknown>;
  #started = 0;
  #done = false;

  /** @param stopped ends the ticking when it resolves. */
  constructor(clock: TickClock, intervalMs: number, stopped: Promise<unknown>) {
    this.#clock = clock;
    this.#intervalMs = intervalMs;
    const stop = () => this.#done = true;
    this.#stopped = stopped.then(stop, stop);
  }

  /** Time 0 is now. */
  start(): void {
    this.#started = this.#clock.now();
  }

  /** Waits for the next tick; false when stopped. */
  async next(): Promise<boolean> {
    const since = this.#clock.now() - this.#started;
    const due = (Math.floor(since / this.#intervalMs) + 1) * this.#intervalMs;
    // timers may ring a little early
    for (let left = due - since; left > 0 && !this.#done; left = due - (this.#clock.now() - this.#started)) {
      await this.#clock.sleep(left, this.#stopped);
    }
    return !this.#done;
  }
}
