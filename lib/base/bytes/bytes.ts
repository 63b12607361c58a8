/**
 * Bounds-checked reading and writing of C structs, for headers, attrs and sections. Hot loops over samples don't use
 * it: they use typed-array views over a whole window of records.
 */

import { BadInputError } from "../system/errors.ts";
import { osBytes } from "../text/os_text.ts";
import { counted } from "../text/plural.ts";

const decoder = new TextDecoder();
const encoder = new TextEncoder();

/** Reads C scalars in sequence from `bytes`, in the given byte order. Every read is checked. */
export class ByteReader {
  readonly bytes: Uint8Array;
  readonly littleEndian: boolean;
  /** Offset of the next read, in bytes from the start of `bytes`. */
  pos: number;
  readonly #view: DataView;
  readonly #what: string;
  readonly #origin: number;

  /**
   * @param what name of the structure in errors: `the file header`.
   * @param origin offset of `bytes` in the file, so that errors give the file offset.
   */
  constructor(bytes: Uint8Array, littleEndian = true, what = "the data", origin = 0) {
    this.bytes = bytes;
    this.littleEndian = littleEndian;
    this.pos = 0;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#what = what;
    this.#origin = origin;
  }

  /** Number of bytes left to read. */
  get left(): number {
    return this.bytes.length - this.pos;
  }

  /** Offset of the next read in the file. */
  get offset(): number {
    return this.#origin + this.pos;
  }

  /** Moves past `n` bytes and returns the position where they start. Throws BadInputError when fewer are left. */
  take(n: number): number {
    const at = this.pos;
    if (n < 0 || n > this.bytes.length - at) {
      throw new BadInputError(
        `${this.#what} ends early: ${counted(n, "byte")} wanted at offset ${this.#origin + at}, ` +
          `${this.bytes.length - at} there`,
        this.#origin + at,
      );
    }
    this.pos = at + n;
    return at;
  }

  u8(): number {
    return this.bytes[this.take(1)];
  }

  u16(): number {
    return this.#view.getUint16(this.take(2), this.littleEndian);
  }

  u32(): number {
    return this.#view.getUint32(this.take(4), this.littleEndian);
  }

  i32(): number {
    return this.#view.getInt32(this.take(4), this.littleEndian);
  }

  u64(): bigint {
    return this.#view.getBigUint64(this.take(8), this.littleEndian);
  }

  /** Reads a u64 that must fit a double exactly, such as an offset or a size. Throws BadInputError past 2^53. */
  size(): number {
    const at = this.pos;
    const value = this.u64();
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) {
      throw new BadInputError(
        `${this.#what} gives an impossible size ${value} at offset ${this.#origin + at}`,
        this.#origin + at,
      );
    }
    return Number(value);
  }

  /** Reads the next `n` bytes, as a view (not a copy). */
  slice(n: number): Uint8Array {
    const at = this.take(n);
    return this.bytes.subarray(at, at + n);
  }

  /** Reads a string from a field of `n` bytes, up to its first NUL. */
  fixedString(n: number): string {
    return cString(this.slice(n));
  }
}

/** Decodes the string at the start of `bytes`, up to the first NUL or the end. Bad UTF-8 becomes U+FFFD. */
export function cString(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return decoder.decode(end < 0 ? bytes : bytes.subarray(0, end));
}

/** Decodes the string at the start of `bytes` like cString(), but replaces everything beyond `most` bytes by `…`. */
export function shortCString(bytes: Uint8Array, most: number): string {
  const end = bytes.subarray(0, most + 1).indexOf(0);
  if (end >= 0 || bytes.length <= most) return cString(bytes);
  return decoder.decode(bytes.subarray(0, most)) + "…";
}

/** Encodes `text`, followed by a NUL: as UTF-8, or as the bytes that `osText()` decoded. */
export function toCString(text: string): Uint8Array<ArrayBuffer> {
  return osBytes(text + "\0");
}

/** Writes C scalars in sequence, growing as needed; `bytes()` returns the result. */
export class ByteWriter {
  readonly littleEndian: boolean;
  #buffer: Uint8Array<ArrayBuffer>;
  #view: DataView;
  #length = 0;

  constructor(capacity = 256, littleEndian = true) {
    this.littleEndian = littleEndian;
    this.#buffer = new Uint8Array(capacity);
    this.#view = new DataView(this.#buffer.buffer);
  }

  /** Number of bytes written so far: the offset of the next write. */
  get length(): number {
    return this.#length;
  }

  /** Reserves `n` bytes and returns their offset. May replace `#buffer` and `#view`: read those only afterwards. */
  #room(n: number): number {
    const at = this.#length;
    if (at + n > this.#buffer.length) {
      const grown = new Uint8Array(Math.max(this.#buffer.length * 2, at + n));
      grown.set(this.#buffer.subarray(0, at));
      this.#buffer = grown;
      this.#view = new DataView(grown.buffer);
    }
    this.#length = at + n;
    return at;
  }

  u8(value: number): this {
    const at = this.#room(1);
    this.#view.setUint8(at, value);
    return this;
  }

  u16(value: number): this {
    const at = this.#room(2);
    this.#view.setUint16(at, value, this.littleEndian);
    return this;
  }

  u32(value: number): this {
    const at = this.#room(4);
    this.#view.setUint32(at, value, this.littleEndian);
    return this;
  }

  i32(value: number): this {
    const at = this.#room(4);
    this.#view.setInt32(at, value, this.littleEndian);
    return this;
  }

  u64(value: bigint | number): this {
    const at = this.#room(8);
    this.#view.setBigUint64(at, BigInt.asUintN(64, BigInt(value)), this.littleEndian);
    return this;
  }

  raw(bytes: Uint8Array): this {
    const at = this.#room(bytes.length);
    this.#buffer.set(bytes, at);
    return this;
  }

  /** Writes `text`, a NUL, then NULs up to the next multiple of `align` bytes from the start of the string. */
  paddedString(text: string, align = 8): this {
    const bytes = encoder.encode(text);
    const padded = Math.floor(bytes.length / align + 1) * align;
    this.raw(bytes);
    return this.zeros(padded - bytes.length);
  }

  zeros(n: number): this {
    this.#room(n); // the buffer starts zeroed and is only written forward
    return this;
  }

  /** Overwrites a u16 written earlier at `at`. */
  patchU16(at: number, value: number): this {
    this.#view.setUint16(at, value, this.littleEndian);
    return this;
  }

  /** Overwrites a u32 written earlier at `at`. */
  patchU32(at: number, value: number): this {
    this.#view.setUint32(at, value, this.littleEndian);
    return this;
  }

  /** Returns the bytes written so far, as a view that further writes may detach. */
  bytes(): Uint8Array<ArrayBuffer> {
    return this.#buffer.subarray(0, this.#length);
  }
}

/** Returns a view of bytes. */
export function viewOf({ buffer, byteOffset, byteLength }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, byteLength);
}

/** Concatenates byte arrays. */
export function concat(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
