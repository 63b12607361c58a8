/** Messages of Protocol Buffers (protobuf.dev/programming-guides/encoding), as far as pprof's have need of them. */

const VARINT = 0;
const LENGTH_DELIMITED = 2;

/** Writes the fields of a message one behind the other. */
export class ProtoWriter {
  #bytes = new Uint8Array(256);
  #length = 0;
  /** What messages inside this one are written with. */
  #inner: ProtoWriter | undefined;
  readonly #encoder = new TextEncoder();

  /** What has been written, as a view that further writes may replace. */
  bytes(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(0, this.#length);
  }

  /** A whole number, of 64 bits at most; 0 is left out, as it is what a reader takes for a field that is not there. */
  number(field: number, value: number | bigint): this {
    if (value == 0) return this;
    this.#varint(field * 8 + VARINT);
    this.#varint(value);
    return this;
  }

  /** A repeated field of whole numbers. */
  numbers(field: number, values: Iterable<number | bigint>): this {
    return this.message(field, (inner) => {
      for (const value of values) inner.#varint(value);
    });
  }

  text(field: number, value: string): this {
    return this.#delimited(field, this.#encoder.encode(value));
  }

  /** A message, which `write` writes. */
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

  /** Seven bits a byte, low ones first; negative numbers as their 64 bits. */
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
