/**
 * Ids of frames and stacks: 64 bits of a hash of what they are, so recordings of different machines have the same ids for
 * the same code, without an index that they share. Among 50 million different stacks, two have the same id with a
 * probability of 1 to 15,000.
 */

/** Ids as two columns of 32 bits. */
export class ContentIds {
  readonly low: Int32Array;
  readonly high: Int32Array;

  constructor(length: number) {
    this.low = new Int32Array(length);
    this.high = new Int32Array(length);
  }

  get length(): number {
    return this.low.length;
  }

  /** Returns an id as the signed 64-bit number that the files have. */
  at(row: number): bigint {
    return BigInt(this.high[row]) * 4294967296n + BigInt(this.low[row] >>> 0);
  }
}
