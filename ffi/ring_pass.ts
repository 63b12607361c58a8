/**
 * Emptying of rings by this process's JavaScript, where the kernel wrote the records, instead of by a thread of the shim.
 * Protocol: PMU_DRAIN_BY_CALLER in ffi/shim/pmu.h.
 */

import { ERRNO } from "../lib/base/system/errno.ts";
import { shim } from "./load.ts";
import { checked, checkedSize } from "./result.ts";

/** A ring's memory, and where its records lie. */
export interface RingRange {
  /** Memory of the records. The record at position p begins at byte p % memory.byteLength; it may wrap around the end. */
  readonly memory: ArrayBuffer;
  /** Position of the first record, and of the end of the last; they only increase. */
  tail: number;
  head: number;
}

/** One look at all rings. */
export interface RingPass {
  readonly rings: readonly RingRange[];
  /** Whether the drain is to stop: what comes after this pass is not taken any more, so that the rings may as well be full. */
  readonly isLast: boolean;
  /**
   * Writes whole records in place of the ring's records below position `upto`, whose space goes back to the kernel.
   * Returns false, and does nothing, where the queue has no room.
   */
  give(ring: number, records: Uint8Array<ArrayBuffer>, upto: number): boolean;
  /** Notes that the next record of the ring has an invalid header (EBADMSG): the ring is not read any more. */
  refuse(ring: number): void;
}

/** Takes records from rings. */
export interface RingTaker {
  /**
   * Takes all records of the pass. Returns false where `give()` did: it is called again soon, with the rings as they are
   * then, and goes on. A ring that another drain has emptied meanwhile begins further on.
   */
  take(pass: RingPass): boolean;
}

/** The rings of one drain that is emptied by a taker. */
export class TakenRings implements RingPass {
  readonly rings: RingRange[] = [];
  isLast = false;
  readonly #handle: Deno.PointerObject;
  readonly #taker: RingTaker;
  #ranges = new BigUint64Array(0);

  constructor(handle: Deno.PointerObject, taker: RingTaker) {
    this.#handle = handle;
    this.#taker = taker;
  }

  /** Adds a ring with so many bytes of records. */
  add(index: number, bytes: number): void {
    const data = shim().pmu_drain_ring_data(this.#handle, index);
    if (data === null) throw new Error(`there is no ring ${index}`);
    this.rings.push({ memory: Deno.UnsafePointerView.getArrayBuffer(data, bytes), tail: 0, head: 0 });
    this.#ranges = new BigUint64Array(2 * this.rings.length);
  }

  /** Waits until there may be records, or the drain is asked to stop, and returns whether it was. */
  async wait(): Promise<boolean> {
    return this.isLast = await shim().pmu_drain_wait(this.#handle) === 1;
  }

  /** Makes one pass; returns whether it is complete. Throws PmuError, and what the taker throws. */
  pass(): boolean {
    const ranges = this.#ranges;
    checkedSize(
      "pmu_drain_begin_pass",
      shim().pmu_drain_begin_pass(this.#handle, ranges, BigInt(ranges.byteLength)),
    );
    this.rings.forEach((ring, i) => {
      ring.tail = Number(ranges[2 * i]);
      ring.head = Number(ranges[2 * i + 1]);
    });
    let isComplete = false;
    try {
      return isComplete = this.#taker.take(this);
    } finally {
      // what was given counts as taken, so it has to be written, whatever was thrown
      shim().pmu_drain_end_pass(this.#handle, isComplete ? 1 : 0);
    }
  }

  /** Says that nothing more will be given. */
  end(): void {
    shim().pmu_drain_end(this.#handle);
  }

  give(ring: number, records: Uint8Array<ArrayBuffer>, upto: number): boolean {
    const result = shim().pmu_drain_give(this.#handle, ring, records, BigInt(records.length), BigInt(upto));
    return result !== -ERRNO.EAGAIN && checked("pmu_drain_give", result) === 0;
  }

  refuse(ring: number): void {
    checked("pmu_drain_refuse", shim().pmu_drain_refuse(this.#handle, ring));
  }
}
