/** Dictionaries of columns: values, each once, that the rows of a column refer to by number. */

import type { ParquetType } from "hyparquet";
import type { ContentIds } from "../layout/content_ids.ts";
import type { PageBuffer } from "./page_buffer.ts";

/** Value in the statistics of a column, as hyparquet-writer takes it. */
export type StatisticsValue = bigint | number | Uint8Array;

/** Values of a column. */
export interface Dictionary {
  readonly type: ParquetType;
  /** Number of values. */
  readonly length: number;
  /** Appends a value to a page, as encoding PLAIN has it. */
  append(page: PageBuffer, row: number): void;
  /** Compares two values in the order of Parquet's statistics; absent for values that nobody looks for by range. */
  compare?(a: number, b: number): number;
  /** Returns a value for the statistics. */
  value?(row: number): StatisticsValue;
}

/** Limit on the bytes of a text: names come from files that anyone can write. */
const MAX_TEXT_BYTES = 8192;

const encoder = new TextEncoder();

/** Returns the bytes of a text, cut at a character where it is too long. */
export function boundedText(text: string): Uint8Array<ArrayBuffer> {
  const bytes = encoder.encode(text.length > MAX_TEXT_BYTES ? text.slice(0, MAX_TEXT_BYTES) : text);
  if (bytes.length <= MAX_TEXT_BYTES) return bytes;
  let end = MAX_TEXT_BYTES;
  while ((bytes[end] & 0xc0) === 0x80) end--;
  return bytes.subarray(0, end);
}

/** Returns a dictionary of texts. */
export function textDictionary(texts: readonly string[]): Dictionary {
  const values = texts.map(boundedText);
  return {
    type: "BYTE_ARRAY",
    length: values.length,
    append: (page, row) => {
      page.word(values[row].length);
      page.append(values[row]);
    },
    compare: (a, b) => compareBytes(values[a], values[b]),
    value: (row) => values[row],
  };
}

/** Compares bytes, as statistics of texts are compared. */
function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) if (a[i] !== b[i]) return a[i] - b[i];
  return a.length - b.length;
}

/** Returns a dictionary of 32-bit numbers. */
export function intDictionary(values: ArrayLike<number>): Dictionary {
  return {
    type: "INT32",
    length: values.length,
    append: (page, row) => page.word(values[row]),
    compare: (a, b) => values[a] - values[b],
    value: (row) => values[row],
  };
}

/** Returns a dictionary of whole numbers below 2^53, which are written as 64 bits. */
export function longDictionary(values: ArrayLike<number>): Dictionary {
  return {
    type: "INT64",
    length: values.length,
    append: (page, row) => page.long(values[row]),
    compare: (a, b) => values[a] - values[b],
    value: (row) => BigInt(values[row]),
  };
}

/** Returns a dictionary of ids. */
export function idDictionary({ low, high, length }: ContentIds): Dictionary {
  return {
    type: "INT64",
    length,
    append: (page, row) => {
      page.word(low[row]);
      page.word(high[row]);
    },
  };
}
