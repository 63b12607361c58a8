/**
 * Parquet's hybrid of run lengths and packed bits (encoding RLE; "Run Length Encoding / Bit-Packing Hybrid" of its format).
 *
 *     run:    varint(count << 1), value in whole bytes
 *     packed: varint(groups << 1 | 1), groups of 8 values of `width` bits each, lowest bit first
 */

import type { PageBuffer } from "./page_buffer.ts";

/** Widest values that pack() takes: with 7 bits left over they fit in a word, and hyparquet reads no wider ones. */
const MAX_WIDTH = 24;
/** Number of equal values from which a run is shorter. */
const LEAST_RUN = 8;

/** Returns the number of bits of the numbers below `count`, at least 1. */
export function bitsOf(count: number): number {
  return 32 - Math.clz32(Math.max(1, count - 1));
}

/** Appends values below 2^width to a page. Throws Error for a width above 24. */
export function appendHybrid(page: PageBuffer, values: Int32Array, width: number): void {
  if (width > MAX_WIDTH) throw new Error(`cannot pack values of ${width} bits`);
  const end = values.length;
  let packedFrom = 0, at = 0;
  while (at < end) {
    const value = values[at];
    let next = at + 1;
    while (next < end && values[next] === value) next++;
    if (next - at < LEAST_RUN) at += LEAST_RUN; // a group of 8, with what follows in it
    else {
      pack(page, values, packedFrom, at, width);
      page.varint((next - at) * 2);
      page.reserve(4);
      for (let shift = 0; shift < width; shift += 8) page.put((value >>> shift) & 0xff);
      packedFrom = at = next;
    }
  }
  pack(page, values, packedFrom, end, width);
}

/** Appends the values [from, to) in groups of 8, the last one filled up with zeros. */
function pack(page: PageBuffer, values: Int32Array, from: number, to: number, width: number): void {
  if (to <= from) return;
  const groups = Math.ceil((to - from) / 8), end = Math.min(to, values.length);
  page.varint(groups * 2 + 1);
  page.reserve(groups * width);
  const { data } = page;
  let at = page.length, bits = 0, held = 0;
  for (let i = from; i < from + groups * 8; i++) {
    if (i < end) bits |= values[i] << held;
    held += width;
    while (held >= 8) {
      data[at++] = bits & 0xff;
      bits >>>= 8;
      held -= 8;
    }
  }
  page.length = at;
}
