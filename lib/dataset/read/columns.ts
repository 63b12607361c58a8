/** Columns of a row group as typed arrays, decoded from the encodings that the writer uses: no object for a value. */

import { readRleBitPackedHybrid } from "hyparquet/src/encoding.js";
import { viewOf } from "../../base/bytes/bytes.ts";
import { ContentIds } from "../layout/content_ids.ts";
import type { DecodedChunk } from "./parquet_file.ts";
import { type EncodedPage, MAX_WIDTH } from "./required.ts";

/** Column whose rows refer to values; -1 is null. */
export interface Numbered<T> {
  values: T;
  rows: Int32Array;
}

/** Decodes a column of texts. */
export function textColumn(chunk: DecodedChunk): Numbered<string[]> {
  const { values, count } = dictionaryOf(chunk), decoder = new TextDecoder();
  const view = viewOf(values), texts: string[] = [];
  for (let at = 0; texts.length < count;) {
    const length = view.getUint32(at, true);
    if (at + 4 + length > values.length) throw new Error("a text is longer than its page");
    texts.push(decoder.decode(values.subarray(at + 4, at += 4 + length)));
  }
  return { values: texts, rows: rowsOf(chunk, count) };
}

/** Decodes a column of 32-bit numbers. */
export function intColumn(chunk: DecodedChunk): Numbered<Int32Array> {
  const { values, count } = dictionaryOf(chunk), view = viewOf(values);
  return {
    values: Int32Array.from({ length: count }, (_, row) => view.getInt32(4 * row, true)),
    rows: rowsOf(chunk, count),
  };
}

/** Decodes a column of ids with a dictionary. */
export function idColumn(chunk: DecodedChunk): Numbered<ContentIds> {
  const { values, count } = dictionaryOf(chunk);
  return { values: idsIn(values, count), rows: rowsOf(chunk, count) };
}

/** Decodes a column of 64-bit numbers, which are exact up to 2^53; NaN is null. */
export function longColumn(chunk: DecodedChunk): Float64Array {
  const all = new Float64Array(countOf(chunk.pages)).fill(NaN);
  if (chunk.dictionary) {
    const { values, count } = dictionaryOf(chunk), view = viewOf(values);
    const longs = Float64Array.from({ length: count }, (_, row) => longAt(view, 8 * row));
    rowsOf(chunk, count).forEach((row, i) => row >= 0 && (all[i] = longs[row]));
    return all;
  }
  let from = 0;
  for (const page of chunk.pages) {
    if (page.encoding !== "DELTA_BINARY_PACKED") throw new Error(`a column is encoded as ${page.encoding}`);
    const numbers = deltas(page.values, page.count - page.nulls);
    if (page.nulls === 0) all.set(numbers, from);
    else {
      let next = 0;
      definedIn(page).forEach((defined, i) => defined === 1 && (all[from + i] = numbers[next++]));
    }
    from += page.count;
  }
  return all;
}

/** Lists of ids, one behind the other: list i is [ends[i - 1], ends[i]) of `ids`. */
export interface DecodedLists {
  ids: ContentIds;
  ends: Int32Array;
}

/** Decodes a column of lists of ids, each with one at least. */
export function idListColumn({ pages }: DecodedChunk): DecodedLists {
  const ids = plainIds(pages), starts: number[] = [];
  let from = 0;
  for (const { repetition, count } of pages) {
    const follows = new Int32Array(count);
    hybrid(repetition, 0, 1, follows);
    follows.forEach((isNext, i) => isNext === 0 && starts.push(from + i));
    from += count;
  }
  if (starts[0] !== 0 && from > 0) throw new Error("a page begins within a list");
  return { ids, ends: Int32Array.from([...starts.slice(1), from]) };
}

/** Decodes a column of ids without a dictionary. */
export function plainIdColumn({ pages }: DecodedChunk): ContentIds {
  return plainIds(pages);
}

function plainIds(pages: readonly EncodedPage[]): ContentIds {
  const all = new ContentIds(countOf(pages));
  let from = 0;
  for (const { encoding, values, count } of pages) {
    if (encoding !== "PLAIN") throw new Error(`a column of ids is encoded as ${encoding}`);
    const { low, high } = idsIn(values, count);
    all.low.set(low, from);
    all.high.set(high, from);
    from += count;
  }
  return all;
}

function idsIn(values: Uint8Array, count: number): ContentIds {
  if (values.length < 8 * count) throw new Error("a page ends within an id");
  const ids = new ContentIds(count), { low, high } = ids, view = viewOf(values);
  for (let row = 0; row < count; row++) {
    low[row] = view.getInt32(8 * row, true);
    high[row] = view.getInt32(8 * row + 4, true);
  }
  return ids;
}

function countOf(pages: readonly EncodedPage[]): number {
  return pages.reduce((sum, { count }) => sum + count, 0);
}

function dictionaryOf({ dictionary }: DecodedChunk): EncodedPage {
  if (!dictionary) throw new Error("a column has no dictionary");
  if (dictionary.count > dictionary.values.length) {
    throw new Error("a dictionary is shorter than it says");
  }
  return dictionary;
}

/** Decodes the numbers that rows refer to a dictionary of `length` values by. */
function rowsOf({ pages }: DecodedChunk, length: number): Int32Array {
  const all = new Int32Array(countOf(pages));
  let from = 0;
  for (const page of pages) {
    const { encoding, values, count, nulls } = page;
    if (encoding !== "RLE_DICTIONARY" || values[0] > MAX_WIDTH) {
      throw new Error(`a column is encoded as ${encoding}`);
    }
    const into = all.subarray(from, from + count);
    if (nulls === 0) hybrid(values, 1, values[0], into);
    else {
      const present = new Int32Array(count - nulls);
      hybrid(values, 1, values[0], present);
      let next = 0;
      definedIn(page).forEach((defined, i) => into[i] = defined === 1 ? present[next++] : -1);
    }
    for (let i = 0; i < count; i++) {
      if (into[i] >= length) throw new Error("a value is not in its dictionary");
    }
    from += count;
  }
  return all;
}

function definedIn({ definition, count }: EncodedPage): Int32Array {
  const defined = new Int32Array(count);
  hybrid(definition, 0, 1, defined);
  return defined;
}

function hybrid(bytes: Uint8Array, offset: number, width: number, into: Int32Array): void {
  readRleBitPackedHybrid(
    { view: viewOf(bytes), offset },
    width,
    into as unknown as number[],
    bytes.length - offset,
  );
}

const longAt = (view: DataView, at: number) =>
  view.getInt32(at + 4, true) * 4294967296 + view.getUint32(at, true);

/** Decodes DELTA_BINARY_PACKED: see write/delta.ts. */
function deltas(bytes: Uint8Array, count: number): Float64Array {
  const numbers = new Float64Array(count);
  let at = 0;
  const varint = () => {
    let value = 0, scale = 1;
    for (;; scale *= 128) {
      const byte = bytes[at++];
      if (byte === undefined || scale > 2 ** 56) throw new Error("a number is cut short");
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
  };
  const zigzag = () => {
    const value = varint();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  };
  const block = varint(), minis = varint(), each = block / minis;
  varint(); // the number of values, which the page has as well
  if (!(each > 0 && each % 32 === 0 && block <= 1 << 16)) throw new Error(`a block has ${block} values`);
  let value = zigzag();
  if (count > 0) numbers[0] = value;
  for (let row = 1; row < count;) {
    const least = zigzag(), widths = bytes.subarray(at, at += minis);
    for (let mini = 0; mini < minis && row < count; mini++) {
      const width = widths[mini], end = at + each * width / 8;
      if (end > bytes.length) throw new Error("a block is cut short");
      let bit = 8 * at;
      for (let i = 0; i < each && row < count; i++) {
        let difference = 0;
        for (let got = 0; got < width;) {
          const left = 8 - bit % 8, take = Math.min(left, width - got);
          difference += ((bytes[bit >>> 3] >>> (bit & 7)) & ((1 << take) - 1)) * 2 ** got;
          got += take;
          bit += take;
        }
        numbers[row++] = value += least + difference;
      }
      at = end;
    }
  }
  return numbers;
}
