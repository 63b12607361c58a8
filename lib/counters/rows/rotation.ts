/** Rotates between sets that take turns, round robin from the first. */
export class Rotation {
  readonly #sets: number;
  #current = 0;

  constructor(sets: number) {
    this.#sets = sets;
  }

  /** Index of the set that counts now. */
  get current(): number {
    return this.#current;
  }

  /** Passes the turn to the next set and returns its index. */
  next(): number {
    this.#current = (this.#current + 1) % this.#sets;
    return this.#current;
  }
}
