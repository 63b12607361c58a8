/** Growable buffer that pages of a data file are encoded into. */

const TWO_32 = 4294967296;

/** Bytes 0 to `length` - 1 of `data` are in use. Growing replaces `data`, so do not keep it. */
export class PageBuffer {
  data: Uint8Array<ArrayBuffer>;
  length = 0;

  constructor(capacity = 1 << 12) {
    this.data = new Uint8Array(capacity);
  }

  /** Makes room for `count` more bytes. */
  reserve(count: number): void {
    if (this.length + count <= this.data.length) return;
    const grown = new Uint8Array(Math.max(this.data.length * 2, this.length + count));
    grown.set(this.data.subarray(0, this.length));
    this.data = grown;
  }

  /** Appends a byte, for which room was reserved. */
  put(byte: number): void {
    this.data[this.length++] = byte;
  }

  /** Appends bytes. */
  append(bytes: Uint8Array): void {
    this.reserve(bytes.length);
    this.data.set(bytes, this.length);
    this.length += bytes.length;
  }

  /** Appends a whole number from 0 below 2^53 in groups of 7 bits (ULEB128). */
  varint(value: number): void {
    this.reserve(8);
    while (value >= 0x80) {
      this.put((value % 0x80) | 0x80);
      value = Math.floor(value / 0x80);
    }
    this.put(value);
  }

  /** Appends a whole number between -2^52 and 2^52, the sign in its lowest bit. */
  zigzag(value: number): void {
    this.varint(value < 0 ? -2 * value - 1 : 2 * value);
  }

  /** Appends 32 bits, low byte first. */
  word(value: number): void {
    this.reserve(4);
    this.put(value & 0xff);
    this.put((value >>> 8) & 0xff);
    this.put((value >>> 16) & 0xff);
    this.put(value >>> 24);
  }

  /** Appends a whole number between -2^53 and 2^53 as 64 bits. */
  long(value: number): void {
    this.word(value);
    this.word(Math.floor(value / TWO_32));
  }

  /** Returns the bytes in use, as a view. */
  bytes(): Uint8Array<ArrayBuffer> {
    return this.data.subarray(0, this.length);
  }
}
