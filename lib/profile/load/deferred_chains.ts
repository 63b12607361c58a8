/**
 * Samples whose user callers come later, in a record of their own, when the thread returns to user space
 * (PERF_RECORD_CALLCHAIN_DEFERRED, Linux 6.19). Their chains end in PERF_CONTEXT_USER_DEFERRED and a cookie:
 *
 *     sample     ... chain: KERNEL a b USER_DEFERRED cookie
 *     sample     ... chain: KERNEL a c USER_DEFERRED cookie      of one thread, on its way through the kernel
 *     record     struct { header; u64 cookie; u64 nr; u64 ips[nr]; sample_id }
 *
 * A thread has one cookie at a time. When it gets another one, or ends, samples with the old one get no callers.
 */

import { ABSENT, IntMap } from "../../base/bytes/int_map.ts";
import type { SampleCursor } from "../../perfdata/read/reader.ts";

/** Most samples that wait, of all threads. Beyond that, the oldest are counted without callers. */
const MAX_HELD = 4096;
const NONE = -1;

/** Fields of a sample that are needed to split its chain and count it later. */
export interface HeldSample {
  event: number;
  pid: number;
  cpu: number;
  ip: number;
  cpumode: number;
  period: number;
  time: number;
  /** Row of its thread. */
  thread: number;
  /** Text of what a tracepoint carries, where that is kept. */
  text?: string;
  u32: Uint32Array;
  chain: number;
  /** Entries of the chain before the marker. */
  chainLength: number;
  readonly callCount: 0;
}

interface Slot extends HeldSample {
  tid: number;
  /** Slot of the previous sample of the same thread, or NONE. */
  earlier: number;
  low: number;
  high: number;
}

/** Callback for a sample with its user callers, as pairs of words from `from` to `to`; `from` is NaN if they were lost. */
export type TakeHeld = (sample: HeldSample, u32: Uint32Array, from: number, to: number) => void;

const NOTHING = new Uint32Array(0);

/** Queue of samples that wait for their user callers. Reuses their memory. */
export class DeferredChains {
  /** Number of samples that got their callers, and of those whose callers never came. */
  joined = 0;
  missing = 0;
  readonly #slots: Slot[] = [];
  readonly #free: number[] = [];
  /** Slot of the latest sample of each thread. */
  readonly #latest = new IntMap();
  readonly #take: TakeHeld;
  /** Threads in the order in which they began to wait. Some no longer do. */
  #waiting: number[] = [];

  constructor(take: TakeHeld) {
    this.#take = take;
  }

  /** Holds the sample under `c`, whose chain has `length` entries before the marker, which the cookie follows. */
  hold(c: SampleCursor, length: number, thread: number, text?: string): void {
    const from = c.chain, at = from + 2 * length + 2;
    const low = c.u32[at], high = c.u32[at + 1];
    let latest = this.#latest.get(c.tid);
    if (latest !== ABSENT && (this.#slots[latest].low !== low || this.#slots[latest].high !== high)) {
      this.end(c.tid);
      latest = ABSENT;
    }
    if (this.#slots.length - this.#free.length >= MAX_HELD) {
      this.#endOldest();
      latest = this.#latest.get(c.tid);
    }
    if (latest === ABSENT) this.#wait(c.tid);
    const index = this.#free.pop() ?? this.#slots.push(emptySlot()) - 1, slot = this.#slots[index];
    const { event, pid, tid, cpu, ip, cpumode, period, time } = c;
    Object.assign(slot, { event, pid, tid, cpu, ip, cpumode, period, time, thread, text, low, high });
    slot.earlier = latest === ABSENT ? NONE : latest;
    if (slot.u32.length < 2 * length) slot.u32 = new Uint32Array(Math.max(64, 4 * length));
    slot.u32.set(c.u32.subarray(from, from + 2 * length));
    slot.chainLength = length;
    this.#latest.set(tid, index);
  }

  /** Completes the samples of a thread that wait for this cookie: their callers are the entries at words `from` to `to`. */
  join(tid: number, u32: Uint32Array, cookie: number, from: number, to: number): void {
    const latest = this.#latest.get(tid);
    if (latest === ABSENT) return;
    const { low, high } = this.#slots[latest];
    if (low !== u32[cookie] || high !== u32[cookie + 1]) return;
    this.joined += this.#give(tid, latest, u32, from, to);
  }

  /** Gives up on the callers of a thread's samples. */
  end(tid: number): void {
    const latest = this.#latest.get(tid);
    if (latest !== ABSENT) this.missing += this.#give(tid, latest, NOTHING, NaN, NaN);
  }

  /** Gives up on all waiting samples: there are no more records. */
  endAll(): void {
    for (const tid of this.#waiting) this.end(tid);
    this.#waiting = [];
  }

  #wait(tid: number): void {
    this.#waiting.push(tid);
    if (this.#waiting.length <= 2 * MAX_HELD) return;
    // many have their callers by now; of threads that wait again the latest entry counts
    const last = new Set(this.#waiting.toReversed().filter((each) => this.#latest.get(each) !== ABSENT));
    last.add(tid);
    this.#waiting = [...last].reverse();
  }

  #endOldest(): void {
    for (let at = 0; at < this.#waiting.length; at++) {
      const tid = this.#waiting[at];
      if (this.#latest.get(tid) === ABSENT) continue;
      this.end(tid);
      this.#waiting = this.#waiting.slice(at + 1);
      return;
    }
  }

  /** Passes on the waiting samples of a thread; returns their number. */
  #give(tid: number, latest: number, u32: Uint32Array, from: number, to: number): number {
    let count = 0;
    this.#latest.delete(tid);
    for (let index = latest; index !== NONE; count++) {
      const slot = this.#slots[index];
      this.#free.push(index);
      index = slot.earlier;
      this.#take(slot, u32, from, to);
    }
    return count;
  }
}

function emptySlot(): Slot {
  return {
    event: 0,
    pid: 0,
    cpu: 0,
    ip: 0.5,
    cpumode: 0,
    period: 0.5,
    time: 0.5,
    thread: 0,
    u32: new Uint32Array(64),
    chain: 0,
    chainLength: 0,
    callCount: 0,
    tid: 0,
    earlier: NONE,
    low: 0,
    high: 0,
  };
}
