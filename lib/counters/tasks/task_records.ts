/**
 * Decodes the kernel's records of threads from a drain's pipe, and sorts them by time, with the decoders for
 * perf.data.
 */

import { PERF_RECORD, PERF_RECORD_USER } from "../../base/system/abi.ts";
import type { EventAttr } from "../../events/attr.ts";
import { Cursor } from "../../perfdata/format/cursor.ts";
import type { DataInput } from "../../perfdata/read/data_input.ts";
import { describeEvent, type EventDesc } from "../../perfdata/format/events.ts";
import { decodeComm, decodeLost, decodeRead, decodeTask, type Read } from "../../perfdata/format/records.ts";
import { setRecord } from "../../perfdata/read/sample.ts";
import { RecordWindow } from "../../perfdata/read/window.ts";

/** Record about a thread. `timeNs` is in the events' clock. */
export type TaskRecord =
  | { kind: "fork"; timeNs: bigint; pid: number; tid: number; ppid: number; ptid: number }
  | { kind: "exit"; timeNs: bigint; pid: number; tid: number }
  | { kind: "exec"; timeNs: bigint; pid: number; tid: number; command: string }
  /** Mapping of code: the program that the thread exec'ed is measured. */
  | { kind: "map"; timeNs: bigint; pid: number; tid: number }
  | { kind: "read"; timeNs: bigint; pid: number; tid: number; read: Read }
  | { kind: "lost"; timeNs: bigint; count: number };

/** Receiver of records. */
export interface TaskRecordHandler {
  /** Receives a record on arrival, possibly before an older one of another CPU. */
  arrived(record: TaskRecord): void;
  /** Receives the record again, in order of time. */
  inTurn(record: TaskRecord): void;
}

/** Decoder and sorter of a stream of records. */
export class TaskRecordStream {
  readonly #event: EventDesc;
  readonly #handler: TaskRecordHandler;
  readonly #input = new ChunkInput();
  readonly #window: RecordWindow;
  readonly #cursor: Cursor;
  #pending: TaskRecord[] = [];
  #newest = 0n;
  /**
   * Newest time when the previous round ended. The end of the next round releases records up to it (see
   * lib/perfdata/read/sorter.ts).
   */
  #limit = 0n;

  /** @param attr of the events, which all have the same sample_type and read_format. */
  constructor(attr: EventAttr, handler: TaskRecordHandler) {
    this.#event = describeEvent(attr, []);
    this.#handler = handler;
    this.#window = new RecordWindow(this.#input, 1 << 16, true);
    this.#cursor = new Cursor(this.#window);
  }

  /** Decodes the next bytes, which may end within a record. */
  feed(bytes: Uint8Array): void {
    this.#input.add(bytes);
    const window = this.#window;
    do {
      this.#cursor.u8 = window.u8;
      this.#cursor.u32 = window.u32;
      this.#scan();
    } while (window.refill(() => window.next, () => {}));
  }

  /** Releases records up to `timeNs`, when no round has ended for a while. */
  releaseUntil(timeNs: bigint): void {
    this.#release(timeNs);
  }

  /** Releases all records at the end of the stream. */
  end(): void {
    this.#release(this.#newest);
  }

  #scan(): void {
    const window = this.#window;
    for (let size; (size = window.peekSize()) >= 8;) {
      const type = window.peekType();
      window.settle(size);
      if (type === PERF_RECORD_USER.FINISHED_ROUND) {
        this.#release(this.#limit);
        this.#limit = this.#newest;
      } else {
        this.#receive(window.next);
      }
      window.release(size);
    }
  }

  #receive(pos: number): void {
    const cursor = this.#cursor;
    setRecord(cursor, pos, 0, this.#event, NO_BASE);
    const record = taskRecord(cursor, this.#event);
    if (!record) return;
    if (record.timeNs > this.#newest) this.#newest = record.timeNs;
    this.#pending.push(record);
    this.#handler.arrived(record);
  }

  #release(limit: bigint): void {
    const due = this.#pending.filter((record) => record.timeNs <= limit);
    if (due.length === 0) return;
    this.#pending = this.#pending.filter((record) => record.timeNs > limit);
    due.sort((a, b) => a.timeNs < b.timeNs ? -1 : a.timeNs > b.timeNs ? 1 : 0);
    for (const record of due) this.#handler.inTurn(record);
  }
}

/**
 * Base of time stamps, none: ns of CLOCK_MONOTONIC are exact in a double for 104 days of uptime, and close enough
 * after that.
 */
const NO_BASE = { low: 0, high: 0 };

/** Decodes the record at the cursor; undefined for kinds that are not needed. */
function taskRecord(cursor: Cursor, event: EventDesc): TaskRecord | undefined {
  const timeNs = Number.isNaN(cursor.time) ? 0n : BigInt(cursor.time);
  switch (cursor.type) {
    case PERF_RECORD.FORK:
    case PERF_RECORD.EXIT: {
      const { pid, tid, ppid, ptid, time } = decodeTask(cursor);
      if (cursor.type === PERF_RECORD.EXIT) return { kind: "exit", timeNs: time, pid, tid };
      return { kind: "fork", timeNs: time, pid, tid, ppid, ptid };
    }
    case PERF_RECORD.COMM: {
      const { pid, tid, comm, exec } = decodeComm(cursor);
      return exec ? { kind: "exec", timeNs, pid, tid, command: comm } : undefined;
    }
    case PERF_RECORD.MMAP:
    case PERF_RECORD.MMAP2: {
      const at = (cursor.pos >>> 2) + 2; // struct { header; u32 pid, tid; ... }
      return { kind: "map", timeNs, pid: cursor.u32[at], tid: cursor.u32[at + 1] };
    }
    case PERF_RECORD.READ: {
      const read = decodeRead(cursor, event.attr.readFormat);
      return { kind: "read", timeNs, pid: read.pid, tid: read.tid, read };
    }
    case PERF_RECORD.LOST:
      return { kind: "lost", timeNs, count: decodeLost(cursor).lost };
  }
  return undefined;
}

/** Input that holds the bytes added so far. */
class ChunkInput implements DataInput {
  readonly name = "the rings";
  offset = 0;
  readonly missing = 0;
  #bytes = new Uint8Array(0);

  add(bytes: Uint8Array): void {
    const rest = this.#bytes;
    this.#bytes = new Uint8Array(rest.length + bytes.length);
    this.#bytes.set(rest);
    this.#bytes.set(bytes, rest.length);
  }

  get remaining(): number {
    return this.#bytes.length;
  }

  read(into: Uint8Array): number {
    const n = Math.min(into.length, this.#bytes.length);
    into.set(this.#bytes.subarray(0, n));
    this.#bytes = this.#bytes.subarray(n);
    this.offset += n;
    return n;
  }

  skip(n: number): boolean {
    return this.read(new Uint8Array(n)) === n;
  }
}
