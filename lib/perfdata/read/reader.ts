/**
 * Reader of perf.data, from a file or a pipe, in either byte order, compressed or not. It takes one pass from front
 * to back, and delivers each record in place and in order of time. Memory is a window of a few rounds of records,
 * however long the recording.
 */

import { PERF_RECORD, PERF_RECORD_USER } from "../../base/system/abi.ts";
import type { ByteInput } from "../../base/bytes/byte_source.ts";
import { BadInputError } from "../../base/system/errors.ts";
import { type AttrLayout, RECORD_HEADER_SIZE } from "../format/attr_layout.ts";
import { ChainedInput, type DataInput } from "./data_input.ts";
import type { Unpack } from "./compressed.ts";
import { Cursor } from "../format/cursor.ts";
import { Delivery, positionOf, type RecordHandler, UNTAGGED } from "./delivery.ts";
import { type EventDesc, EventTable } from "../format/events.ts";
import { FEATURE, type Features } from "../format/features.ts";
import { type OpenedRecording, openRecording, readLateFeatures } from "./open.ts";
import { bodyFits, payloadSize } from "../format/record_sizes.ts";
import { isHeaderType, MAX_TRACING_DATA, takeHeaderRecord, takeTracingData } from "./pipe.ts";
import { isTime, sampleFits, type TimeBase, timeOf } from "./sample.ts";
import { type DeliverPlaces, RoundSorter } from "./sorter.ts";
import { RecordLedger } from "./record_ledger.ts";
import { emptyStats, type ReadStats, TypeCounts } from "./stats.ts";
import { swapBody, swapHeader } from "../format/swap.ts";
import { isText, takeText, type TrailingText } from "./trailing_text.ts";
import { RecordWindow } from "./window.ts";
import { counted } from "../../base/text/plural.ts";

export type { RecordCursor, SampleCursor } from "../format/cursor.ts";
export type { RecordHandler } from "./delivery.ts";
export type { EventDesc } from "../format/events.ts";
export type { SampleRun } from "./sample_run.ts";
export type { ReadStats } from "./stats.ts";

/** Description of a recording, without its records. */
export interface PerfHeader {
  /** Whether the recording is in perf's format for pipes. */
  readonly pipe: boolean;
  /** Byte order that it was recorded in. */
  readonly littleEndian: boolean;
  /** Events in the order of the attrs. In pipe mode more may come, and names may change, while reading. */
  readonly events: readonly EventDesc[];
  /** Features. In pipe mode, and for a file that comes through a pipe, more may come while reading. */
  readonly features: Features;
  /** True when `features` are complete before the records are read. */
  readonly complete: boolean;
  /** Offset in bytes of the first record. */
  readonly dataOffset: number;
  /** Size in bytes of the records as the header gives it; 0 in pipe mode and when the recorder was killed. */
  readonly dataSize: number;
}

/** Options of a PerfDataReader. */
export interface ReaderOptions {
  /** Initial size in bytes of the window, which grows when a round needs more. Default 1 MiB. */
  window?: number;
  /** Reaction to input that ends early or is damaged, after all records before it were delivered. Default "throw". */
  damaged?: "throw" | "stop";
}

/** Default size of the window: enough for a few rounds, and small enough for a CPU's second level cache. */
const DEFAULT_WINDOW = 1024 * 1024;
/** First type of the perf tools' own records, which are not in order of time. */
const FIRST_TOOL_TYPE = PERF_RECORD_USER.HEADER_ATTR;
/**
 * Reads a recording once, from front to back.
 *
 *     const reader = new PerfDataReader(openInput("perf.data"));
 *     const { events } = await reader.open();
 *     const stats = reader.read({
 *       sample: ({ event, time, ip }) => console.log(events[event].name, time, ip.toString(16)),
 *     });
 *     console.log(`${stats.samples} samples`);
 */
export class PerfDataReader {
  readonly #input: ByteInput;
  readonly #options: ReaderOptions;
  readonly #stats = emptyStats();
  /** Samples and losses by CPU, counted from the records. */
  readonly ledger = new RecordLedger();
  readonly #types = new TypeCounts();
  readonly #sorter = new RoundSorter();
  readonly #take: DeliverPlaces = (places, count) => this.#delivery.deliverAll(places, count);
  /** Time of the first record that has one. */
  readonly #base: TimeBase = { low: 0, high: 0 };
  #hasBase = false;
  #minTime = Infinity;
  #opened: OpenedRecording | undefined;
  #table = new EventTable();
  #window!: RecordWindow;
  #cursor!: Cursor;
  #delivery!: Delivery;
  #littleEndian = true;
  /** Decompressor, loaded for a compressed recording. */
  #unpacker: Unpack | undefined;
  #damage: BadInputError | undefined;
  /** Text found after the records of a pipe. */
  #text: TrailingText | undefined;

  /** @param input read from its start; the caller closes it. */
  /** Starts at the front of an input, which is read once. */
  constructor(input: ByteInput, options: ReaderOptions = {}) {
    this.#input = input;
    this.#options = options;
  }

  /** Header of the recording. open() must have been awaited. */
  get header(): PerfHeader {
    if (!this.#opened) throw new Error("PerfDataReader.open() comes first");
    const { pipe, late, littleEndian, features, dataOffset, dataSize } = this.#opened;
    const complete = !pipe && late === undefined, events = this.#table.events;
    return { pipe, littleEndian, events, features, complete, dataOffset, dataSize };
  }

  /** Time of the recording's clock in ns that a cursor's `time` 0 stands for; 0n until the first time was seen. */
  get timeBase(): bigint {
    return (BigInt(this.#base.high) << 32n) | BigInt(this.#base.low);
  }

  /**
   * Reads the header (in pipe mode the records in its place) and, for a compressed recording, loads the decompressor.
   * Throws BadInputError when the input is not perf.data or its header is damaged.
   */
  async open(): Promise<PerfHeader> {
    const opened = openRecording(this.#input);
    this.#opened = opened;
    this.#table = opened.table;
    this.#littleEndian = opened.littleEndian;
    if (opened.mayBeCompressed) this.#unpacker = await loadUnpacker();
    const data = opened.beside.length > 0 ? this.#chained(opened) : opened.data;
    const capacity = Math.min(this.#options.window ?? DEFAULT_WINDOW, data.remaining);
    this.#window = new RecordWindow(data, capacity, this.#littleEndian);
    const cursor = this.#cursor = new Cursor(this.#window);
    const table = this.#table, base = this.#base, stats = this.#stats, ledger = this.ledger;
    this.#delivery = new Delivery({ cursor, table, base, stats, ledger });
    if (opened.pipe) {
      this.#readPipeHeader();
      opened.damage = opened.features.dropDamaged();
    }
    if (opened.features.has(FEATURE.COMPRESSED)) this.#unpacker ??= await loadUnpacker();
    return this.header;
  }

  /**
   * Delivers all records to `handler`, in order of time. May be called once, after open(). Throws BadInputError,
   * after everything before it was delivered, when the input ends early or is damaged; with `damaged: "stop"` it
   * returns statistics that say so instead.
   */
  read(handler: RecordHandler): ReadStats {
    this.#delivery.handler = handler;
    this.#delivery.sizeCounts();
    while (this.#scan() && this.#refill());
    this.#sorter.endInput(this.#take);
    this.#finish();
    if (this.#damage && this.#options.damaged !== "stop") throw this.#damage;
    return this.#stats;
  }

  /** Chains all files of a recording. Each is compressed separately, if at all. */
  #chained({ data, beside }: OpenedRecording): DataInput {
    const unpacker = this.#unpacker;
    const parts = [data, ...beside].map((part) =>
      unpacker ? this.#unpacked(part, new Uint8Array(), part.offset, unpacker) : part
    );
    return new ChainedInput(parts);
  }

  #unpacked(input: DataInput, rest: Uint8Array, offset: number, unpacker: Unpack): DataInput {
    return unpacker(input, rest, offset, this.#littleEndian, (type) => this.#types.count(type));
  }

  /** Takes the records up to the first that belongs to the recording itself. */
  #readPipeHeader(): void {
    const window = this.#window;
    for (;;) {
      const size = window.peekSize();
      if (size < 0) {
        if (!this.#refill()) return;
      } else if (size < RECORD_HEADER_SIZE || !isHeaderType(window.peekType())) {
        return; // read() handles it
      } else if (!this.#toolRecord(window.peekType(), size)) {
        return;
      }
    }
  }

  /** Reads more bytes into the window. Returns false at the end of the input. */
  #refill(): boolean {
    const sorter = this.#sorter, window = this.#window;
    try {
      return window.refill(() => positionOf(sorter.lowestPlace(window.next)), (by) => sorter.movePlaces(by));
    } catch (error) {
      return this.#note(error);
    } finally {
      this.#cursor.u8 = window.u8;
      this.#cursor.u32 = window.u32;
    }
  }

  /** Takes the records in the window. Returns false when reading cannot continue. */
  #scan(): boolean {
    const window = this.#window, table = this.#table, sorter = this.#sorter;
    const { u8, u32 } = window; // both change only in refill()
    const base = this.#base, littleEndian = this.#littleEndian;
    for (;;) {
      this.#takeSamples();
      const size = window.peekSize();
      if (size < 0) return true;
      if (size < RECORD_HEADER_SIZE) {
        return this.#refuse(`a record gives its size as ${counted(size, "byte")}`);
      }
      const type = window.peekType();
      if (type >= FIRST_TOOL_TYPE) {
        if (!this.#toolRecord(type, size)) return false;
        continue;
      }
      if ((size & 7) !== 0) {
        return this.#refuse(
          `a record of type ${type} gives its size as ${counted(size, "byte")}, not a multiple of 8`,
        );
      }
      window.settle(size);
      const pos = window.next;
      if (!littleEndian) {
        swapHeader(u8, pos);
        swapBody(u8, u32, pos, size, table);
      }
      const isSample = type === PERF_RECORD.SAMPLE;
      const index = isSample ? table.ofSample(u32, pos, size) : table.ofRecord(u32, pos, size);
      const layout = index >= 0 ? table.events[index].layout : undefined;
      const misfit = isSample ? sampleMisfit(u32, pos, size, layout) : recordMisfit(type, size, layout);
      if (misfit !== undefined) return this.#refuse(misfit);
      const timeAt = layout === undefined ? -1 : isSample ? layout.time : trailerTimeAt(layout, size);
      this.#types.count(type);
      window.take(size);
      const place = pos + (isSample && index >= 0 && index < UNTAGGED ? index : UNTAGGED);
      if (timeAt >= 0) {
        const word = (pos + timeAt) >>> 2;
        const low = u32[word], high = u32[word + 1];
        if (isTime(low, high)) {
          if (!this.#hasBase) this.#setBase(low, high);
          const time = timeOf(low, high, base);
          if (time < this.#minTime) this.#minTime = time;
          sorter.push(time, place);
          continue;
        }
      }
      // Delivered at once, as in perf: such records describe the state before the first sample.
      this.#delivery.deliver(place);
    }
  }

  /**
   * Takes samples up to the first record that needs more than its time. Nearly all records are samples, and this loop
   * is what reading them costs. #scan handles the rest.
   */
  #takeSamples(): void {
    const window = this.#window, table = this.#table, sorter = this.#sorter, base = this.#base;
    if (!this.#littleEndian || !this.#hasBase || window.raw !== window.next) return;
    const { u32, end } = window, { events } = table;
    const first = window.next;
    let pos = first, taken = 0, minTime = this.#minTime;
    while (end - pos >= RECORD_HEADER_SIZE) {
      const word = pos >>> 2;
      const size = u32[word + 1] >>> 16;
      if (u32[word] !== PERF_RECORD.SAMPLE || (size & 7) !== 0 || size > end - pos) break;
      const index = table.ofSample(u32, pos, size);
      if (index < 0 || index >= UNTAGGED) break;
      const layout = events[index].layout;
      if (layout.time < 0 || !sampleFits(u32, pos, size, layout)) break;
      const low = u32[word + (layout.time >>> 2)], high = u32[word + (layout.time >>> 2) + 1];
      if (!isTime(low, high)) break;
      const time = timeOf(low, high, base);
      if (time < minTime) minTime = time;
      sorter.push(time, pos + index);
      pos += size;
      taken++;
    }
    if (taken === 0) return;
    this.#minTime = minTime;
    this.#types.count(PERF_RECORD.SAMPLE, taken);
    window.take(pos - first);
  }

  #setBase(low: number, high: number): void {
    this.#hasBase = true;
    this.#base.low = low;
    this.#base.high = high;
  }

  /** Takes a record of the perf tools. Returns false when reading cannot continue. */
  #toolRecord(type: number, size: number): boolean {
    if (type === PERF_RECORD_USER.COMPRESSED || type === PERF_RECORD_USER.COMPRESSED2) return this.#unpack();
    const window = this.#window, opened = this.#opened!;
    if (opened.pipe && isText(window.rest)) return this.#refuseText();
    const { offset } = window.rawPlace;
    window.settle(size);
    const pos = window.next;
    const littleEndian = this.#littleEndian;
    let payload = 0;
    if (type !== PERF_RECORD_USER.FINISHED_ROUND) {
      const bytes = window.u8.subarray(pos, pos + size);
      try {
        takeHeaderRecord({ type, bytes, offset, littleEndian }, this.#table, opened.features);
        payload = payloadSize(type, bytes, littleEndian, offset);
      } catch (error) {
        return this.#note(error);
      }
    }
    if (!littleEndian) swapHeader(window.u8, pos);
    this.#types.count(type);
    if (type !== PERF_RECORD_USER.FINISHED_ROUND) this.#delivery.deliverToolRecord(pos, type, size);
    window.release(size);
    if (payload > 0 && !this.#passPayload(type, payload)) {
      return this.#refuse(`the ${payload} bytes that belong to the record at offset ${offset} are cut short`);
    }
    if (type === PERF_RECORD_USER.FINISHED_ROUND) {
      this.#stats.rounds++;
      // A round of one file says nothing about the others, which are read later: everything is sorted at the end, as
      // in perf.
      if (this.#opened!.beside.length === 0) this.#sorter.endRound(this.#take);
    }
    return true;
  }

  /** Skips the data that follows a record of this type. Returns false when it is cut short. */
  #passPayload(type: number, size: number): boolean {
    const window = this.#window;
    if (type !== PERF_RECORD_USER.HEADER_TRACING_DATA) return window.skip(size);
    const { offset } = window.rawPlace;
    const start = window.takePayload(size, MAX_TRACING_DATA);
    if (start) takeTracingData(start, offset, this.#table, this.#opened!.features);
    return start !== undefined;
  }

  /** Switches to the decompressor, which all records come from after the first compressed one. */
  #unpack(): boolean {
    const unpacker = this.#unpacker;
    if (!unpacker) return this.#refuse("there is a compressed record, but the header names no compression");
    const offset = this.#window.rawOffset;
    this.#window.replaceInput((rest, input) => this.#unpacked(input, rest, offset, unpacker));
    return true;
  }

  /** Notes that the input is damaged at the next byte. Returns false: reading cannot continue. */
  #refuse(why: string): false {
    const { name, offset } = this.#window.rawPlace;
    this.#damage ??= new BadInputError(`cannot read all of ${name}: at offset ${offset}, ${why}`, offset);
    return false;
  }

  /** Notes that there is text in place of the next record. Returns false: reading cannot continue. */
  #refuseText(): false {
    const { offset } = this.#window.rawPlace;
    const text = this.#text = takeText(this.#window);
    const what = text.whole
      ? `${counted(text.length, "byte")} of text after its records`
      : `text stands among its records, in the last ${counted(text.length, "byte")}`;
    this.#damage ??= new BadInputError(
      `cannot read all of ${this.#input.name}: at offset ${offset}, ${what} ("${text.start}"): ` +
        "make the other program write elsewhere than into this pipe",
      offset,
    );
    return false;
  }

  /** Notes an error that has an offset, and throws others on. Returns false: reading cannot continue. */
  #note(error: unknown): false {
    if (!(error instanceof BadInputError)) throw error;
    this.#damage ??= error;
    return false;
  }

  /** Completes the statistics after the last record, and notes what is missing. */
  #finish(): void {
    const window = this.#window, stats = this.#stats, opened = this.#opened!;
    const left = window.rest.length;
    if (opened.pipe && !this.#damage && isText(window.rest)) this.#refuseText();
    else if (left > 0) {
      this.#refuse(`it ends within a record, ${counted(left, "byte")} into it`);
    } else if (window.missing > 0) {
      this.#refuse(
        `it ends ${counted(window.missing, "byte")} before its header says: the recording was cut short`,
      );
    } else if (opened.late && !this.#damage) readLateFeatures(this.#input, opened.late, opened);
    stats.cut = (this.#damage !== undefined && !this.#text?.whole) || opened.partial;
    const damaged = opened.features.dropDamaged(); // those that came as records
    this.#damage ??= opened.damage ?? damaged;
    this.#types.report(stats);
    for (const n of stats.samplesByEvent) stats.samples += n;
    stats.outOfOrder = this.#sorter.outOfOrder;
    stats.bytes = window.rawOffset - opened.dataOffset;
    if (this.#hasBase) {
      stats.timeFirst = this.timeBase + BigInt(this.#minTime);
      stats.timeLast = this.timeBase + BigInt(this.#sorter.maxTime);
    }
    if (this.#damage) {
      stats.damage = this.#damage;
      stats.truncatedAt = this.#damage.offset;
    }
  }
}

async function loadUnpacker(): Promise<Unpack> {
  return await (await import("./compressed.ts")).loadUnpack();
}

/** Returns why a sample is too small for the fields that its event gives it; undefined if it is not. */
function sampleMisfit(u32: Uint32Array, pos: number, size: number, layout: AttrLayout | undefined) {
  return layout === undefined || sampleFits(u32, pos, size, layout)
    ? undefined
    : `a sample of ${counted(size, "byte")} does not hold the fields that its event gives it`;
}

/** Returns why a record other than a sample is too small for its fields; undefined if it is not. */
function recordMisfit(type: number, size: number, layout: AttrLayout | undefined) {
  return bodyFits(type, size, layout?.trailer.size ?? 0)
    ? undefined
    : `a record of type ${type} has ${counted(size, "byte")}, too few for its fields`;
}

/** Returns the offset of the time in a record of `size` bytes other than a sample; -1 when it has none. */
function trailerTimeAt(layout: AttrLayout, size: number): number {
  const { trailer } = layout;
  return trailer.time > 0 && size >= RECORD_HEADER_SIZE + trailer.size ? size - trailer.time : -1;
}
