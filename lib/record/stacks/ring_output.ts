/** Collects what is to be written in place of one ring's records, and gives it to the drain in large pieces. */

import type { RingPass } from "../../../ffi/pmu.ts";
import { MAX_RECORD_SIZE } from "../../perfdata/format/attr_layout.ts";

/** Bytes that are collected. */
const CAPACITY = 256 << 10;

/** Output in place of one ring. */
export class RingOutput {
  /** Records collected so far: the next goes to word `length`. There is room for one of any size. */
  readonly u32: Uint32Array<ArrayBuffer> = new Uint32Array(CAPACITY / 4);
  /** Words of them. */
  length = 0;
  readonly #u8 = new Uint8Array(this.u32.buffer);
  readonly #ring: number;
  #given: number;

  /**
   * @param ring its index.
   * @param from position of its first record.
   */
  constructor(ring: number, from: number) {
    this.#ring = ring;
    this.#given = from;
  }

  /** Adds words `from` to `to` of `u32` as they are. */
  copy(u32: Uint32Array, from: number, to: number): void {
    this.u32.set(u32.subarray(from, to), this.length);
    this.length += to - from;
  }

  /**
   * Gives the records to the drain, with the ring's space below position `upto`, once there is little room left here, or
   * `most` bytes of the ring wait to be given back. Returns false where the drain has no room.
   */
  giveIfDue(pass: RingPass, upto: number, most: number): boolean {
    const isDue = 4 * this.length + MAX_RECORD_SIZE > CAPACITY || upto - this.#given >= most;
    return isDue ? this.give(pass, upto) : true;
  }

  /** Gives the records to the drain, as giveIfDue() does, if there is anything to give. */
  give(pass: RingPass, upto: number): boolean {
    if (upto === this.#given && this.length === 0) return true;
    if (!pass.give(this.#ring, this.#u8.subarray(0, 4 * this.length), upto)) return false;
    this.length = 0;
    this.#given = upto;
    return true;
  }
}
