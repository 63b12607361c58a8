/**
 * The kernel's word on threads, as it comes out of the rings: bytes of a drain's pipe to records in the order
 * of their time, through the decoders of perf.data.
 */

import { PERF_RECORD, PERF_RECORD_USER } from "../../base/system/abi.ts";
import type { EventAttr } from "../../events/attr.ts";
import { Cursor } from "../../perfdata/format/cursor.ts";
import type { DataInput } from "../../perfdata/read/data_input.ts";
import { describeEvent, type EventDesc } from "../../perfdata/format/events.ts";
import { decodeComm, decodeLost, decodeRead, decodeTask, type Read } from "../../perfdata/format/records.ts";
import { setRecord } from "../../perfdata/read/sample.ts";
import { RecordWindow } from "../../perfdata/read/window.ts";

/** A record that concerns a thread. `timeNs` is in the events' clock. */
export type TaskRecord =
  | { kind: "fork"; timeNs: bigint; pid: number; tid: number; ppid: number; ptid: number }
  | { kind: "exit"; timeNs: bigint; pid: number; tid: number }
  | { kind: "exec"; timeNs: bigint; pid: number; tid: number; command: string }
  /** The thread has mapped code: what it exec'ed is measured. */
  | { kind: "map"; timeNs: bigint; pid: number; tid: number }
  | { kind: "read"; timeNs: bigint; pid: number; tid: number; read: Read }
  | { kind: "lost"; timeNs: bigint; count: number };

/** Who wants the records. */
export interface TaskRecordHandler {
  /** A record as soon as it is here, which may be before an older one of another CPU. */
  arrived(record: TaskRecord): void;
  /** The same record in its turn. */
  inTurn(record: TaskRecord): void;
}

/** Takes pieces of the stream as they come. */
export class TaskRecordStream {
  readonly #event: EventDesc;
  readonly #handler: TaskRecordHandler;
  readonly #input = new ChunkInput();
  readonly #window: RecordWindow;
  readonly #cursor: Cursor;
  #pending: TaskRecord[] = [];
  #newest = 0n;
  /** Youngest time when the round before ended: what the next end of a round lets out (see perfdata/sorter.ts). */
  #limit = 0n;

  /** @param attr of the events, which agree on sample_type and read_format. */
  constructor(attr: EventAttr, handler: TaskRecordHandler) {
    this.#event = describeEvent(attr, []);
    this.#handler = handler;
    this.#window = new RecordWindow(this.#input, 1 << 16, true);
    this.#cursor = new Cursor(this.#window);
  }

  /** The next bytes, of whole records or not. */
  feed(bytes: Uint8Array): void {
    this.#input.add(bytes);
    const window = this.#window;
    do {
      this.#cursor.u8 = window.u8;
      this.#cursor.u32 = window.u32;
      this.#scan();
    } while (window.refill(() => window.next, () => {}));
  }

  /** Lets out what is no younger than `timeNs`, for when no round ends for a while. */
  releaseUntil(timeNs: bigint): void {
    this.#release(timeNs);
  }

  /** The stream has ended: lets out everything. */
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

/** Times as they are: ns of a monotonic clock stay exact in a double for 104 days of uptime, near enough after. */
const NO_BASE = { low: 0, high: 0 };

/** The record at the cursor, when it is of a kind that counts. */
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
      const at = (cursor.pos >>> 2) + 2; // header; u32 pid, tid; ...
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

/** Input that has what was added to it, and for now no more. */
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
