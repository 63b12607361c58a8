/**
 * Decompression of `perf record -z` data: PERF_RECORD_COMPRESSED records, each with the next piece of one zstd
 * stream, which in turn holds records. Pieces may end within a record, and other records may come between them. This
 * input returns the records without the wrapping, in the order in which they are complete.
 */

import { PERF_RECORD_USER } from "../../base/system/abi.ts";
import { ByteReader } from "../../base/bytes/bytes.ts";
import { BadInputError } from "../../base/system/errors.ts";
import { type DataInput, type FilePlace, placeIn } from "./data_input.ts";
import { payloadSize } from "../format/record_sizes.ts";

/**
 * Makes an input that continues after `rest`, the bytes of `input` that were read already. Parameters as for
 * DecompressedInput.
 */
export type Unpack = (
  input: DataInput,
  rest: Uint8Array,
  offset: number,
  littleEndian: boolean,
  unpacked: (type: number) => void,
) => DataInput;

/** Loads the decompressor, which only compressed files need. */
export async function loadUnpack(): Promise<Unpack> {
  const { Unzstd } = await import("../../base/bytes/zstd.ts");
  return (input, rest, offset, littleEndian, unpacked) =>
    new DecompressedInput(input, rest, offset, littleEndian, (onBlock) => new Unzstd(onBlock), unpacked);
}

/** Makes a decompressor that takes the next packed bytes. Its blocks are valid only during the callback. */
type MakeUnzstd = (onBlock: (block: Uint8Array) => void) => { push(bytes: Uint8Array): void };

const HEADER_SIZE = 8;
/**
 * Limit of the bytes that one record may unpack to: it holds at most 64 kB of what one pass took from a ring. Without
 * a limit a small file could demand any amount of memory.
 */
const MAX_UNPACKED = 64 * 1024 * 1024;
/**
 * Limit of the unpacked bytes per byte of the file, once MAX_UNPACKED bytes were unpacked. Records of identical
 * samples reach a few hundred. Without a limit, reading a small file could take any amount of time.
 */
const MAX_RATIO = 1000;

/** Growing queue of bytes. */
class ByteQueue {
  #bytes = new Uint8Array(1 << 16);
  #start = 0;
  #end = 0;

  get length(): number {
    return this.#end - this.#start;
  }

  /** All bytes of the queue, as a view that the next change may invalidate. */
  get view(): Uint8Array {
    return this.#bytes.subarray(this.#start, this.#end);
  }

  append(bytes: Uint8Array): void {
    if (this.#end + bytes.length > this.#bytes.length) {
      const needed = this.length + bytes.length;
      const to = needed * 2 > this.#bytes.length ? new Uint8Array(needed * 2) : this.#bytes;
      to.set(this.view);
      this.#bytes = to;
      this.#end = this.length;
      this.#start = 0;
    }
    this.#bytes.set(bytes, this.#end);
    this.#end += bytes.length;
  }

  drop(n: number): void {
    this.#start += n;
    if (this.#start === this.#end) this.#start = this.#end = 0;
  }

  /** Moves the first `n` bytes to the end of `to`. */
  moveTo(to: ByteQueue, n: number): void {
    to.append(this.view.subarray(0, n));
    this.drop(n);
  }
}

/**
 * Limit of the pieces whose origin is kept; at the limit half of them are dropped, so that memory does not grow with
 * the file.
 */
const MAX_PIECES = 1 << 16;

/** Map from offsets in the output to offsets in the file. */
class Pieces {
  /** Start of each piece in the output, ascending. */
  #output: number[] = [];
  /** Start of each piece in the file. */
  #file: number[] = [];
  /** True for compressed pieces: all their bytes map to the record they came from. */
  #packed: boolean[] = [];

  add(output: number, file: number, packed: boolean): void {
    const last = this.#output.length - 1;
    const goesOn = !packed && last >= 0 && !this.#packed[last] &&
      output - this.#output[last] === file - this.#file[last];
    if (goesOn) return;
    if (this.#output.length === MAX_PIECES) {
      for (const column of [this.#output, this.#file, this.#packed]) column.splice(0, MAX_PIECES / 2);
    }
    this.#output.push(output);
    this.#file.push(file);
    this.#packed.push(packed);
  }

  /** Returns the offset in the file of the output's byte at `offset`; undefined before the first piece. */
  find(offset: number): number | undefined {
    let low = 0, high = this.#output.length;
    while (low < high) {
      const mid = (low + high) >>> 1;
      if (this.#output[mid] <= offset) low = mid + 1;
      else high = mid;
    }
    if (low === 0) return undefined;
    return this.#file[low - 1] + (this.#packed[low - 1] ? 0 : offset - this.#output[low - 1]);
  }
}

/** Input that decompresses the records of another. */
export class DecompressedInput implements DataInput {
  readonly name: string;
  /** Offset in the output of the next byte. It starts at the offset in the file where decompression began. */
  offset: number;

  readonly #input: DataInput;
  readonly #littleEndian: boolean;
  readonly #unzstd: ReturnType<MakeUnzstd>;
  readonly #unpacked: (type: number) => void;
  /** Bytes of the file that were not examined yet. */
  readonly #outer = new ByteQueue();
  /** Decompressed bytes, which may end within a record. */
  readonly #inner = new ByteQueue();
  /** Whole records, ready to be read. */
  readonly #ready = new ByteQueue();
  readonly #chunk = new Uint8Array(1 << 17);
  /** Offset in the file of the first byte in #outer. */
  #outerOffset: number;
  readonly #pieces = new Pieces();
  /** Offset in the file of the most recent compressed record. */
  #packedAt = 0;
  /** Total of compressed bytes so far. */
  #packedBytes = 0;
  /** Total of bytes that they unpacked to. */
  #unpackedBytes = 0;
  /** Bytes to be passed on that follow a record but are none. */
  #payload = 0;
  #ended = false;
  /** Damage to the compressed data; thrown after everything before it was read. */
  #failure: BadInputError | undefined;

  /**
   * @param rest bytes of `input` that were read already.
   * @param offset position of `rest` in the file.
   * @param unpacked called with the type of each record that was unpacked, which the reader will not see.
   */
  constructor(
    input: DataInput,
    rest: Uint8Array,
    offset: number,
    littleEndian: boolean,
    makeUnzstd: MakeUnzstd,
    unpacked: (type: number) => void,
  ) {
    this.name = input.name;
    this.offset = offset;
    this.#input = input;
    this.#outer.append(rest);
    this.#outerOffset = offset;
    this.#littleEndian = littleEndian;
    this.#unpacked = unpacked;
    this.#unzstd = makeUnzstd((block) => {
      this.#unpackedBytes += block.length;
      if (this.#unpackedBytes > MAX_UNPACKED + MAX_RATIO * this.#packedBytes) {
        throw new Error(`it unpacks to more than ${MAX_RATIO} times its size`);
      }
      if (this.#inner.length + block.length > MAX_UNPACKED) {
        throw new Error(`one record unpacks to more than ${MAX_UNPACKED} bytes`);
      }
      this.#inner.append(block);
    });
  }

  get remaining(): number {
    return this.#ended && this.#ready.length === 0 && !this.#failure ? 0 : Infinity;
  }

  get missing(): number {
    return this.#input.missing;
  }

  /**
   * Reads decompressed records. Throws BadInputError when the compressed data is damaged, after everything before it
   * was read.
   */
  read(into: Uint8Array): number {
    this.#prepare();
    const n = Math.min(into.length, this.#ready.length);
    into.set(this.#ready.view.subarray(0, n));
    this.#ready.drop(n);
    this.offset += n;
    return n;
  }

  skip(n: number): boolean {
    let left = n;
    while (left > 0) {
      this.#prepare();
      const step = Math.min(left, this.#ready.length);
      if (step === 0) return false;
      this.#ready.drop(step);
      this.offset += step;
      left -= step;
    }
    return true;
  }

  /** Returns the position in the file of a byte. A decompressed record is where its last byte came from. */
  place(offset: number): FilePlace {
    return placeIn(this.#input, this.#pieces.find(offset) ?? offset);
  }

  /** Works until there is something to read, or the input has ended. */
  #prepare(): void {
    while (this.#ready.length === 0 && !this.#ended) this.#advance();
    if (this.#ready.length === 0 && this.#failure) throw this.#failure;
  }

  /** Takes the next record of the file, or more bytes of it. */
  #advance(): void {
    const view = this.#outer.view;
    if (this.#payload > 0 && view.length > 0) {
      const n = Math.min(this.#payload, view.length);
      this.#payload -= n;
      this.#pass(n);
      return;
    }
    const size = this.#recordSize(view, 0);
    if (size < 0) {
      if (!this.#readMore()) this.#end();
    } else if (size < HEADER_SIZE) {
      this.#end(); // the reader refuses the same header
    } else {
      const r = new ByteReader(view.subarray(0, size), this.#littleEndian, "a record", this.#outerOffset);
      const type = r.u32();
      if (type === PERF_RECORD_USER.COMPRESSED || type === PERF_RECORD_USER.COMPRESSED2) this.#unpacked(type);
      if (type === PERF_RECORD_USER.COMPRESSED) this.#inflate(size, HEADER_SIZE, size);
      else if (type === PERF_RECORD_USER.COMPRESSED2) {
        // struct { header; u64 data_size; char data[]; }, padded to a multiple of 8
        r.take(4);
        this.#inflate(size, 16, Math.min(size, 16 + r.size()));
      } else {
        this.#payload = payloadSize(type, r.bytes, this.#littleEndian, this.#outerOffset);
        this.#pass(size);
      }
    }
  }

  #pass(n: number): void {
    this.#pieces.add(this.offset + this.#ready.length, this.#outerOffset, false);
    this.#outer.moveTo(this.#ready, n);
    this.#outerOffset += n;
  }

  #readMore(): boolean {
    const n = this.#input.read(this.#chunk);
    this.#outer.append(this.#chunk.subarray(0, n));
    return n > 0;
  }

  /** Passes on what is left over, so that the reader finds the input cut short there. */
  #end(): void {
    this.#ended = true;
    if (this.#inner.length > 0) this.#moveUnpacked(this.#inner.length);
    this.#pieces.add(this.offset + this.#ready.length, this.#outerOffset, false);
    this.#outer.moveTo(this.#ready, this.#outer.length);
  }

  /** Unpacks bytes [from, to) of the record of `size` bytes at the front of #outer. */
  #inflate(size: number, from: number, to: number): void {
    const offset = this.#outerOffset;
    this.#packedAt = offset;
    try {
      this.#packedBytes += to - from;
      this.#unzstd.push(this.#outer.view.subarray(from, to));
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      this.#failure = new BadInputError(
        `cannot read ${this.name}: the compressed data at offset ${offset} is damaged: ${why}`,
        offset,
      );
      this.#ended = true;
    }
    this.#outer.drop(size);
    this.#outerOffset += size;
    this.#moveWholeRecords();
  }

  #moveWholeRecords(): void {
    const view = this.#inner.view;
    let at = 0;
    for (;;) {
      const size = this.#recordSize(view, at);
      if (size < 0) break;
      if (size < HEADER_SIZE) {
        this.#end();
        return;
      }
      at += size;
    }
    if (at > 0) this.#moveUnpacked(at);
  }

  #moveUnpacked(n: number): void {
    this.#pieces.add(this.offset + this.#ready.length, this.#packedAt, true);
    this.#inner.moveTo(this.#ready, n);
  }

  /** Returns the size of the record at `at`; -1 when it is not complete. */
  #recordSize(bytes: Uint8Array, at: number): number {
    const have = bytes.length - at;
    if (have < HEADER_SIZE) return -1;
    const a = bytes[at + 6], b = bytes[at + 7];
    const size = this.#littleEndian ? a | (b << 8) : b | (a << 8);
    return size <= have ? size : -1;
  }
}
