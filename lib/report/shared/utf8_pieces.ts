/** Collects text in UTF-8, of which most is the same again and again: that is encoded once, and copied. */

/** Bytes of a piece, and bytes of UTF-8 that a character of a string takes at most. */
const PIECE = 1 << 18, MAX_BYTES = 3;
const MAX_ASCII = 0x7f;
/** Bytes from which on set(), which has to be called, is faster than a loop. */
const MIN_SET = 128;

/** Text in pieces; see renderScript() for how it is used. */
export class Utf8Pieces {
  #bytes = new Uint8Array(2 * PIECE);
  #length = 0;
  readonly #encoder = new TextEncoder();

  /** Bytes that were added since the last take(). */
  get length(): number {
    return this.#length;
  }

  /** Whether there is enough for a piece. */
  get isFull(): boolean {
    return this.#length >= PIECE;
  }

  /** Adds text. */
  add(text: string): void {
    this.#makeRoom(MAX_BYTES * text.length);
    const into = this.#bytes, start = this.#length;
    for (let i = 0; i < text.length; i++) {
      const unit = text.charCodeAt(i);
      if (unit > MAX_ASCII) {
        this.#length += this.#encoder.encodeInto(text, into.subarray(start)).written;
        return;
      }
      into[start + i] = unit;
    }
    this.#length = start + text.length;
  }

  /** Adds bytes `start` to `end` of text that has been encoded. */
  addEncoded(bytes: Uint8Array, start = 0, end = bytes.length): void {
    const length = end - start;
    this.#makeRoom(length);
    const into = this.#bytes, at = this.#length;
    if (length >= MIN_SET) into.set(bytes.subarray(start, end), at);
    else for (let i = 0; i < length; i++) into[at + i] = bytes[start + i];
    this.#length = at + length;
  }

  /** Buffer whose first `length` bytes were added since the last take(); another one may take its place once more is added. */
  get bytes(): Uint8Array {
    return this.#bytes;
  }

  /** Returns text in UTF-8. */
  encode(text: string): Uint8Array {
    return this.#encoder.encode(text);
  }

  /** Returns what was added since the last call. */
  take(): Uint8Array {
    const piece = this.#bytes.slice(0, this.#length);
    this.clear();
    return piece;
  }

  /** Forgets what was added since the last take(). */
  clear(): void {
    this.#length = 0;
  }

  #makeRoom(bytes: number): void {
    if (this.#length + bytes <= this.#bytes.length) return;
    const larger = new Uint8Array(2 * (this.#length + bytes));
    larger.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = larger;
  }
}
