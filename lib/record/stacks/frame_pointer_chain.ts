/**
 * Callers that the kernel found by frame pointers: the user's part of a sample's call chain as it was taken. They reach
 * beyond a copy that was cut off, and to the stack that a runtime has switched from, in programs that keep frame
 * pointers. Elsewhere they are wrong, so they only continue a chain whose last callers they have as well.
 */

import { type AttrLayout, callchainOffset } from "../../perfdata/format/attr_layout.ts";
import { isMarker, isUserMarker } from "../../perfdata/format/context_markers.ts";
import type { RingCursor } from "./ring_cursor.ts";

const TWO_32 = 4294967296;
/** The parts of a chain. */
export class FramePointerChain {
  /** Word that holds the number of the chain's entries; -1 if the sample has none. */
  lengthWord = -1;
  /** Entries of the kernel's part, which is the first. */
  kernel = 0;
  /** Entries of the user's part: `count` of them from word `from` on. */
  from = 0;
  count = 0;
  #u32: Uint32Array = new Uint32Array(0);

  /** Finds the parts of the chain of the sample under `c`. */
  split({ u32, at, size }: RingCursor, layout: AttrLayout): void {
    const chainAt = callchainOffset(layout, u32, at, size);
    this.#u32 = u32;
    this.kernel = this.count = 0;
    this.lengthWord = chainAt < 0 ? -1 : (at + chainAt) >>> 2;
    if (chainAt < 0) return;
    const length = u32[this.lengthWord], first = this.lengthWord + 2;
    const most = Math.min(length, (size - chainAt - 8) / 8);
    let entry = 0;
    while (entry < most && !isUserMarker(u32[first + 2 * entry], u32[first + 2 * entry + 1])) entry++;
    this.kernel = entry;
    this.from = first + 2 * (entry + 1);
    let end = entry + 1;
    while (end < most && !isMarker(u32[first + 2 * end], u32[first + 2 * end + 1])) end++;
    this.count = Math.max(0, end - entry - 1);
  }

  /** Returns entry i of the user's part: where the thread was, then return addresses. */
  at(i: number): number {
    const word = this.from + 2 * i;
    return this.#u32[word + 1] * TWO_32 + this.#u32[word];
  }

  /**
   * Returns the entry that is the last of these return addresses (the first is where the thread was), `known` of them; -1
   * unless the last two are here as well, the last of them as the caller of the other. Behind it this chain goes on.
   */
  indexOf(addresses: Float64Array, known: number): number {
    if (known < 2) return -1;
    const last = addresses[known - 1], before = addresses[known - 2];
    for (let i = this.count - 1; i > 0; i--) {
      if (this.at(i) === last && this.at(i - 1) === before) return i;
    }
    return -1;
  }
}
