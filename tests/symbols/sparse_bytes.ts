/** Sources that pretend to be huge, and count what is asked of them. */

import type { ByteSource } from "../../lib/base/bytes/byte_source.ts";

/** Bytes of a made-up file: those given, and zeros everywhere else, as a sparse file has them. */
export class SparseBytes implements ByteSource {
  readonly name: string;
  readonly size: number;
  /** How many bytes have been read, in how many reads, and how many in the longest of them. */
  readBytes = 0;
  reads = 0;
  longest = 0;
  readonly #parts: readonly (readonly [at: number, bytes: Uint8Array])[];

  constructor(size: number, parts: readonly (readonly [at: number, bytes: Uint8Array])[], name = "sparse") {
    this.size = size;
    this.name = name;
    this.#parts = parts;
  }

  read(offset: number, length: number): Uint8Array {
    const whole = new Uint8Array(Math.max(0, Math.min(length, this.size - offset)));
    this.reads++;
    this.readBytes += whole.length;
    this.longest = Math.max(this.longest, whole.length);
    for (const [at, bytes] of this.#parts) {
      const from = Math.max(at, offset), to = Math.min(at + bytes.length, offset + whole.length);
      if (from < to) whole.set(bytes.subarray(from - at, to - at), from - offset);
    }
    return whole;
  }
}
