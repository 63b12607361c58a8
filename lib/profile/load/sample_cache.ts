/** From what tells samples apart to the row that they are counted in, where their like has been seen of late. */

/** Words of an entry, half a line of the CPU's cache: the six of the key, and row + 1. */
const ENTRY = 8;
/** 512 KiB, of which only what is written to costs memory: more does not stay in a CPU's own caches. */
const ENTRIES = 1 << 14;

export class SampleCache {
  readonly #words = new Int32Array(ENTRY * ENTRIES);

  /**
   * The row put in for such samples, or -1 when there is none any more.
   * @param low, high the halves of the address.
   * @param space what the address means goes by this.
   */
  find(low: number, high: number, space: number, thread: number, cpu: number, event: number): number {
    const words = this.#words, at = this.#place(low, space, thread);
    return words[at] === low && words[at + 1] === high && words[at + 2] === space &&
        words[at + 3] === thread && words[at + 4] === cpu && words[at + 5] === event
      ? words[at + 6] - 1
      : -1;
  }

  /** Keeps a row for such samples, in the place of what was there. */
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
