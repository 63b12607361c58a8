/** Whose turn it is among several sets: one after another, from the first on again. */
export class Rotation {
  readonly #sets: number;
  #current = 0;

  constructor(sets: number) {
    this.#sets = sets;
  }

  /** The set that counts now. */
  get current(): number {
    return this.#current;
  }

  /** Gives the turn to the next one, and says which that is. */
  next(): number {
    this.#current = (this.#current + 1) % this.#sets;
    return this.#current;
  }
}
