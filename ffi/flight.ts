/** Rings that hold the youngest records and are read only when asked for. Protocol: ffi/shim/pmu.h. */

import { PmuError } from "../lib/base/system/errno.ts";
import { shim } from "./load.ts";
import { checked, ringFields } from "./result.ts";

/** The numbers the shim keeps for a ring, in the order of enum pmu_flight_field. */
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

/** What was taken from one ring at the last `take()`. Samples written = samples - droppedSamples. */
export interface FlightStats {
  /** As given to `tryAdd()`. */
  cpu: number;
  samples: number;
  /** Records of any type, and their bytes. */
  records: number;
  bytes: number;
  /** Records that the kernel says it had no room for: while the ring stood still at the take before. */
  lost: number;
  /** Samples the hardware had no room for. */
  lostSamples: number;
  /** Times the kernel stopped an event that sampled too often. */
  throttle: number;
  /** Bytes of records that came since the take before and have been overwritten by younger ones. */
  overwrittenBytes: number;
  /** Samples that `write()` could not write. */
  droppedSamples: number;
}

/** A flight recorder's rings: `tryAdd()` each, then `take()` and `write()` as often as wanted, `free()`. */
export class FlightRings {
  #handle: Deno.PointerObject | null;
  #rings = 0;

  /** Throws PmuError. */
  constructor() {
    this.#handle = shim().pmu_flight_new();
    if (this.#handle === null) throw new PmuError("calloc", 12); // ENOMEM
  }

  get #live(): Deno.PointerObject {
    if (this.#handle === null) throw new Error("these rings have been freed");
    return this.#handle;
  }

  /**
   * Maps the ring of event `fd`, which has `writeBackward`, with `pages` data pages (a power of two). Returns its
   * index in `stats()`, or -errno as Drain.tryAdd().
   */
  tryAdd(fd: number, pages: number, cpu: number): number {
    const index = shim().pmu_flight_add(this.#live, fd, pages, cpu);
    if (index >= 0) this.#rings = index + 1;
    return index;
  }

  /** Copies what the rings hold and has not been taken before. Throws PmuError. */
  take(): void {
    checked("PERF_EVENT_IOC_PAUSE_OUTPUT", shim().pmu_flight_take(this.#live));
  }

  /**
   * Writes what was taken at the descriptor's position, and keeps `spare` bytes that are there behind it, as Drain
   * does. Returns the bytes of whole records, and what went wrong.
   */
  write(fd: number, spare: number): { bytes: number; error?: PmuError } {
    const written = new BigUint64Array(1);
    const errno = -shim().pmu_flight_write(this.#live, fd, spare, written);
    return { bytes: Number(written[0]), error: errno === 0 ? undefined : new PmuError("write", errno) };
  }

  /** Of each ring, by the index that `tryAdd()` gave. */
  stats(): FlightStats[] {
    const words = new BigInt64Array(this.#rings * FLIGHT_FIELDS.length);
    shim().pmu_flight_stats(this.#live, words, BigInt(words.byteLength));
    return ringFields(words, 0, this.#rings, FLIGHT_FIELDS);
  }

  /** Unmaps the rings; they are of no use afterwards. */
  free(): void {
    shim().pmu_flight_free(this.#handle);
    this.#handle = null;
  }
}
