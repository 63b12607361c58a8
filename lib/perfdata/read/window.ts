/**
 * The window over the stream of records: one big buffer that input is read into and that records are
 * decoded from, in place. Records wait in it for their time (see sorter.ts), so it holds a bit more
 * than a round; it slides along the input, and grows only when what must be kept does not fit.
 *
 *     0          lowest kept     next   raw                 end          capacity
 *     | given up | records kept  | gap  | bytes not yet     | free       |
 *                                         taken as records
 *
 * Every record lies 8-aligned in the window, so that `u32` can view it. In the file it does too, but
 * for what perf's tools write in a pipe (feature records of odd sizes): after one of those there is a
 * gap, `raw` runs ahead of `next`, and records are moved down as they are taken until the next refill.
 */

import { readStream } from "../../base/bytes/byte_source.ts";
import { concat } from "../../base/bytes/bytes.ts";
import { EXIT, UserError } from "../../base/system/errors.ts";
import { type DataInput, type FilePlace, placeIn } from "./data_input.ts";

/** Largest window: places are kept in a Uint32Array. */
const MAX_CAPACITY = 2 ** 32 - 8;
/** Bytes asked for at once: few enough to be still in the CPU's cache when they are decoded. */
const READ_SIZE = 128 * 1024;

export class RecordWindow {
  /** The buffer, as bytes and as words. Replaced when the window grows. */
  u8: Uint8Array<ArrayBuffer>;
  u32: Uint32Array<ArrayBuffer>;
  /** Where the next record will be; 8-aligned. */
  next = 0;
  /** Where its bytes are now; never before `next`. */
  raw = 0;
  /** End of the bytes there are. */
  end = 0;

  #input: DataInput;
  readonly #littleEndian: boolean;
  /** Offset in the file of a byte at or behind `raw`, less its place. */
  #base: number;
  /** The same for records: one at or behind `from` is at its place plus `delta`. Has one entry but for odd sizes. */
  #origins: { from: number; delta: number }[];

  /** @param capacity in bytes. */
  constructor(input: DataInput, capacity: number, littleEndian: boolean) {
    this.#input = input;
    this.#littleEndian = littleEndian;
    this.u8 = new Uint8Array(Math.ceil(Math.max(capacity, 64) / 8) * 8);
    this.u32 = new Uint32Array(this.u8.buffer);
    this.#base = input.offset;
    this.#origins = [{ from: 0, delta: this.#base }];
  }

  /** Offset in the file of the next byte not yet taken. */
  get rawOffset(): number {
    return this.#base + this.raw;
  }

  /** Bytes that the header promised and the input did not have. */
  get missing(): number {
    return this.#input.missing;
  }

  /** Where in the file the next byte not yet taken is. */
  get rawPlace(): FilePlace {
    return placeIn(this.#input, this.rawOffset);
  }

  /** Where in the file the record at `at` is, which must not have been given up. */
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
   * The size in bytes of the next record, as its header gives it; -1 when it is not all there yet.
   * Sizes below 8, which no record has, are returned for the caller to refuse.
   */
  peekSize(): number {
    const raw = this.raw, have = this.end - raw;
    if (have < 8) return -1;
    const a = this.u8[raw + 6], b = this.u8[raw + 7];
    const size = this.#littleEndian ? a | (b << 8) : b | (a << 8);
    return size <= have ? size : -1;
  }

  /** The type of the record that peekSize() has found. */
  peekType(): number {
    const raw = this.raw, u8 = this.u8;
    return this.#littleEndian
      ? (u8[raw] | (u8[raw + 1] << 8) | (u8[raw + 2] << 16) | (u8[raw + 3] << 24)) >>> 0
      : (u8[raw + 3] | (u8[raw + 2] << 8) | (u8[raw + 1] << 16) | (u8[raw] << 24)) >>> 0;
  }

  /** Moves the record of `size` bytes that peekSize() has found to `next`, once, when it is not there. */
  settle(size: number): void {
    if (this.raw !== this.next) this.u8.copyWithin(this.next, this.raw, this.raw + size);
  }

  /** Keeps the record of `size` bytes (a multiple of 8) at `next` and goes on behind it. */
  take(size: number): void {
    this.next += size;
    this.raw += size;
  }

  /** Is done with the record of `size` bytes (any size) at `next`. */
  release(size: number): void {
    if (size % 8 === 0) this.take(size);
    else this.#moveRaw(this.raw + size, this.rawOffset + size);
  }

  /** The bytes from the next one on that are in the window. */
  get rest(): Uint8Array {
    return this.u8.subarray(this.raw, this.end);
  }

  /** Reads on behind what is in the window, which stays as it is: for an input of which nothing more is taken. */
  readBehind(into: Uint8Array): number {
    return this.#input.read(into);
  }

  /** Skips `n` bytes that belong to no record and returns the first `most` of them; undefined when the input ends before. */
  takePayload(n: number, most: number): Uint8Array | undefined {
    const wanted = Math.min(n, most);
    const here = this.rest.slice(0, wanted);
    if (here.length === wanted) return this.skip(n) ? here : undefined;
    const start = this.rawOffset;
    const behind = readStream(this.#input, wanted - here.length);
    this.#moveRaw(this.next, this.#input.offset);
    this.end = this.raw;
    return this.skip(start + n - this.#input.offset) ? concat([here, behind]) : undefined;
  }

  /** Skips `n` bytes that belong to no record. False when the input ends before. */
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

  /** From now on the next byte is at `raw` and its offset in the file is `offset`. */
  #moveRaw(raw: number, offset: number): void {
    this.raw = raw;
    this.#base = offset - raw;
    this.#origins.push({ from: this.next, delta: offset - this.next });
  }

  /** Reads on from `make(bytes not yet taken, the input that they came from)`. */
  replaceInput(make: (rest: Uint8Array, input: DataInput) => DataInput): void {
    this.#input = make(this.u8.slice(this.raw, this.end), this.#input);
    this.#moveRaw(this.next, this.rawOffset);
    this.end = this.raw;
  }

  /**
   * Reads more, behind what is there; false at the end of the input. Records move down by the number of
   * bytes that `slid` is told when room must be made; `lowestKept()` is asked for the first one to keep.
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
      // Growing when less than a quarter is free keeps the copying proportional to what is read.
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
