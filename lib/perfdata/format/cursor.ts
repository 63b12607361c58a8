/**
 * What a handler is given for each record: one object, the same every time, whose fields have been
 * set for the record at hand. It is valid until the handler returns. Nothing is allocated for it, so
 * that reading a million samples costs a million field loads.
 */

/** Bytes that records lie in, and where in the file each record came from. */
interface RecordBytes {
  readonly u8: Uint8Array;
  readonly u32: Uint32Array;
  /** Returns the place in the file of the record at byte `pos`. */
  place(pos: number): { offset: number };
}

/** A record of any type, in the byte order of this machine; records.ts decodes its body. */
export interface RecordCursor {
  /** The window that the record lies in, as bytes and as words; `pos` is a multiple of 8. */
  readonly u8: Uint8Array;
  readonly u32: Uint32Array;
  /** Byte offset of the record, that is of its header, in `u8`. */
  readonly pos: number;
  /** In bytes, with the header. */
  readonly size: number;
  /** PERF_RECORD.* or PERF_RECORD_USER.*. */
  readonly type: number;
  /** PERF_RECORD_MISC.* bits. */
  readonly misc: number;
  /** Bytes of the sample_id trailer at the record's end; 0 when it has none. */
  readonly trailer: number;
  /**
   * Byte offset of the record in its file. In compressed data, where a record has no place of its own: the offset of
   * the compressed record that it ends in.
   */
  readonly fileOffset: number;
  /** Index of the event in the header's `events`; -1 when unknown or none. */
  readonly event: number;
  /** Process and thread, -1 where the record does not say. */
  readonly pid: number;
  readonly tid: number;
  /** In ns since the reader's `timeBase`; NaN where the record does not say. */
  readonly time: number;
  /** -1 where the record does not say. */
  readonly cpu: number;
}

/** A PERF_RECORD_SAMPLE of a known event. */
export interface SampleCursor extends RecordCursor {
  /** Instruction pointer, as a signed address (see base/address.ts); 0 when the sample has none. */
  readonly ip: number;
  /** Data address, in the same form; 0 when the sample has none. */
  readonly addr: number;
  /** How many events the sample stands for: its own period, else the event's fixed one, else 1. */
  readonly period: number;
  /** PERF_RECORD_MISC.KERNEL, USER and so on. */
  readonly cpumode: number;
  /** Entry i of the call chain is `u32[chain + 2 * i]` (low half) and `u32[chain + 2 * i + 1]` (high half). */
  readonly chain: number;
  /** Entries of the call chain, innermost first, PERF_CONTEXT markers among them; 0 when there is none. */
  readonly chainLength: number;
  /**
   * The calls in user space that have not returned, where the CPU kept them (--call-graph lbr), the latest first: words
   * `u32[calls + 6 * i]` and the next one are the address of call i, the next two where it led to.
   */
  readonly calls: number;
  readonly callCount: number;
  /** Bytes of the stack of user space that were copied into the sample (--call-graph dwarf). */
  readonly copiedStack: number;
}

/** The one object behind both, for the reader to set. */
export class Cursor implements SampleCursor {
  u8: Uint8Array;
  u32: Uint32Array;
  pos = 0;
  size = 0;
  type = 0;
  misc = 0;
  trailer = 0;
  event = -1;
  pid = -1;
  tid = -1;
  // Fields that hold doubles start with one that is no small integer, so that the engine
  // represents them as doubles from the start.
  time = NaN;
  cpu = -1;
  ip = 0.5;
  addr = 0.5;
  period = 0.5;
  cpumode = 0;
  chain = 0;
  chainLength = 0;
  calls = 0;
  callCount = 0;
  copiedStack = 0;
  readonly #window: RecordBytes;

  constructor(window: RecordBytes) {
    this.#window = window;
    this.u8 = window.u8;
    this.u32 = window.u32;
  }

  get fileOffset(): number {
    return this.#window.place(this.pos).offset;
  }
}
