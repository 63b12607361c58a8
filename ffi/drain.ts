/** Rings drained into a file, a pipe or a socket by the shim's thread. Protocol: ffi/shim/pmu.h. */

import { cString } from "../lib/base/bytes/bytes.ts";
import { PmuError } from "../lib/base/system/errno.ts";
import { shim } from "./load.ts";
import { checked, checkedSize, ringFields } from "./result.ts";

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
  /** Bytes of a regular file that are kept behind what is written, so that there is room for its end on a full disk. */
  spare?: number;
  /** What stands in the output for dropped samples. Without it none is dropped: the kernel loses them. */
  loss?: LostRecord;
  /**
   * Has it note what runs (`takeSeen()`) and when samples were taken (`times`). Samples have their time at
   * `sampleTimeAt` bytes, -1 for nowhere; all other records `recordTimeBack` bytes from their end, 0 for nowhere.
   */
  watch?: { sampleTimeAt: number; recordTimeBack: number };
}

/** What the records told since it was last asked. */
export interface SeenRecords {
  /**
   * PERF_RECORD_MMAP2 of code, whole: each file once, until `seeAgain()` or thousands of others. `file` tells it
   * from all others; memory without a file is told apart by its process.
   */
  maps: { file: number; record: Uint8Array<ArrayBuffer> }[];
  /** Processes, each with the one that started it. */
  forks: { pid: number; parent: number }[];
}

/** A thread's name, and room for all that the shim has: CUTS_COMM and CUTS_NAMES of ffi/shim/drain/cuts.h. */
const COMM_BYTES = 16, CUTS_BYTES = 16 * COMM_BYTES;

/** Room for the longest entry that the shim has. */
const SEEN_BYTES = 1 << 16;

/** A record to be written where samples were dropped, and where its values go: offsets in bytes, -1 for none. */
export interface LostRecord {
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
  #seenBytes: Uint8Array<ArrayBuffer> | undefined;

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
    const { queueBytes, loss, watch, spare } = options;
    if (spare) checked("pmu_drain_set_spare", shim().pmu_drain_set_spare(this.#handle, spare));
    if (watch) {
      const { sampleTimeAt, recordTimeBack } = watch;
      checked("pmu_drain_watch", shim().pmu_drain_watch(this.#handle, sampleTimeAt, recordTimeBack));
    }
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

  /** Takes in records that it has not written itself, as if it had. Throws PmuError unless they are whole. */
  see(records: Uint8Array<ArrayBuffer>): void {
    checked("pmu_drain_see", shim().pmu_drain_see(this.#live, records, BigInt(records.length)));
  }

  /** What has been seen since the last call; only with `watch`. At any time. Throws PmuError. */
  takeSeen(): SeenRecords {
    const seen: SeenRecords = { maps: [], forks: [] };
    const bytes = this.#seenBytes ??= new Uint8Array(SEEN_BYTES);
    for (let got; (got = this.#takeSeen(bytes)) > 0;) addSeen(seen, bytes, got);
    return seen;
  }

  /**
   * Names of the programs that the kernel stopped measuring at their exec, as it does for ordinary users when a program has
   * other rights than they (ffi/shim/pmu.h); only with `watch`, after `stop()`. Throws PmuError.
   */
  get cuts(): string[] {
    const bytes = new Uint8Array(CUTS_BYTES);
    const filled = checkedSize("cuts", shim().pmu_drain_cuts(this.#handle, bytes, BigInt(bytes.length)));
    return Array.from(
      { length: filled / COMM_BYTES },
      (_, i) => cString(bytes.subarray(i * COMM_BYTES, (i + 1) * COMM_BYTES)),
    );
  }

  /** Has files that were seen come again when they are mapped once more. Throws PmuError. */
  seeAgain(): void {
    checked("pmu_drain_see_again", shim().pmu_drain_see_again(this.#live));
  }

  #takeSeen(into: Uint8Array<ArrayBuffer>): number {
    const got = shim().pmu_drain_seen(this.#live, into, BigInt(into.length));
    return checkedSize("pmu_drain_seen", got);
  }

  /** The least and the greatest time of a sample, in ns of the recording's clock; undefined without any. After `stop()`. */
  get times(): { first: bigint; last: bigint } | undefined {
    const times = new BigUint64Array(2);
    if (shim().pmu_drain_times(this.#live, times) < 0) return undefined;
    return { first: times[0], last: times[1] };
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

/** Adds the entries in the first `length` of these bytes: a u64 that tells files apart, 0 for a fork, and a record. */
function addSeen(seen: SeenRecords, bytes: Uint8Array<ArrayBuffer>, length: number): void {
  const words = new Uint32Array(bytes.buffer);
  for (let at = 0; at < length;) {
    const word = at >>> 2;
    const size = words[word + 3] >>> 16; // perf_event_header: u32 type; u16 misc, size
    // 53 bits of it: what a double holds
    const file = words[word + 1] * 2 ** 21 + (words[word] >>> 11);
    if (words[word] === 0 && words[word + 1] === 0) {
      seen.forks.push({ pid: words[word + 4], parent: words[word + 5] });
    } else seen.maps.push({ file, record: bytes.slice(at + 8, at + 8 + size) });
    at += 8 + size;
  }
}
