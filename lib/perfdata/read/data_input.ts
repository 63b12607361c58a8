/** Inputs of record bytes, independent of their origin: a section of a file, or a stream up to its end. */

import type { ByteInput } from "../../base/bytes/byte_source.ts";

/** Position in a file, by its name. */
export interface FilePlace {
  name: string;
  offset: number;
}

/** Input that is read from front to back, with the position of its bytes in the file. */
export interface DataInput {
  /** Name for errors. */
  readonly name: string;
  /** Offset in the file of the next byte that read() returns. */
  readonly offset: number;
  /** Bytes that may still come; Infinity when unknown. */
  readonly remaining: number;
  /** Number of bytes that were promised but missing, once the end is reached. */
  readonly missing: number;
  /** Fills `into` from its start. Returns the number of bytes, 0 at the end. */
  read(into: Uint8Array): number;
  /** Moves past `n` bytes. Returns false when there are fewer. */
  skip(n: number): boolean;
  /** Returns the position in a file of the byte at `offset` of this input, where the two differ: see placeIn(). */
  place?(offset: number): FilePlace;
}

/**
 * Returns the position in a file of the byte at `offset` of `input`, which may consist of several files or be
 * decompressed.
 */
export function placeIn(input: DataInput, offset: number): FilePlace {
  return input.place?.(offset) ?? { name: input.name, offset };
}

/** Section of an input, which counts down the bytes that were promised. */
abstract class Section implements DataInput {
  readonly name: string;
  offset: number;
  #promised: number;
  #ended = false;

  constructor(name: string, offset: number, length: number) {
    this.name = name;
    this.offset = offset;
    this.#promised = length;
  }

  get remaining(): number {
    return this.#ended ? 0 : this.#promised;
  }

  get missing(): number {
    return this.#ended && this.#promised !== Infinity ? this.#promised : 0;
  }

  read(into: Uint8Array): number {
    if (this.remaining === 0 || into.length === 0) return 0;
    const n = this.fill(into.length > this.#promised ? into.subarray(0, this.#promised) : into);
    if (n === 0) this.#ended = true;
    this.advance(n);
    return n;
  }

  /** Reads bytes from `offset` on: at least 1, or 0 at the end. */
  protected abstract fill(into: Uint8Array): number;

  protected advance(n: number): void {
    this.offset += n;
    this.#promised -= n;
  }

  abstract skip(n: number): boolean;
}

/** Bytes [offset, offset + length) of a file; with a length of Infinity, all from `offset` on. */
export class FileSection extends Section {
  readonly #input: SeekableInput;

  constructor(input: SeekableInput, offset: number, length: number) {
    super(input.name, offset, length);
    this.#input = input;
  }

  override get remaining(): number {
    return Math.min(super.remaining, Math.max(0, this.#input.size - this.offset));
  }

  override get missing(): number {
    const promised = super.remaining;
    return promised === Infinity ? 0 : Math.max(super.missing, promised - this.remaining);
  }

  protected override fill(into: Uint8Array): number {
    return this.#input.readAt(this.offset, into);
  }

  override skip(n: number): boolean {
    const step = Math.min(n, this.remaining);
    this.advance(step);
    return step === n;
  }
}

/** Next `length` bytes of a stream, which cannot seek; all of it when that is Infinity. */
export class StreamSection extends Section {
  readonly #input: ByteInput;

  /** @param offset position in the file of the stream's next byte. */
  constructor(input: ByteInput, offset: number, length: number) {
    super(input.name, offset, length);
    this.#input = input;
  }

  protected override fill(into: Uint8Array): number {
    return this.#input.read(into);
  }

  override skip(n: number): boolean {
    const scratch = new Uint8Array(Math.min(n, 65536));
    let left = n;
    while (left > 0) {
      const got = this.read(left < scratch.length ? scratch.subarray(0, left) : scratch);
      if (got === 0) return false;
      left -= got;
    }
    return true;
  }
}

/** Concatenation of inputs. Offsets continue from the first input's. */
export class ChainedInput implements DataInput {
  readonly name: string;
  offset: number;
  readonly #parts: readonly DataInput[];
  /** Start of each input that was reached: its offset here, and the offset that it has itself. */
  readonly #starts: { offset: number; own: number }[];
  #at = 0;

  /** @param parts at least one. */
  constructor(parts: readonly DataInput[]) {
    this.name = parts[0].name;
    this.offset = parts[0].offset;
    this.#parts = parts;
    this.#starts = [{ offset: this.offset, own: this.offset }];
  }

  get remaining(): number {
    return this.#parts.slice(this.#at).reduce((sum, part) => sum + part.remaining, 0);
  }

  get missing(): number {
    return this.#parts.reduce((sum, part) => sum + part.missing, 0);
  }

  read(into: Uint8Array): number {
    while (this.#at < this.#parts.length) {
      const n = this.#parts[this.#at].read(into);
      this.offset += n;
      if (n > 0 || into.length === 0) return n;
      this.#next();
    }
    return 0;
  }

  skip(n: number): boolean {
    let left = n;
    while (left > 0 && this.#at < this.#parts.length) {
      const part = this.#parts[this.#at];
      const before = part.offset;
      part.skip(left);
      this.offset += part.offset - before;
      left -= part.offset - before;
      if (left > 0) this.#next();
    }
    return left === 0;
  }

  place(offset: number): FilePlace {
    let part = this.#starts.length - 1;
    while (part > 0 && this.#starts[part].offset > offset) part--;
    const start = this.#starts[part];
    return placeIn(this.#parts[part], offset - start.offset + start.own);
  }

  #next(): void {
    this.#at++;
    if (this.#at < this.#parts.length) {
      this.#starts.push({ offset: this.offset, own: this.#parts[this.#at].offset });
    }
  }
}

/** ByteInput that is a file: its size is known and it can be read at any offset. */
export type SeekableInput = ByteInput & Required<Pick<ByteInput, "readAt" | "size">>;

/** Returns whether `input` is a file. */
export function isSeekable(input: ByteInput): input is SeekableInput {
  return input.readAt !== undefined && input.size !== undefined;
}

/** Reads bytes [offset, offset + length) of a file; fewer when it ends before. */
export function readRange(input: SeekableInput, offset: number, length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(Math.max(0, Math.min(length, input.size - offset)));
  let got = 0;
  while (got < bytes.length) {
    const n = input.readAt(offset + got, bytes.subarray(got));
    if (n === 0) break;
    got += n;
  }
  return bytes.subarray(0, got);
}
