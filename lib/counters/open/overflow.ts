/**
 * Overflow notification, as cpc has it, with the PC.
 *
 * A counter that notifies is opened with its preset as sampling period, and may take one sample
 * (PERF_EVENT_IOC_REFRESH). With that sample the kernel stops the counter, and its group if it leads, as the first
 * notifying counter of a set does. The sample arrives here through the ring, a drain and a pipe, and the set is
 * frozen as a whole.
 *
 * Clocks overflow when the kernel's timer fires: slightly late, and a whole period late if the timer finds the CPU in
 * a mode that the event excludes, or was held up. The count shows by how much.
 *
 * All sets share one pipe. A drain writes its ring of one page at once, and a pipe takes up to a page in one piece.
 */

import { closeFd, Drain, eventId, makePipe, readPipe, setOutput } from "../../../ffi/pmu.ts";
import { PERF_RECORD, PERF_RECORD_MISC } from "../../base/system/abi.ts";
import { ERRNO, errnoText } from "../../base/system/errno.ts";
import { UnsupportedError } from "../../base/system/errors.ts";
import { Cursor } from "../../perfdata/format/cursor.ts";
import type { DataInput } from "../../perfdata/read/data_input.ts";
import { describeEvent } from "../../perfdata/format/events.ts";
import { IdTable } from "../../perfdata/format/id_table.ts";
import { sampleFits, setSample } from "../../perfdata/read/sample.ts";
import { RecordWindow } from "../../perfdata/read/window.ts";
import type { OpenSet } from "./open_set.ts";
import { overflowRecordAttr } from "./overflow_attr.ts";

/** Overflow of a counter. Its set is frozen. */
export interface Overflow {
  set: OpenSet;
  /** Index of the counter in the set. */
  counter: number;
  pid: number;
  tid: number;
  cpu: number;
  /** Time in ns of CLOCK_MONOTONIC. */
  hrtimeNs: bigint;
  /** PC, signed (base/address.ts), and whether it is in the kernel. */
  address: number;
  kernel: boolean;
}

/** Watched set, and the drain of its ring. */
interface WatchedSet {
  set: OpenSet;
  drain: Drain;
}

/** Watch over sets that notify. */
export class OverflowWatch {
  readonly #pipe: { readFd: number; writeFd: number };
  readonly #watched: Map<OpenSet, WatchedSet> = new Map();
  /** Table that maps ids in records to rows of `#counters`. */
  readonly #ids: IdTable = new IdTable();
  readonly #counters: { set: OpenSet; counter: number }[] = [];
  #reading = false;
  #closed = false;

  /** Throws PmuError when the pipe cannot be created. */
  constructor() {
    this.#pipe = makePipe();
  }

  /**
   * Watches the notifying counters of a set. Does nothing for a set without any. Call it before enabling the set.
   * Throws UnsupportedError when this user may not lock the memory for another ring.
   */
  add(set: OpenSet): void {
    const notifying = [...set.counters.keys()].filter((index) => set.counters[index].notify);
    if (notifying.length === 0) return;
    const [first, ...others] = notifying;
    const drain = new Drain({ outFd: this.#pipe.writeFd, rounds: false });
    try {
      const ring = drain.tryAdd(set.fd(first), 1, set.place.cpu);
      if (ring < 0) throw ringError(-ring, set);
      for (const index of others) setOutput(set.fd(index), set.fd(first));
      drain.start();
    } catch (error) {
      drain.free();
      throw error;
    }
    for (const counter of notifying) {
      this.#ids.set(eventId(set.fd(counter)), this.#counters.push({ set, counter }) - 1);
    }
    this.#watched.set(set, { set, drain });
  }

  /** Stops watching a set. Await it before closing the set. */
  async remove(set: OpenSet): Promise<void> {
    const watched = this.#watched.get(set);
    if (!watched) return;
    this.#watched.delete(set);
    await watched.drain.stop();
    watched.drain.free();
  }

  /**
   * Yields overflows of the watched sets as they happen. Each set is frozen by then, until its `restart()`. Ends
   * after `close()`. May only be called once.
   */
  async *overflows(): AsyncGenerator<Overflow> {
    this.#reading = true;
    try {
      const arrivals = new Arrivals();
      const window = new RecordWindow(arrivals, 4 * CHUNK, true);
      for (;;) {
        const n = await readPipe(this.#pipe.readFd, arrivals.room);
        if (n === 0) return;
        arrivals.arrived(n);
        while (window.refill(() => window.next, () => {}));
        yield* this.#decode(window);
      }
    } finally {
      closeFd(this.#pipe.readFd);
    }
  }

  /**
   * Stops watching all sets, and ends `overflows()` once it has yielded what is left. Await it before closing sets.
   */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await Promise.all([...this.#watched.keys()].map((set) => this.remove(set)));
    closeFd(this.#pipe.writeFd);
    if (!this.#reading) closeFd(this.#pipe.readFd);
  }

  /** Returns the overflows among the complete records received so far. */
  #decode(window: RecordWindow): Overflow[] {
    const event = describeEvent(overflowRecordAttr(), []);
    const found: Overflow[] = [];
    for (let size; (size = window.peekSize()) > 0; window.take(size)) {
      const { next: pos, u32 } = window;
      if (window.peekType() !== PERF_RECORD.SAMPLE || !sampleFits(u32, pos, size, event.layout)) continue;
      const word = (pos + event.layout.identifier) >>> 2;
      const row = this.#ids.find(u32[word], u32[word + 1]);
      if (row < 0) continue;
      const { set, counter } = this.#counters[row];
      if (!this.#watched.has(set)) continue; // removed since, and maybe closed
      if (!set.freeze(counter)) continue;
      const sample = new Cursor(window);
      setSample(sample, pos, 0, event, { low: 0, high: 0 });
      const { pid, tid, cpu, time, ip: address, cpumode } = sample;
      const kernel = cpumode === PERF_RECORD_MISC.KERNEL;
      found.push({ set, counter, pid, tid, cpu, hrtimeNs: BigInt(time), address, kernel });
    }
    return found;
  }
}

/** Size of a read from the pipe, in bytes: more than it ever holds. */
const CHUNK = 16384;

/** Input for a RecordWindow from the bytes received so far. */
class Arrivals implements DataInput {
  readonly name = "the overflow records";
  readonly remaining = Infinity;
  readonly missing = 0;
  /** Buffer for the next read. */
  readonly room: Uint8Array<ArrayBuffer> = new Uint8Array(CHUNK);
  offset = 0;
  #from = 0;
  #to = 0;

  arrived(n: number): void {
    this.#from = 0;
    this.#to = n;
  }

  read(into: Uint8Array): number {
    const n = Math.min(into.length, this.#to - this.#from);
    into.set(this.room.subarray(this.#from, this.#from + n));
    this.#from += n;
    this.offset += n;
    return n;
  }

  skip(): boolean {
    return false; // only complete records arrive
  }
}

function ringError(errno: number, set: OpenSet): UnsupportedError {
  const attempt = `map a ring of 4 KiB to notify of overflows on ${set.place.target}`;
  if (errno !== ERRNO.EPERM) return new UnsupportedError({ attempt, cause: errnoText(errno) }, errno);
  return new UnsupportedError({
    attempt,
    cause: "it exceeds what kernel.perf_event_mlock_kb allows this user to lock",
    remedy: "bind fewer threads, or raise the limit as root",
  }, errno);
}
