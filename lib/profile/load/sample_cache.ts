/** Cache of the rows that samples are counted in, by everything that tells samples apart. */

/** 32-bit words of an entry, half a cache line: six of the key, and row + 1. */
const ENTRY = 8;
/** Number of entries: 512 KiB, of which only written pages cost memory. More would not stay in a CPU's own caches. */
const ENTRIES = 1 << 14;

/** Direct-mapped cache of sample rows. */
export class SampleCache {
  readonly #words = new Int32Array(ENTRY * ENTRIES);

  /**
   * Returns the row put in for such samples, or -1 if it is not there (any more).
   * @param low, high the halves of the address.
   * @param space changes whenever the meaning of an address may change.
   */
  find(low: number, high: number, space: number, thread: number, cpu: number, event: number): number {
    const words = this.#words, at = this.#place(low, space, thread);
    return words[at] === low && words[at + 1] === high && words[at + 2] === space &&
        words[at + 3] === thread && words[at + 4] === cpu && words[at + 5] === event
      ? words[at + 6] - 1
      : -1;
  }

  /** Stores a row for such samples, in place of the entry that was there. */
  put(
    low: number,
    high: number,
    space: number,
    thread: number,
    cpu: number,
    event: number,
    row: number,
  ): void {
    const words = this.#words, at = this.#place(low, space, thread);
    words[at] = low;
    words[at + 1] = high;
    words[at + 2] = space;
    words[at + 3] = thread;
    words[at + 4] = cpu;
    words[at + 5] = event;
    words[at + 6] = row + 1;
  }

  #place(low: number, space: number, thread: number): number {
    const hash = low ^ Math.imul(space, 0x9e3779b1) ^ Math.imul(thread, 0x85ebca6b);
    return (hash & (ENTRIES - 1)) * ENTRY;
  }
}
