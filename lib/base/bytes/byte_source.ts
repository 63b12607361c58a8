/**
 * Where bytes come from. Readers and symbol tables are handed one of these and open nothing
 * themselves, so that a file, a pipe, an archive or a test's array all go through the same code.
 */

/** A stream of bytes, read once from front to back. */
export interface ByteInput {
  /** Fills `into` from its start; returns how many bytes, at least 1, or 0 at the end. Blocks. */
  read(into: Uint8Array): number;
  /** What to call it in errors: a path, or `standard input`. */
  readonly name: string;
  /** Present when the input is a file: bytes from `offset` on, as many as are there, up to `into.length`. */
  readAt?(offset: number, into: Uint8Array): number;
  /** Present when the input is a file: its size in bytes. */
  readonly size?: number;
  /** Present when the input is a file: when it was last written to, in seconds since 1970. */
  readonly modified?: number;
  /** Present when the input is a folder, of which this is the main file: the files beside it, in their order. */
  readonly beside?: readonly ByteInput[];
}

/** Random access to an object's bytes (an ELF file, a captured vdso). */
export interface ByteSource {
  /** What to call it in errors. */
  readonly name: string;
  /** In bytes. */
  readonly size: number;
  /** Bytes [offset, offset + length), fewer when the source ends before; never throws for a range past the end. */
  read(offset: number, length: number): Uint8Array;
  /** Present when something is held open for it; nothing can be read behind it. */
  close?(): void;
}

/** An in-memory ByteSource, and a ByteInput that hands out at most `chunk` bytes a read. */
export class MemoryBytes implements ByteSource, ByteInput {
  readonly name: string;
  readonly size: number;
  readonly #bytes: Uint8Array;
  readonly #chunk: number;
  #pos = 0;

  constructor(bytes: Uint8Array, name = "memory", chunk = Infinity) {
    this.#bytes = bytes;
    this.name = name;
    this.size = bytes.length;
    this.#chunk = chunk;
  }

  read(into: Uint8Array): number;
  read(offset: number, length: number): Uint8Array;
  read(first: Uint8Array | number, length = 0): number | Uint8Array {
    if (typeof first === "number") return this.#bytes.subarray(first, first + length);
    const n = Math.min(first.length, this.#chunk, this.#bytes.length - this.#pos);
    first.set(this.#bytes.subarray(this.#pos, this.#pos + n));
    this.#pos += n;
    return n;
  }

  readAt(offset: number, into: Uint8Array): number {
    const part = this.#bytes.subarray(offset, offset + Math.min(into.length, this.#chunk));
    into.set(part);
    return part.length;
  }
}

/** Reads `length` bytes of a stream, fewer when it ends before. Memory grows with what comes, not with `length`. */
export function readStream(input: Pick<ByteInput, "read">, length: number): Uint8Array<ArrayBuffer> {
  let bytes = new Uint8Array(Math.min(length, 65536));
  let got = 0;
  while (got < length) {
    if (got === bytes.length) {
      const grown = new Uint8Array(Math.min(length, bytes.length * 2));
      grown.set(bytes);
      bytes = grown;
    }
    const n = input.read(bytes.subarray(got));
    if (n === 0) break;
    got += n;
  }
  return bytes.subarray(0, got);
}
