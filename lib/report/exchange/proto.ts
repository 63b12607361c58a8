/** Encodes Protocol Buffers messages (protobuf.dev/programming-guides/encoding), as far as pprof needs. */

const VARINT = 0;
const LENGTH_DELIMITED = 2;

/** Writer of a message's fields, in sequence. */
export class ProtoWriter {
  #bytes = new Uint8Array(256);
  #length = 0;
  /** Writer for nested messages. */
  #inner: ProtoWriter | undefined;
  readonly #encoder = new TextEncoder();

  /** Returns the bytes written so far, as a view that later writes may invalidate. */
  bytes(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(0, this.#length);
  }

  /** Writes an integer of at most 64 bits. Omits 0, the value of absent fields. */
  number(field: number, value: number | bigint): this {
    if (value == 0) return this;
    this.#varint(field * 8 + VARINT);
    this.#varint(value);
    return this;
  }

  /** Writes a repeated field of integers. */
  numbers(field: number, values: Iterable<number | bigint>): this {
    return this.message(field, (inner) => {
      for (const value of values) inner.#varint(value);
    });
  }

  text(field: number, value: string): this {
    return this.#delimited(field, this.#encoder.encode(value));
  }

  /** Writes a nested message with `write`. */
  message(field: number, write: (inner: ProtoWriter) => void): this {
    const inner = this.#inner ??= new ProtoWriter();
    inner.#length = 0;
    write(inner);
    return this.#delimited(field, inner.bytes());
  }

  #delimited(field: number, bytes: Uint8Array): this {
    this.#varint(field * 8 + LENGTH_DELIMITED);
    this.#varint(bytes.length);
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
    return this;
  }

  /** Writes seven bits per byte, low ones first. Negative numbers are written as their 64 bits. */
  #varint(value: number | bigint): void {
    this.#reserve(10);
    if (typeof value === "bigint" || value < 0) {
      let rest = BigInt.asUintN(64, BigInt(value));
      for (; rest >= 0x80n; rest >>= 7n) this.#bytes[this.#length++] = Number(rest & 0x7fn) | 0x80;
      this.#bytes[this.#length++] = Number(rest);
      return;
    }
    let rest = value;
    for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) this.#bytes[this.#length++] = (rest % 0x80) | 0x80;
    this.#bytes[this.#length++] = rest;
  }

  #reserve(more: number): void {
    if (this.#length + more <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length + more));
    grown.set(this.bytes());
    this.#bytes = grown;
  }
}
