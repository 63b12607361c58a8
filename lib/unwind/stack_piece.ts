/**
 * The part of a thread's stack that a sample has, where it lies: in a ring, or in a window over a file.
 * Nothing is copied.
 */

import { MIN_ADDRESS } from "./arch.ts";
import type { ExpressionMemory } from "./cfi/expression.ts";
import { END, type End } from "./ends.ts";

const TWO_32 = 4294967296;
/**
 * Bytes that a frame may lie behind the end of a piece that was cut off there, and still be of the same
 * stack.
 */
const MAX_BEHIND = 64 << 20;

/** A piece of stack; one object serves all samples. */
export class StackPiece implements ExpressionMemory {
  view: DataView = new DataView(new ArrayBuffer(0));
  /** Offset of the piece in `view`, and its length, in bytes. */
  at = 0;
  length = 0;
  /** Address of its first byte: the stack pointer when the sample was taken. */
  start = 0.5;
  /** Whether there is more of the stack than was copied. */
  isCut = false;
  low = 0;
  high = 0;

  /** Returns whether 8 bytes at `address` are in the piece. */
  has(address: number): boolean {
    const from = address - this.start;
    return from >= 0 && from + 8 <= this.length;
  }

  /** Reads 8 bytes into `low` and `high`; false when they are not in the piece. */
  read(address: number): boolean {
    const from = address - this.start;
    if (!(from >= 0 && from + 8 <= this.length)) return false;
    const at = this.at + from;
    this.low = this.view.getUint32(at, true);
    this.high = this.view.getUint32(at + 4, true);
    return true;
  }

  /**
   * Returns the 8 bytes at `address` as an unsigned number, exact up to 2^53; NaN when they are not in the
   * piece.
   */
  value(address: number): number {
    return this.read(address) ? this.high * TWO_32 + this.low : NaN;
  }

  /** Returns how many bytes longer the piece would have to be to have 8 bytes at `address`. */
  missing(address: number): number {
    return address + 8 - this.start - this.length;
  }

  /** Returns why 8 bytes at `address` are not in the piece. */
  whyNot(address: number): End {
    if (!(address >= MIN_ADDRESS)) return END.CORRUPT;
    if (this.length === 0) return END.NO_STACK;
    const behind = this.missing(address);
    return this.isCut && behind > 0 && behind < MAX_BEHIND ? END.SHORT : END.OTHER_STACK;
  }
}
