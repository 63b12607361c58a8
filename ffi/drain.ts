/** Rings drained into a file, a pipe or a socket by the shim's thread. Protocol: ffi/pmu.h. */

import { PmuError } from "../lib/base/errno.ts";
import { shim } from "./load.ts";
import { checked, ringFields } from "./result.ts";

/** What Drain is made with. */
export interface DrainOptions {
  /** Where the records go, from its present position on. Stays open until `stop()` is done. */
  outFd: number;
  /** The offset in the file of the u64 to keep equal to `written`: perf.data's header's data.size. */
  sizeFieldAt?: number;
  /** Bytes of the data section that were written before; counted in `written`. Default 0. */
  base?: number;
  /** Whether a FINISHED_ROUND record ends each pass. Default true. */
  rounds?: boolean;
  /** The longest time that a record stays in its ring, in ms. Default 250. */
  intervalMs?: number;
  /**
   * How many bytes may wait for a slow output before samples are dropped. By default three times the rings,
   * at least 16 MiB; never less than the rings.
   */
  queueBytes?: number;
  /** What stands in the output for dropped samples. Without it none is dropped: the kernel loses them. */
  loss?: LossRecord;
}

/** A record to be written where samples were dropped, and where its values go: offsets in bytes, -1 for none. */
export interface LossRecord {
  /** A whole record, whose u64 behind the header is set to the number of samples. */
  record: Uint8Array<ArrayBuffer>;
  /** Of the u64 that is set to the time of the last of them. */
  timeAt: number;
  /** Of the u32 that is set to the CPU of the ring. */
  cpuAt: number;
  /** Of the time in a sample. */
  sampleTimeAt: number;
}

/**
 * The numbers the shim keeps for a ring, in the order of enum pmu_ring_field. The names are tprof's
 * where it has them.
 */
const RING_FIELDS = [
  "cpu",
  "samples",
  "records",
  "bytes",
  "lost",
  "lostSamples",
  "throttle",
  "unthrottle",
  "buf",
  "emptybuf",
  "dropbuf",
  "dropbufSample",
  "droppedBytes",
] as const;

/** What one ring has seen so far. Samples written = samples - dropbufSample. */
export interface RingStats {
  /** As given to `add()`. */
  cpu: number;
  /** Samples taken from the ring. */
  samples: number;
  /** Records of any type taken from the ring, and their bytes. */
  records: number;
  bytes: number;
  /** Records the kernel had no room for in the ring (PERF_RECORD_LOST). */
  lost: number;
  /** Samples the hardware had no room for (PERF_RECORD_LOST_SAMPLES). */
  lostSamples: number;
  /** Times the kernel stopped an event that sampled too often, and let it go on. */
  throttle: number;
  unthrottle: number;
  /** Passes that found records in the ring, and passes that found none. */
  buf: number;
  emptybuf: number;
  /** Passes, samples and bytes that were taken from the ring and were not written: no room, or a write error. */
  dropbuf: number;
  dropbufSample: number;
  droppedBytes: number;
}

/** Moves records from rings to a descriptor: construct, `add()` each ring, `start()`, `stop()`, `free()`. */
export class Drain {
  #handle: Deno.PointerObject | null;
  #rings = 0;

  /** Throws PmuError. */
  constructor(options: DrainOptions) {
    const error = new Int32Array(1);
    const noRounds = options.rounds === false ? 1 : 0;
    const sizeFieldAt = BigInt(options.sizeFieldAt ?? -1);
    this.#handle = shim().pmu_drain_new(options.outFd, sizeFieldAt, noRounds, error);
    checked("epoll_create1", error[0]);
    shim().pmu_drain_set_base(this.#handle, BigInt(options.base ?? 0));
    if (options.intervalMs !== undefined) {
      checked("pmu_drain_set_interval", shim().pmu_drain_set_interval(this.#handle, options.intervalMs));
    }
    const { queueBytes, loss } = options;
    if (queueBytes !== undefined) {
      checked("pmu_drain_set_queue", shim().pmu_drain_set_queue(this.#handle, BigInt(queueBytes)));
    }
    if (loss) {
      const { record, timeAt, cpuAt, sampleTimeAt } = loss;
      checked(
        "pmu_drain_set_loss",
        shim().pmu_drain_set_loss(this.#handle, record, record.length, timeAt, cpuAt, sampleTimeAt),
      );
    }
  }

  get #live(): Deno.PointerObject {
    if (this.#handle === null) throw new Error("this drain has been freed");
    return this.#handle;
  }

  /**
   * Maps the ring of event `fd` with `pages` data pages (a power of two). Returns its index in
   * `stats()`, or -errno as mmap(2) gives it: EPERM when that is more than may be locked, EINVAL for an
   * inherited event without a CPU. Other events join the ring with setOutput().
   */
  tryAdd(fd: number, pages: number, cpu: number): number {
    const index = shim().pmu_drain_add(this.#live, fd, pages, cpu);
    if (index >= 0) this.#rings = index + 1;
    return index;
  }

  /** tryAdd that throws PmuError. */
  add(fd: number, pages: number, cpu: number): number {
    return checked("mmap", this.tryAdd(fd, pages, cpu));
  }

  /**
   * Has event `fd`, which sends its records to ring `ring`, tell that it fills once the tasks of the ring's own
   * event have ended. Throws PmuError.
   */
  addStandIn(ring: number, fd: number): void {
    checked("pmu_drain_stand_in", shim().pmu_drain_stand_in(this.#live, ring, fd));
  }

  /** Counts `bytes` of the data section as written before the drain; before `start()`. Throws PmuError. */
  setBase(bytes: number): void {
    checked("pmu_drain_set_base", shim().pmu_drain_set_base(this.#live, BigInt(bytes)));
  }

  /** Starts the thread. Throws PmuError. */
  start(): void {
    checked("pthread_create", shim().pmu_drain_start(this.#live));
  }

  /**
   * Writes no more: what waits and what comes is counted as dropped. For an output that takes nothing, while
   * `stop()` waits for it; that is done soon afterwards.
   */
  abort(): void {
    shim().pmu_drain_abort(this.#live);
  }

  /**
   * One last pass over the rings, the size field, and the end of the threads. Gives the first error of
   * the whole run, if there was one, rather than throwing it: there is a file to be finished.
   */
  async stop(): Promise<PmuError | undefined> {
    await shim().pmu_drain_stop(this.#live);
    return this.error;
  }

  /** The first thing that went wrong: a write (ENOSPC, EPIPE...), or a ring that holds nonsense (EBADMSG). */
  get error(): PmuError | undefined {
    const errno = -shim().pmu_drain_error(this.#live);
    return errno === 0 ? undefined : new PmuError("drain", errno);
  }

  /** Bytes written, with the base, up to the end of the last whole record. */
  get written(): number {
    return Number(shim().pmu_drain_written(this.#live));
  }

  /** What each ring has seen, by the index that `add()` gave. May be asked for while it runs. */
  stats(): RingStats[] {
    const words = this.#statsBuffer();
    shim().pmu_drain_stats(this.#live, words, BigInt(words.byteLength));
    return this.#statsIn(words);
  }

  #statsBuffer(): BigInt64Array<ArrayBuffer> {
    return new BigInt64Array(1 + this.#rings * RING_FIELDS.length);
  }

  #statsIn(words: BigInt64Array): RingStats[] {
    return ringFields(words, 1, this.#rings, RING_FIELDS);
  }

  /** Unmaps the rings; the drain is of no use afterwards. Call it when `stop()` is done, or before `start()`. */
  free(): void {
    shim().pmu_drain_free(this.#handle);
    this.#handle = null;
  }
}
