/** Draining of rings into a file, a pipe or a socket by the shim's thread. Protocol: ffi/shim/pmu.h. */

import { cString } from "../lib/base/bytes/bytes.ts";
import { PmuError } from "../lib/base/system/errno.ts";
import { shim } from "./load.ts";
import { checked, checkedSize, ringFields } from "./result.ts";
import { type RingTaker, TakenRings } from "./ring_pass.ts";

/** Settings of a Drain. */
export interface DrainOptions {
  /** Descriptor that records are written to, from its present position on. Stays open until `stop()` is done. */
  outFd: number;
  /** File offset of a u64 to keep equal to `written`: data.size in perf.data's header. */
  sizeFieldAt?: number;
  /** Bytes of the data section that were written before the drain; counted in `written`. Default 0. */
  base?: number;
  /** Write a FINISHED_ROUND record after each pass. Default true. */
  rounds?: boolean;
  /** Longest time that a record stays in its ring, in ms. Default 250. */
  intervalMs?: number;
  /**
   * Bytes that may wait for a slow output before samples are dropped. Default: three times the rings, at least 16 MiB;
   * never less than the rings. With a taker, an eighth of the rings counts.
   */
  queueBytes?: number;
  /**
   * Bytes kept in reserve after the written data of a regular file, so that the file's end still fits on a full disk.
   */
  spare?: number;
  /** Record that stands for dropped samples. Without it the drain never drops samples: the kernel loses them. */
  lostRecord?: LostRecord;
  /**
   * Note which programs run (`takeSeen()`) and when samples were taken (`times`). Offsets of times, in bytes: in
   * samples `sampleTimeAt` from the start, -1 for none; in other records `recordTimeBack` from the end, 0 for none.
   */
  watch?: { sampleTimeAt: number; recordTimeBack: number };
  /** Takes the records from the rings, on this thread. By default a thread of the shim takes them as they are. */
  taker?: RingTaker;
}

/** Flags of pmu_drain_new: PMU_DRAIN_NO_ROUNDS, PMU_DRAIN_BY_CALLER. */
const NO_ROUNDS = 1, BY_CALLER = 2;

/** Maps and forks seen in records since the last request. */
export interface SeenRecords {
  /**
   * Whole PERF_RECORD_MMAP2 records of code: each file once, until `seeAgain()` or thousands of others. `file`
   * identifies the file; memory without a file is identified by its process.
   */
  maps: { file: number; record: Uint8Array<ArrayBuffer> }[];
  /** Processes, each with its parent. */
  forks: { pid: number; parent: number }[];
}

/** Size of a thread's name, and of all that the shim keeps: CUTS_COMM and CUTS_NAMES of ffi/shim/drain/cuts.h. */
const COMM_BYTES = 16, CUTS_BYTES = 16 * COMM_BYTES;

/** Buffer size in bytes for the longest entry that the shim keeps. */
const SEEN_BYTES = 1 << 16;

/** Record to write in place of dropped samples, with the byte offsets of the values to fill in, -1 for none. */
export interface LostRecord {
  /** Complete record, whose u64 after the header is set to the number of samples. */
  record: Uint8Array<ArrayBuffer>;
  /** Offset of the u64 that is set to the time of the last dropped sample. */
  timeAt: number;
  /** Offset of the u32 that is set to the ring's CPU. */
  cpuAt: number;
  /** Offset of the time in a sample. */
  sampleTimeAt: number;
}

/**
 * Counters that the shim keeps for a ring, in the order of enum pmu_ring_field. The names are tprof's where it has
 * them.
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

/** Counters of one ring. Samples written = samples - dropbufSample. */
export interface RingStats {
  /** CPU as given to `add()`. */
  cpu: number;
  /** Samples taken from the ring. */
  samples: number;
  /** Records of any type taken from the ring. */

  records: number;
  /** Bytes of those records. */
  bytes: number;
  /** Records the kernel had no room for in the ring (PERF_RECORD_LOST). */
  lost: number;
  /** Samples the hardware had no room for (PERF_RECORD_LOST_SAMPLES). */
  lostSamples: number;
  /** Times the kernel stopped an event that sampled too often. */
  throttle: number;
  /** Times the kernel resumed such an event. */
  unthrottle: number;
  /** Passes that found records in the ring. */
  buf: number;
  /** Passes that found none. */
  emptybuf: number;
  /** Passes whose records were not all written, for lack of room or after a write error. */
  dropbuf: number;
  /** Samples taken from the ring and not written. */
  dropbufSample: number;
  /** Bytes taken from the ring and not written. */
  droppedBytes: number;
}

/** Moves records from rings to a descriptor: construct, `add()` each ring, `start()`, `stop()`, `free()`. */
export class Drain {
  #handle: Deno.PointerObject | null;
  #rings = 0;
  #seenBytes: Uint8Array<ArrayBuffer> | undefined;
  /** Rings that a taker empties, and when it has ended, with its error if it failed. */
  #taken: TakenRings | undefined;
  #taking: Promise<unknown> | undefined;

  /** Creates the drain. Throws PmuError. */
  constructor(options: DrainOptions) {
    const error = new Int32Array(1);
    const flags = (options.rounds === false ? NO_ROUNDS : 0) | (options.taker ? BY_CALLER : 0);
    const sizeFieldAt = BigInt(options.sizeFieldAt ?? -1);
    this.#handle = shim().pmu_drain_new(options.outFd, sizeFieldAt, flags, error);
    checked("epoll_create1", error[0]);
    if (options.taker) this.#taken = new TakenRings(this.#live, options.taker);
    shim().pmu_drain_set_base(this.#handle, BigInt(options.base ?? 0));
    if (options.intervalMs !== undefined) {
      checked("pmu_drain_set_interval", shim().pmu_drain_set_interval(this.#handle, options.intervalMs));
    }
    const { queueBytes, lostRecord, watch, spare } = options;
    if (spare) checked("pmu_drain_set_spare", shim().pmu_drain_set_spare(this.#handle, spare));
    if (watch) {
      const { sampleTimeAt, recordTimeBack } = watch;
      checked("pmu_drain_watch", shim().pmu_drain_watch(this.#handle, sampleTimeAt, recordTimeBack));
    }
    if (queueBytes !== undefined) {
      checked("pmu_drain_set_queue", shim().pmu_drain_set_queue(this.#handle, BigInt(queueBytes)));
    }
    if (lostRecord) {
      const { record, timeAt, cpuAt, sampleTimeAt } = lostRecord;
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
   * Maps the ring of event `fd` with `pages` data pages (a power of two). Returns its index in `stats()`, or -errno of
   * mmap(2): EPERM for more memory than may be locked, EINVAL for an inherited event without a CPU. Other events join
   * the ring with setOutput().
   */
  tryAdd(fd: number, pages: number, cpu: number): number {
    const index = shim().pmu_drain_add(this.#live, fd, pages, cpu);
    if (index >= 0) {
      this.#rings = index + 1;
      this.#taken?.add(index, pages * shim().pmu_page_size());
    }
    return index;
  }

  /** Maps a ring like tryAdd(), but throws PmuError. */
  add(fd: number, pages: number, cpu: number): number {
    return checked("mmap", this.tryAdd(fd, pages, cpu));
  }

  /**
   * Registers event `fd`, which sends its records to ring `ring`, to signal that the ring fills once the tasks of the
   * ring's own event have ended. Throws PmuError.
   */
  addStandIn(ring: number, fd: number): void {
    checked("pmu_drain_stand_in", shim().pmu_drain_stand_in(this.#live, ring, fd));
  }

  /** Sets the bytes of the data section that were written before the drain. Only before `start()`. Throws PmuError. */
  setBase(bytes: number): void {
    checked("pmu_drain_set_base", shim().pmu_drain_set_base(this.#live, BigInt(bytes)));
  }

  /** Starts the threads, or the taker. Throws PmuError. */
  start(): void {
    checked("pthread_create", shim().pmu_drain_start(this.#live));
    if (this.#taken === undefined) return;
    shim().pmu_drain_raise_priority(this.#live); // as far as this user may
    this.#taking = this.#takeAll(this.#taken).catch((error) => error);
  }

  /** Makes pass after pass until the drain is to stop. Throws what the taker throws. */
  async #takeAll(rings: TakenRings): Promise<void> {
    try {
      for (let last = false, isComplete = false; !last || !isComplete;) {
        last = await rings.wait();
        if (this.#handle === null) return; // freed meanwhile
        isComplete = rings.pass();
      }
    } finally {
      if (this.#handle !== null) rings.end();
    }
  }

  /**
   * Stops writing: queued and later records count as dropped. Call it while `stop()` waits for an output that accepts
   * nothing; `stop()` then returns soon.
   */
  abort(): void {
    shim().pmu_drain_abort(this.#live);
  }

  /**
   * Drains the rings one last time, updates the size field and ends the threads. Returns the first error of the whole
   * run rather than throwing it, because the file still has to be finished. Throws what the taker threw.
   */
  async stop(): Promise<PmuError | undefined> {
    if (this.#taking) shim().pmu_drain_ask_to_stop(this.#live);
    const failure = await this.#taking;
    this.#taking = undefined;
    await shim().pmu_drain_stop(this.#live);
    if (failure !== undefined) throw failure;
    return this.error;
  }

  /** First error: of a write (ENOSPC, EPIPE...), or a ring with impossible contents (EBADMSG). */
  get error(): PmuError | undefined {
    const errno = -shim().pmu_drain_error(this.#live);
    return errno === 0 ? undefined : new PmuError("drain", errno);
  }

  /** Bytes written, including the base, up to the end of the last whole record. */
  get written(): number {
    return Number(shim().pmu_drain_written(this.#live));
  }

  /** Returns the counters of each ring, by the index that `add()` returned. May be called while the drain runs. */
  stats(): RingStats[] {
    const words = this.#statsBuffer();
    shim().pmu_drain_stats(this.#live, words, BigInt(words.byteLength));
    return this.#statsIn(words);
  }

  /**
   * Notes maps and forks in records that the drain did not write itself, as if it had. Throws PmuError unless they are
   * whole.
   */
  see(records: Uint8Array<ArrayBuffer>): void {
    checked("pmu_drain_see", shim().pmu_drain_see(this.#live, records, BigInt(records.length)));
  }

  /**
   * Returns the maps and forks seen since the last call. Only with `watch`; may be called at any time. Throws PmuError.
   */
  takeSeen(): SeenRecords {
    const seen: SeenRecords = { maps: [], forks: [] };
    const bytes = this.#seenBytes ??= new Uint8Array(SEEN_BYTES);
    for (let got; (got = this.#takeSeen(bytes)) > 0;) addSeen(seen, bytes, got);
    return seen;
  }

  /**
   * Names of programs that the kernel stopped measuring at their exec, as it does for ordinary users when a program has
   * other rights than they have (ffi/shim/pmu.h). Only with `watch`, after `stop()`. Throws PmuError.
   */
  get cuts(): string[] {
    const bytes = new Uint8Array(CUTS_BYTES);
    const filled = checkedSize("cuts", shim().pmu_drain_cuts(this.#handle, bytes, BigInt(bytes.length)));
    return Array.from(
      { length: filled / COMM_BYTES },
      (_, i) => cString(bytes.subarray(i * COMM_BYTES, (i + 1) * COMM_BYTES)),
    );
  }

  /** Makes `takeSeen()` report known files again when they are mapped once more. Throws PmuError. */
  seeAgain(): void {
    checked("pmu_drain_see_again", shim().pmu_drain_see_again(this.#live));
  }

  #takeSeen(into: Uint8Array<ArrayBuffer>): number {
    const got = shim().pmu_drain_seen(this.#live, into, BigInt(into.length));
    return checkedSize("pmu_drain_seen", got);
  }

  /**
   * First and last time of a sample, in ns of the recording's clock; undefined without samples. Only after `stop()`.
   */
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

  /**
   * Unmaps the rings and frees the drain; does nothing when called again. Call it when `stop()` is done, or before
   * `start()`. Without `stop()` it waits for the output, and what is still in the rings stays there.
   */
  free(): void {
    const handle = this.#handle, taking = this.#taking;
    if (handle === null) return;
    this.#handle = null;
    this.#taking = undefined;
    if (taking === undefined) {
      shim().pmu_drain_free(handle);
      return;
    }
    // the output may be closed from here on, but the taker's wait uses the drain until it comes back
    shim().pmu_drain_end(handle);
    shim().pmu_drain_stop_now(handle);
    taking.then(() => shim().pmu_drain_free(handle));
  }
}

/**
 * Adds the entries in the first `length` bytes: for each, a u64 that identifies the file (0 for a fork), and a record.
 */
function addSeen(seen: SeenRecords, bytes: Uint8Array<ArrayBuffer>, length: number): void {
  const words = new Uint32Array(bytes.buffer);
  for (let at = 0; at < length;) {
    const word = at >>> 2;
    const size = words[word + 3] >>> 16; // perf_event_header: u32 type; u16 misc, size
    // the upper 53 bits, which a double holds exactly
    const file = words[word + 1] * 2 ** 21 + (words[word] >>> 11);
    if (words[word] === 0 && words[word + 1] === 0) {
      seen.forks.push({ pid: words[word + 4], parent: words[word + 5] });
    } else seen.maps.push({ file, record: bytes.slice(at + 8, at + 8 + size) });
    at += 8 + size;
  }
}
