/** Flight recorder: rings that hold the most recent records and are read only on request. Protocol: ffi/shim/pmu.h. */

import { PmuError } from "../lib/base/system/errno.ts";
import { shim } from "./load.ts";
import { checked, ringFields } from "./result.ts";

/** Counters that the shim keeps for a ring, in the order of enum pmu_flight_field. */
const FLIGHT_FIELDS = [
  "cpu",
  "samples",
  "records",
  "bytes",
  "lost",
  "lostSamples",
  "throttle",
  "overwrittenBytes",
  "droppedSamples",
] as const;

/** Counters of one ring at the last `take()`. Samples written = samples - droppedSamples. */
export interface FlightStats {
  /** CPU as given to `tryAdd()`. */
  cpu: number;
  /** Samples taken. */
  samples: number;
  /** Records of any type taken. */
  records: number;
  /** Bytes of those records. */
  bytes: number;
  /** Records that the kernel reports as lost: while the ring was paused by the previous take. */
  lost: number;
  /** Samples the hardware had no room for. */
  lostSamples: number;
  /** Times the kernel stopped an event that sampled too often. */
  throttle: number;
  /** Bytes of records that arrived since the previous take and were overwritten by newer ones. */
  overwrittenBytes: number;
  /** Samples that `write()` could not write. */
  droppedSamples: number;
}

/** Rings of a flight recorder: `tryAdd()` each, then `take()` and `write()` as often as needed, `free()`. */
export class FlightRings {
  #handle: Deno.PointerObject | null;
  #rings = 0;

  /** Creates the recorder. Throws PmuError. */
  constructor() {
    this.#handle = shim().pmu_flight_new();
    if (this.#handle === null) throw new PmuError("calloc", 12); // ENOMEM
  }

  get #live(): Deno.PointerObject {
    if (this.#handle === null) throw new Error("these rings have been freed");
    return this.#handle;
  }

  /**
   * Maps the ring of event `fd`, which has `writeBackward`, with `pages` data pages (a power of two). Returns its index
   * in `stats()`, or -errno as Drain.tryAdd().
   */
  tryAdd(fd: number, pages: number, cpu: number): number {
    const index = shim().pmu_flight_add(this.#live, fd, pages, cpu);
    if (index >= 0) this.#rings = index + 1;
    return index;
  }

  /** Copies the records that arrived since the previous take and are still in the rings. Throws PmuError. */
  take(): void {
    checked("PERF_EVENT_IOC_PAUSE_OUTPUT", shim().pmu_flight_take(this.#live));
  }

  /**
   * Writes the taken records at the descriptor's position, and keeps `spare` bytes in reserve after them, as Drain
   * does. Returns the bytes of whole records, and the error if there was one.
   */
  write(fd: number, spare: number): { bytes: number; error?: PmuError } {
    const written = new BigUint64Array(1);
    const errno = -shim().pmu_flight_write(this.#live, fd, spare, written);
    return { bytes: Number(written[0]), error: errno === 0 ? undefined : new PmuError("write", errno) };
  }

  /** Returns the counters of each ring, by the index that `tryAdd()` returned. */
  stats(): FlightStats[] {
    const words = new BigInt64Array(this.#rings * FLIGHT_FIELDS.length);
    shim().pmu_flight_stats(this.#live, words, BigInt(words.byteLength));
    return ringFields(words, 0, this.#rings, FLIGHT_FIELDS);
  }

  /** Unmaps and frees the rings. */
  free(): void {
    shim().pmu_flight_free(this.#handle);
    this.#handle = null;
  }
}
