/**
 * Prints call chains, a line for each frame. The callers of a function are the same in many samples: their lines are copied
 * as one text from the second time on.
 */

import type { Profile } from "../../profile/model/profile.ts";
import { Utf8Pieces } from "../shared/utf8_pieces.ts";

/** Bytes of callers that are kept. When they are used up, all are forgotten: samples that follow each other are alike. */
const KEPT_BYTES = 32 << 20;

/** Printer of the call chains of one profile. */
export class ChainLines {
  readonly #frame: Profile["stacks"]["frame"];
  readonly #parent: Profile["stacks"]["parent"];
  readonly #lineOf: (frame: number) => string;
  readonly #pieces: Utf8Pieces;
  readonly #lines: KeptTexts;
  readonly #callers: KeptTexts;
  /** Whether the callers of each stack, by its caller's row, have been printed before. */
  readonly #seen: Uint8Array;

  /**
   * @param lineOf returns the line of a frame, with its end.
   * @param pieces takes the lines.
   */
  constructor({ stacks, frames }: Profile, lineOf: (frame: number) => string, pieces: Utf8Pieces) {
    this.#frame = stacks.frame;
    this.#parent = stacks.parent;
    this.#lineOf = lineOf;
    this.#pieces = pieces;
    this.#lines = new KeptTexts(frames.address.length);
    this.#callers = new KeptTexts(stacks.frame.length);
    this.#seen = new Uint8Array(stacks.frame.length);
  }

  /** Adds the lines of a stack, the innermost frame first; of -1, none. */
  add(stack: number): void {
    if (stack < 0) return;
    this.#addLine(stack);
    const callers = this.#parent[stack];
    if (callers < 0) return;
    const from = this.#pieces.length;
    this.#addCallers(callers);
    if (this.#seen[callers] === 0) this.#seen[callers] = 1;
    else if (!this.#callers.has(callers)) this.#keep(callers, from);
  }

  #addCallers(stack: number): void {
    for (let at = stack; at >= 0; at = this.#parent[at]) {
      if (this.#callers.has(at)) return this.#callers.copy(at, this.#pieces);
      this.#addLine(at);
    }
  }

  #addLine(stack: number): void {
    const frame = this.#frame[stack], lines = this.#lines;
    if (!lines.has(frame)) lines.add(frame, this.#lineOf(frame));
    lines.copy(frame, this.#pieces);
  }

  /** Keeps what was printed from byte `from` on. */
  #keep(stack: number, from: number): void {
    const { bytes, length } = this.#pieces;
    if (this.#callers.length + length - from > KEPT_BYTES) this.#callers.clear();
    this.#callers.addBytes(stack, bytes.subarray(from, length));
  }
}

/** Texts by number. */
class KeptTexts {
  readonly #texts = new Utf8Pieces();
  readonly #starts: Uint32Array;
  /** 0 where there is none. */
  readonly #ends: Uint32Array;

  constructor(count: number) {
    this.#starts = new Uint32Array(count);
    this.#ends = new Uint32Array(count);
  }

  get length(): number {
    return this.#texts.length;
  }

  has(number: number): boolean {
    return this.#ends[number] > 0;
  }

  add(number: number, text: string): void {
    this.#starts[number] = this.#texts.length;
    this.#texts.add(text);
    this.#ends[number] = this.#texts.length;
  }

  addBytes(number: number, bytes: Uint8Array): void {
    this.#starts[number] = this.#texts.length;
    this.#texts.addEncoded(bytes);
    this.#ends[number] = this.#texts.length;
  }

  copy(number: number, to: Utf8Pieces): void {
    to.addEncoded(this.#texts.bytes, this.#starts[number], this.#ends[number]);
  }

  clear(): void {
    this.#ends.fill(0);
    this.#texts.clear();
  }
}
