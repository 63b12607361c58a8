/**
 * Sources of bytes. Readers and symbol tables are given one of these and open nothing themselves, so a file, a pipe, an
 * archive and a test's array all go through the same code.
 */

/** A stream of bytes, read once from front to back. */
export interface ByteInput {
  /** Fills `into` from its start; returns the number of bytes read: at least 1, or 0 at the end. Blocks. */
  read(into: Uint8Array): number;
  /** Name for error messages: a path, or `standard input`. */
  readonly name: string;
  /** Reads at any offset: as many bytes as there are, up to `into.length`. Present when the input is a file. */
  readAt?(offset: number, into: Uint8Array): number;
  /** Size in bytes. Present when the input is a file. */
  readonly size?: number;
  /** Time of the last write, in seconds since 1970. Present when the input is a file. */
  readonly modified?: number;
  /** Other files of the recording, in order. Present when the input is the main file of a folder. */
  readonly beside?: readonly ByteInput[];
}

/** Random access to the bytes of an object (an ELF file, a captured vdso). */
export interface ByteSource {
  /** Name for error messages. */
  readonly name: string;
  /** Size in bytes. */
  readonly size: number;
  /** Text that is another once the contents are others, for what is kept of them. Present when it is a file. */
  readonly stamp?: string;
  /** Time of the last write, in seconds since 1970. Present when it is a file. */
  readonly modified?: number;
  /**
   * Reads bytes [offset, offset + length), fewer when the source ends before; never throws for a range past the end.
   */
  read(offset: number, length: number): Uint8Array;
  /** Releases the file behind the source, after which nothing can be read. Present when there is one. */
  close?(): void;
}

/** Memory-backed ByteSource, and a ByteInput that hands out at most `chunk` bytes per read. */
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

/** Reads `length` bytes of a stream, fewer when it ends before. Memory grows with what arrives, not with `length`. */
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
