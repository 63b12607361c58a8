/** Rings in memory, and a drain that keeps what it is given, for tests of what takes records from rings. */

import type { RingPass, RingRange } from "../../../ffi/pmu.ts";
import { concat } from "../../../lib/base/bytes/bytes.ts";

/** A ring that a test fills in the kernel's place. */
export class MadeRing implements RingRange {
  readonly memory: ArrayBuffer;
  tail: number;
  head: number;

  /**
   * @param bytes its size, a power of two.
   * @param start position of the first record.
   */
  constructor(bytes = 1 << 16, start = 0) {
    this.memory = new ArrayBuffer(bytes);
    this.tail = this.head = start;
  }

  /** Appends whole records; fails the test when there is no room. */
  put(...records: readonly Uint8Array[]): void {
    const bytes = new Uint8Array(this.memory);
    for (const record of records) {
      if (this.head - this.tail + record.length > bytes.length) throw new Error("the made ring is full");
      record.forEach((byte, i) => bytes[(this.head + i) % bytes.length] = byte);
      this.head += record.length;
    }
  }

  /** Takes the space below `upto` back, and spoils what was there: whoever reads it now does not go unnoticed. */
  release(upto: number): void {
    const bytes = new Uint8Array(this.memory);
    for (let at = this.tail; at < upto; at++) bytes[at % bytes.length] = 0xee;
    this.tail = upto;
  }
}

/** Drain of made rings. */
export class MadePass implements RingPass {
  readonly rings: MadeRing[];
  /** What was given, in order. */
  readonly given: { ring: number; bytes: Uint8Array; upto: number }[] = [];
  readonly refused: number[] = [];
  /** Bytes that it still takes. */
  room = Infinity;
  isLast = false;

  constructor(...rings: MadeRing[]) {
    this.rings = rings;
  }

  give(ring: number, records: Uint8Array, upto: number): boolean {
    const range = this.rings[ring];
    if (upto < range.tail || upto > range.head) throw new Error(`${upto} is outside the pass`);
    if (records.length > this.room) return false;
    this.room -= records.length;
    this.given.push({ ring, bytes: records.slice(), upto });
    range.release(upto);
    return true;
  }

  refuse(ring: number): void {
    this.refused.push(ring);
  }

  /** All records that were given, in order. */
  get records(): Uint8Array<ArrayBuffer>[] {
    const bytes = concat(this.given.map(({ bytes }) => bytes)), view = new DataView(bytes.buffer);
    const records: Uint8Array<ArrayBuffer>[] = [];
    for (let at = 0; at < bytes.length;) {
      const size = view.getUint16(at + 6, true);
      if (size < 8 || at + size > bytes.length) throw new Error(`a record of ${size} bytes at ${at}`);
      records.push(bytes.slice(at, at + size));
      at += size;
    }
    return records;
  }
}
