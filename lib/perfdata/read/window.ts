/**
 * Window over the stream of records: one large buffer that input is read into and records are decoded from, in place.
 * Records wait in it until they are due (see sorter.ts), so it holds a little more than a round. It slides along the
 * input, and grows only when what must be kept does not fit.
 *
 *     0          lowest kept     next   raw                 end          capacity
 *     | given up | records kept  | gap  | bytes not yet     | free       |
 *                                         taken as records
 *
 * Every record is 8-aligned in the window, so that `u32` can view it. In the file it is too, except after records of
 * odd sizes that perf's tools write into a pipe (features): then there is a gap, `raw` is ahead of `next`, and
 * records are moved down as they are taken until the next refill.
 */

import { readStream } from "../../base/bytes/byte_source.ts";
import { concat } from "../../base/bytes/bytes.ts";
import { EXIT, UserError } from "../../base/system/errors.ts";
import { type DataInput, type FilePlace, placeIn } from "./data_input.ts";

/** Largest window: places are kept in a Uint32Array. */
const MAX_CAPACITY = 2 ** 32 - 8;
/** Bytes to read at a time: few enough to be still in the CPU's cache when they are decoded. */
const READ_SIZE = 128 * 1024;

/** Buffer of the records that are being read. */
export class RecordWindow {
  /** Buffer as bytes. Replaced when the window grows. */
  u8: Uint8Array<ArrayBuffer>;
  /** Buffer as words. Replaced when the window grows. */
  u32: Uint32Array<ArrayBuffer>;
  /** Index of the next record, once it is settled; 8-aligned. */
  next = 0;
  /** Index of the next record's bytes now; never less than `next`. */
  raw = 0;
  /** End of the bytes present. */
  end = 0;

  #input: DataInput;
  readonly #littleEndian: boolean;
  /** Offset in the file minus index in the buffer, for bytes from `raw` on. */
  #base: number;
  /**
   * Offset in the file minus index in the buffer (`delta`) for records from index `from` on. It has one entry, unless
   * there were records of odd sizes.
   */
  #origins: { from: number; delta: number }[];

  /** @param capacity initial size in bytes. */
  constructor(input: DataInput, capacity: number, littleEndian: boolean) {
    this.#input = input;
    this.#littleEndian = littleEndian;
    this.u8 = new Uint8Array(Math.ceil(Math.max(capacity, 64) / 8) * 8);
    this.u32 = new Uint32Array(this.u8.buffer);
    this.#base = input.offset;
    this.#origins = [{ from: 0, delta: this.#base }];
  }

  /** Offset in the file of the next byte that was not taken yet. */
  get rawOffset(): number {
    return this.#base + this.raw;
  }

  /** Number of bytes that the header promised but the input did not have. */
  get missing(): number {
    return this.#input.missing;
  }

  /** Position in the file of the next byte that was not taken yet. */
  get rawPlace(): FilePlace {
    return placeIn(this.#input, this.rawOffset);
  }

  /** Returns the position in the file of the record at `at`, which must not have been given up. */
  place(at: number): FilePlace {
    const origins = this.#origins;
    let low = 0, high = origins.length;
    while (high - low > 1) {
      const mid = (low + high) >>> 1;
      if (origins[mid].from <= at) low = mid;
      else high = mid;
    }
    return placeIn(this.#input, at + origins[low].delta);
  }

  /**
   * Returns the size in bytes of the next record, as its header gives it; -1 when it is not complete yet. Sizes below
   * 8, which no record has, are returned for the caller to refuse.
   */
  peekSize(): number {
    const raw = this.raw, have = this.end - raw;
    if (have < 8) return -1;
    const a = this.u8[raw + 6], b = this.u8[raw + 7];
    const size = this.#littleEndian ? a | (b << 8) : b | (a << 8);
    return size <= have ? size : -1;
  }

  /** Returns the type of the record that peekSize() found. */
  peekType(): number {
    const raw = this.raw, u8 = this.u8;
    return this.#littleEndian
      ? (u8[raw] | (u8[raw + 1] << 8) | (u8[raw + 2] << 16) | (u8[raw + 3] << 24)) >>> 0
      : (u8[raw + 3] | (u8[raw + 2] << 8) | (u8[raw + 1] << 16) | (u8[raw] << 24)) >>> 0;
  }

  /** Moves the record of `size` bytes that peekSize() found to `next`, if it is not there. */
  settle(size: number): void {
    if (this.raw !== this.next) this.u8.copyWithin(this.next, this.raw, this.raw + size);
  }

  /** Keeps the record of `size` bytes (a multiple of 8) at `next`, and moves past it. */
  take(size: number): void {
    this.next += size;
    this.raw += size;
  }

  /** Gives up the record of `size` bytes (any size) at `next`. */
  release(size: number): void {
    if (size % 8 === 0) this.take(size);
    else this.#moveRaw(this.raw + size, this.rawOffset + size);
  }

  /** Bytes in the window that were not taken yet. */
  get rest(): Uint8Array {
    return this.u8.subarray(this.raw, this.end);
  }

  /** Reads input beyond the window, which stays unchanged: for an input of which nothing more is taken. */
  readBehind(into: Uint8Array): number {
    return this.#input.read(into);
  }

  /**
   * Skips `n` bytes that belong to no record. Returns the first `max` of them; undefined when the input ends before.
   */
  takePayload(n: number, max: number): Uint8Array | undefined {
    const wanted = Math.min(n, max);
    const here = this.rest.slice(0, wanted);
    if (here.length === wanted) return this.skip(n) ? here : undefined;
    const start = this.rawOffset;
    const behind = readStream(this.#input, wanted - here.length);
    this.#moveRaw(this.next, this.#input.offset);
    this.end = this.raw;
    return this.skip(start + n - this.#input.offset) ? concat([here, behind]) : undefined;
  }

  /** Skips `n` bytes that belong to no record. Returns false when the input ends before. */
  skip(n: number): boolean {
    const beyond = n - (this.end - this.raw);
    if (beyond <= 0) {
      this.#moveRaw(this.raw + n, this.rawOffset + n);
      return true;
    }
    const ok = this.#input.skip(beyond);
    this.#moveRaw(this.next, this.#input.offset);
    this.end = this.raw;
    return ok;
  }

  /** Makes `raw` the index of the next byte, and `offset` its offset in the file. */
  #moveRaw(raw: number, offset: number): void {
    this.raw = raw;
    this.#base = offset - raw;
    this.#origins.push({ from: this.next, delta: offset - this.next });
  }

  /** Replaces the input with `make(bytes not taken yet, current input)`. */
  replaceInput(make: (rest: Uint8Array, input: DataInput) => DataInput): void {
    this.#input = make(this.u8.slice(this.raw, this.end), this.#input);
    this.#moveRaw(this.next, this.rawOffset);
    this.end = this.raw;
  }

  /**
   * Reads more input. Returns false at its end. To make room, records move down by the number of bytes that `slid` is
   * called with; `lowestKept()` returns the index of the first record to keep.
   */
  refill(lowestKept: () => number, slid: (by: number) => void): boolean {
    if (this.raw !== this.next) this.#closeGap();
    const want = Math.min(this.u8.length / 4, this.#input.remaining);
    if (want === 0) return false;
    if (this.u8.length - this.end < want) {
      const by = lowestKept();
      if (by > 0) {
        this.#slide(by);
        slid(by);
      }
      // Growing only when less than a quarter is free keeps the total of copying proportional to what is read.
      if (this.u8.length - this.end < want) this.#grow();
    }
    const n = this.#input.read(this.u8.subarray(this.end, Math.min(this.end + READ_SIZE, this.u8.length)));
    this.end += n;
    return n > 0;
  }

  #closeGap(): void {
    const gap = this.raw - this.next;
    this.u8.copyWithin(this.next, this.raw, this.end);
    this.raw -= gap;
    this.end -= gap;
    this.#base += gap;
  }

  #slide(by: number): void {
    this.u8.copyWithin(0, by, this.end);
    this.next -= by;
    this.raw -= by;
    this.end -= by;
    this.#base += by;
    for (const origin of this.#origins) {
      origin.from -= by;
      origin.delta += by;
    }
    let first = this.#origins.length - 1;
    while (first > 0 && this.#origins[first].from > 0) first--;
    this.#origins.splice(0, first);
  }

  #grow(): void {
    if (this.u8.length >= MAX_CAPACITY) {
      throw new UserError(
        `cannot sort ${this.#input.name}: more than ${MAX_CAPACITY} bytes come in one round: ` +
          "record in shorter rounds, or fewer events at a time",
        EXIT.unsupported,
      );
    }
    const grown = new Uint8Array(Math.min(this.u8.length * 2, MAX_CAPACITY));
    grown.set(this.u8.subarray(0, this.end));
    this.u8 = grown;
    this.u32 = new Uint32Array(grown.buffer);
  }
}
