/** Collects text in UTF-8, of which most is the same again and again: that is encoded once, and copied. */

/** Bytes of a piece, and bytes of UTF-8 that a character of a string takes at most. */
const PIECE = 1 << 18, MAX_BYTES = 3;
const MAX_ASCII = 0x7f;

/** Text in pieces; see renderScript() for how it is used. */
export class Utf8Pieces {
  #bytes = new Uint8Array(2 * PIECE);
  #length = 0;
  readonly #encoder = new TextEncoder();

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

  /** Adds text that has been encoded. */
  addEncoded(bytes: Uint8Array): void {
    this.#makeRoom(bytes.length);
    const into = this.#bytes;
    let at = this.#length;
    for (let i = 0; i < bytes.length; i++) into[at++] = bytes[i]; // set() takes longer for the length of a line
    this.#length = at;
  }

  /** Returns text in UTF-8. */
  encode(text: string): Uint8Array {
    return this.#encoder.encode(text);
  }

  /** Returns what was added since the last call. */
  take(): Uint8Array {
    const piece = this.#bytes.slice(0, this.#length);
    this.#length = 0;
    return piece;
  }

  #makeRoom(bytes: number): void {
    if (this.#length + bytes <= this.#bytes.length) return;
    const larger = new Uint8Array(2 * (this.#length + bytes));
    larger.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = larger;
  }
}
