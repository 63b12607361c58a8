/**
 * Telling of overflows: cpc's notification with the PC. A counter that notifies is opened with its preset as
 * sampling period and lets one sample happen (PERF_EVENT_IOC_REFRESH); with that sample the kernel stops it, and
 * its group with it when it leads, as the first notifying counter of a set does. The sample comes through
 * the ring, a drain and a pipe to here, where the set is frozen as a whole.
 *
 * Clocks overflow when the kernel's timer says so: a little late, and a whole period later when the timer finds the
 * CPU in a mode that the event leaves out, or has been held up. The count says by how much.
 *
 * All sets share one pipe: a drain writes its ring of one page at once, and a pipe takes up to a page as one piece.
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

/** A counter ran out, and its set is frozen. */
export interface Overflow {
  set: OpenSet;
  /** Index of the counter in the set. */
  counter: number;
  pid: number;
  tid: number;
  cpu: number;
  /** When, in ns of CLOCK_MONOTONIC. */
  hrtimeNs: bigint;
  /** The PC, signed (base/address.ts), and whether it is in the kernel. */
  address: number;
  kernel: boolean;
}

/** A set that is watched, and the drain of its ring. */
interface WatchedSet {
  set: OpenSet;
  drain: Drain;
}

export class OverflowWatch {
  readonly #pipe: { readFd: number; writeFd: number };
  readonly #watched: Map<OpenSet, WatchedSet> = new Map();
  /** Whose the ids in the records are: rows of `#counters`. */
  readonly #ids: IdTable = new IdTable();
  readonly #counters: { set: OpenSet; counter: number }[] = [];
  #reading = false;
  #closed = false;

  /** Throws PmuError when there can be no pipe. */
  constructor() {
    this.#pipe = makePipe();
  }

  /**
   * Watches the counters of the set that notify; a set without any is left alone. Call it before the set is
   * enabled. Throws UnsupportedError when this user may not lock the memory for one more ring.
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

  /** Forgets the set. To be waited for before the set is closed. */
  async remove(set: OpenSet): Promise<void> {
    const watched = this.#watched.get(set);
    if (!watched) return;
    this.#watched.delete(set);
    await watched.drain.stop();
    watched.drain.free();
  }

  /**
   * The overflows, as they happen, of the sets that are watched; each set is frozen by then, and goes on
   * with its `restart()`. Ends after `close()`. Only to be called once.
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

  /** Forgets all sets and ends `overflows()` when it has given what there was. To be waited for before sets are closed. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await Promise.all([...this.#watched.keys()].map((set) => this.remove(set)));
    closeFd(this.#pipe.writeFd);
    if (!this.#reading) closeFd(this.#pipe.readFd);
  }

  /** The overflows among the whole records that have come. */
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

/** Bytes read from the pipe at once: more than there ever are. */
const CHUNK = 16384;

/** What has come through the pipe, for a RecordWindow. */
class Arrivals implements DataInput {
  readonly name = "the overflow records";
  readonly remaining = Infinity;
  readonly missing = 0;
  /** Where the next bytes are to be read into. */
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
    return false; // records alone come here
  }
}

function ringError(errno: number, set: OpenSet): UnsupportedError {
  const attempt = `map a ring of 4 KiB to notify of overflows on ${set.place.target}`;
  if (errno !== ERRNO.EPERM) return new UnsupportedError({ attempt, cause: errnoText(errno) }, errno);
  return new UnsupportedError({
    attempt,
    cause: "that is more than kernel.perf_event_mlock_kb allows this user",
    remedy: "bind fewer threads, or raise the limit as root",
  }, errno);
}
