/**
 * Parquet's encoding DELTA_BINARY_PACKED of 64-bit numbers, from doubles: nothing is allocated for a value.
 *
 *     header: 128 values a block, 4 miniblocks of 32 in it, number of values, first value
 *     block:  least difference, a width for each miniblock, differences above the least one, packed
 */

import type { PageBuffer } from "./page_buffer.ts";

const BLOCK = 128, MINIBLOCKS = 4, MINIBLOCK = BLOCK / MINIBLOCKS;
/** Most bits that are packed at once: with 7 left over they fill a word. */
const STEP = 24, TWO_STEP = 1 << STEP;

const differences = new Float64Array(BLOCK);

/** Appends whole numbers between -2^51 and 2^51. */
export function appendDeltas(page: PageBuffer, values: Float64Array): void {
  page.varint(BLOCK);
  page.varint(MINIBLOCKS);
  page.varint(values.length);
  page.zigzag(values.length > 0 ? values[0] : 0);
  for (let from = 1; from < values.length; from += BLOCK) {
    const count = Math.min(BLOCK, values.length - from);
    let least = Infinity;
    for (let i = 0; i < count; i++) {
      const difference = differences[i] = values[from + i] - values[from + i - 1];
      if (difference < least) least = difference;
    }
    page.zigzag(least);
    // what is missing of the last block is packed as zeros
    for (let i = 0; i < count; i++) differences[i] -= least;
    differences.fill(0, count);
    appendBlock(page, count);
  }
}

/** Appends the widths of the miniblocks, and those that have values. */
function appendBlock(page: PageBuffer, count: number): void {
  page.reserve(MINIBLOCKS);
  const widths = page.length;
  for (let mini = 0; mini < MINIBLOCKS; mini++) {
    let most = 0;
    for (let i = mini * MINIBLOCK; i < (mini + 1) * MINIBLOCK; i++) {
      if (differences[i] > most) most = differences[i];
    }
    page.put(widthOf(most));
  }
  for (let mini = 0; mini * MINIBLOCK < count; mini++) packMiniblock(page, mini, page.data[widths + mini]);
}

function packMiniblock(page: PageBuffer, mini: number, width: number): void {
  page.reserve(width * MINIBLOCK / 8);
  const { data } = page;
  let at = page.length, bits = 0, held = 0;
  for (let i = mini * MINIBLOCK; i < (mini + 1) * MINIBLOCK; i++) {
    let value = differences[i];
    for (let left = width; left > 0; left -= STEP) {
      bits |= (value % TWO_STEP) << held;
      held += Math.min(left, STEP);
      value = Math.floor(value / TWO_STEP);
      while (held >= 8) {
        data[at++] = bits & 0xff;
        bits >>>= 8;
        held -= 8;
      }
    }
  }
  page.length = at;
}

/** Returns the number of bits of a whole number from 0 below 2^53. */
function widthOf(value: number): number {
  const high = Math.floor(value / 4294967296);
  return high > 0 ? 64 - Math.clz32(high) : 32 - Math.clz32(value);
}
