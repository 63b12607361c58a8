/**
 * Cursor that a handler gets for each record. There is one object, whose fields are set anew for each record; it is
 * valid until the handler returns. Reading a million samples allocates nothing.
 */

/** Buffer of records, and the offset in the file that each came from. */
interface RecordBytes {
  readonly u8: Uint8Array;
  readonly u32: Uint32Array;
  /** Returns the place in the file of the record at byte `pos`. */
  place(pos: number): { offset: number };
}

/** Record of any type, in this machine's byte order. The decoders of its body are in records.ts. */
export interface RecordCursor {
  /** Window that holds the record, as bytes and as words; `pos` is a multiple of 8. */
  readonly u8: Uint8Array;
  readonly u32: Uint32Array;
  /** Byte offset in `u8` of the record's header. */
  readonly pos: number;
  /** Size in bytes, including the header. */
  readonly size: number;
  /** PERF_RECORD.* or PERF_RECORD_USER.*. */
  readonly type: number;
  /** PERF_RECORD_MISC.* bits. */
  readonly misc: number;
  /** Size in bytes of the sample_id trailer at the record's end; 0 when there is none. */
  readonly trailer: number;
  /**
   * Byte offset of the record in its file. A record in compressed data has none of its own: this is the offset of the
   * compressed record that it ends in.
   */
  readonly fileOffset: number;
  /** Index of the event in the header's `events`; -1 when there is none, or its id is unknown. */
  readonly event: number;
  /** Process and thread; -1 when the record has none. */
  readonly pid: number;
  readonly tid: number;
  /** Time in ns since the reader's `timeBase`; NaN when the record has none. */
  readonly time: number;
  /** CPU number; -1 when the record has none. */
  readonly cpu: number;
}

/** A PERF_RECORD_SAMPLE of a known event. */
export interface SampleCursor extends RecordCursor {
  /** Instruction pointer, as a signed address (see base/address.ts); 0 when the sample has none. */
  readonly ip: number;
  /** Data address, signed; 0 when the sample has none. */
  readonly addr: number;
  /** Number of events that the sample stands for: its own period, else the event's fixed one, else 1. */
  readonly period: number;
  /** CPU mode: PERF_RECORD_MISC.KERNEL, USER and so on. */
  readonly cpumode: number;
  /** Entry i of the call chain is `u32[chain + 2 * i]` (low half) and `u32[chain + 2 * i + 1]` (high half). */
  readonly chain: number;
  /** Number of entries in the call chain, innermost first, including PERF_CONTEXT markers; 0 when there is no chain. */
  readonly chainLength: number;
  /**
   * Word index of the user-space calls that have not returned, where the CPU recorded them (`--call-graph lbr`), most
   * recent first: words `u32[calls + 6 * i]` and the next are the address of call i, the two after that its target.
   */
  readonly calls: number;
  readonly callCount: number;
  /** Bytes of the user stack copied into the sample (`--call-graph dwarf`). */
  readonly copiedStack: number;
}

/** Implementation of both cursors, set by the reader. */
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
  // Fields that hold doubles start as a double that is not a small integer, so that the engine represents them as
  // doubles from the start.
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
