/** Schedules periodic rows. */

/** Time source of a Ticker. */
export interface TickClock {
  /** Returns the current time, in ms. */
  now(): number;
  /** Resolves after at least `ms`, or when `stopped` does. */
  sleep(ms: number, stopped: Promise<unknown>): Promise<void>;
}

/** Time source of this process. */
export const realClock: TickClock = {
  now: () => performance.now(),
  async sleep(ms, stopped) {
    const timer = Promise.withResolvers<void>();
    const id = setTimeout(timer.resolve, ms);
    await Promise.race([timer.promise, stopped]);
    clearTimeout(id);
  },
};

/** Ticks at whole multiples of the interval since `start()`. Ticks that were missed are skipped. */
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

  /** Sets time 0 to now. */
  start(): void {
    this.#started = this.#clock.now();
  }

  /** Waits for the next tick. Resolves to false once stopped. */
  async next(): Promise<boolean> {
    const since = this.#clock.now() - this.#started;
    const due = (Math.floor(since / this.#intervalMs) + 1) * this.#intervalMs;
    // Timers may fire slightly early.
    for (let left = due - since; left > 0 && !this.#done; left = due - (this.#clock.now() - this.#started)) {
      await this.#clock.sleep(left, this.#stopped);
    }
    return !this.#done;
  }
}
