/**
 * Column chunks: the pages of one column in one row group. Numbers stay in typed arrays until they are bytes, unlike in
 * hyparquet-writer, which makes an object of each value; its page headers and footer are used.
 */

import type { ByteWriter } from "hyparquet-writer/src/bytewriter.js";
import type { ColumnChunk, Encoding, ParquetType, Statistics } from "hyparquet";
import { writePageHeader } from "hyparquet-writer/src/datapage.js";
import { CODEC, compress } from "../layout/codec.ts";
import type { ContentIds } from "../layout/content_ids.ts";
import { appendDeltas } from "./delta.ts";
import type { Dictionary } from "./dictionaries.ts";
import { PageBuffer } from "./page_buffer.ts";
import { appendHybrid, bitsOf } from "./rle.ts";

/** Rows of a data page. */
const PAGE_ROWS = 1 << 17;
/** Values of a data page of lists, and so of 4 MiB. */
const PAGE_IDS = 1 << 19;

/** Data page, not compressed. */
interface Page {
  /** Repetition and definition levels, which are not compressed. */
  levels: Uint8Array;
  repetitionBytes: number;
  values: Uint8Array;
  /** Number of values, those that are null included; those; and rows. */
  count: number;
  nulls: number;
  rows: number;
}

/** Column chunk, not compressed. */
interface Chunk {
  /** Names on the way from the schema's root to the column. */
  path: string[];
  type: ParquetType;
  encoding: Encoding;
  dictionary?: { values: Uint8Array; count: number };
  pages: readonly Page[];
  statistics: Statistics;
}

/** Column of a table, by its name and whether rows may have none. */
export interface Column {
  name: string;
  optional: boolean;
}

/** Writes a column whose rows refer to a dictionary; -1 is null, in a column that is optional. */
export function writeDictionaryColumn(
  writer: ByteWriter,
  { name, optional }: Column,
  dictionary: Dictionary,
  rows: Int32Array,
): ColumnChunk {
  const { used, numbers } = usedValues(dictionary.length, rows);
  const values = new PageBuffer();
  for (const row of used) dictionary.append(values, row);
  const width = bitsOf(used.length);
  const pages: Page[] = [];
  for (let from = 0; from < rows.length; from += PAGE_ROWS) {
    const page = new PageBuffer(PAGE_ROWS);
    const { levels, present, nulls, count } = optional
      ? withLevels(numbers.subarray(from, from + PAGE_ROWS))
      : withoutLevels(numbers.subarray(from, from + PAGE_ROWS));
    page.reserve(1);
    page.put(width);
    appendHybrid(page, present, width);
    pages.push({ levels, repetitionBytes: 0, values: page.bytes(), count, nulls, rows: count });
  }
  return writeChunk(writer, {
    path: [name],
    type: dictionary.type,
    encoding: "RLE_DICTIONARY",
    dictionary: { values: values.bytes(), count: used.length },
    pages,
    statistics: { ...boundsOf(dictionary, used), null_count: nullsOf(pages) },
  });
}

/** Finds the values of a dictionary that rows refer to, and numbers them in the order in which they come. */
function usedValues(length: number, rows: Int32Array): { used: Int32Array; numbers: Int32Array } {
  const numberOf = new Int32Array(length),
    used = new Int32Array(length),
    numbers = new Int32Array(rows.length);
  let count = 0;
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i];
    if (row < 0) {
      numbers[i] = -1;
      continue;
    }
    let number = numberOf[row];
    if (number === 0) {
      used[count] = row;
      number = numberOf[row] = ++count;
    }
    numbers[i] = number - 1;
  }
  return { used: used.subarray(0, count), numbers };
}

/** Returns the least and the greatest of the values, if they have an order. */
function boundsOf(dictionary: Dictionary, used: Int32Array): Statistics {
  const { compare, value } = dictionary;
  if (!compare || !value || used.length === 0) return {};
  let least = used[0], most = used[0];
  for (const row of used) {
    if (compare(row, least) < 0) least = row;
    if (compare(row, most) > 0) most = row;
  }
  return { min_value: value(least), max_value: value(most) };
}

const nullsOf = (pages: readonly Page[]) => BigInt(pages.reduce((sum, { nulls }) => sum + nulls, 0));

/** Values of a page's rows that are not null, and their levels. */
interface Levelled<T> {
  levels: Uint8Array;
  present: T;
  nulls: number;
  count: number;
}

const NO_LEVELS = new Uint8Array(0);

function withoutLevels<T extends { length: number }>(present: T): Levelled<T> {
  return { levels: NO_LEVELS, present, nulls: 0, count: present.length };
}

/** Makes definition levels of the numbers of a page's rows, of which -1 is null. */
function withLevels(numbers: Int32Array): Levelled<Int32Array> {
  const levels = new PageBuffer(64), defined = new Int32Array(numbers.length);
  let present = numbers, nulls = 0;
  for (let i = 0; i < numbers.length; i++) {
    if (numbers[i] < 0) nulls++;
    else defined[i] = 1;
  }
  if (nulls > 0) present = numbers.filter((number) => number >= 0);
  appendHybrid(levels, defined, 1);
  return { levels: levels.bytes(), present, nulls, count: numbers.length };
}

/** Writes a column of whole numbers below 2^51, of which most differ little from the one before; NaN is null. */
export function writeDeltaColumn(
  writer: ByteWriter,
  { name, optional }: Column,
  numbers: Float64Array,
): ColumnChunk {
  const pages: Page[] = [];
  let least = Infinity, most = -Infinity;
  for (let from = 0; from < numbers.length; from += PAGE_ROWS) {
    const rows = numbers.subarray(from, from + PAGE_ROWS), page = new PageBuffer(PAGE_ROWS);
    for (let i = 0; i < rows.length; i++) {
      if (rows[i] < least) least = rows[i];
      if (rows[i] > most) most = rows[i];
    }
    const { levels, nulls } = optional
      ? withLevels(Int32Array.from(rows, (number) => number === number ? 0 : -1))
      : withoutLevels(rows);
    appendDeltas(page, nulls > 0 ? rows.filter((number) => number === number) : rows);
    pages.push({
      levels,
      repetitionBytes: 0,
      values: page.bytes(),
      count: rows.length,
      nulls,
      rows: rows.length,
    });
  }
  const bounds = least <= most ? { min_value: BigInt(least), max_value: BigInt(most) } : {};
  return writeChunk(writer, {
    path: [name],
    type: "INT64",
    encoding: "DELTA_BINARY_PACKED",
    pages,
    statistics: { ...bounds, null_count: nullsOf(pages) },
  });
}

/** Writes a column of ids. */
export function writeIdColumn(
  writer: ByteWriter,
  name: string,
  ids: ContentIds,
  rows: Int32Array,
): ColumnChunk {
  const page = new PageBuffer(8 * rows.length);
  appendIds(page, ids, rows);
  const count = rows.length;
  return writeChunk(writer, {
    path: [name],
    type: "INT64",
    encoding: "PLAIN",
    pages: [{ levels: NO_LEVELS, repetitionBytes: 0, values: page.bytes(), count, nulls: 0, rows: count }],
    statistics: {},
  });
}

function appendIds(page: PageBuffer, { low, high }: ContentIds, rows: Int32Array): void {
  page.reserve(8 * rows.length);
  for (let i = 0; i < rows.length; i++) {
    page.word(low[rows[i]]);
    page.word(high[rows[i]]);
  }
}

/** Lists of ids, one behind the other: list i is [ends[i - 1], ends[i]) of `rows`, and has one id at least. */
export interface IdLists {
  rows: Int32Array;
  ends: Int32Array;
}

/**
 * Writes a column of lists of ids. The ids are plain, so that a list that begins like the one before it is packed as a
 * reference to that one.
 */
export function writeIdListColumn(
  writer: ByteWriter,
  name: string,
  ids: ContentIds,
  { rows, ends }: IdLists,
): ColumnChunk {
  const pages: Page[] = [];
  for (let list = 0; list < ends.length;) {
    const from = list === 0 ? 0 : ends[list - 1], first = list;
    do list++; while (list < ends.length && ends[list] - from <= PAGE_IDS);
    const count = ends[list - 1] - from;
    const follows = new Int32Array(count).fill(1), levels = new PageBuffer(1 << 12);
    for (let i = first; i < list; i++) follows[i === 0 ? 0 : ends[i - 1] - from] = 0;
    appendHybrid(levels, follows, 1);
    const repetitionBytes = levels.length;
    appendHybrid(levels, new Int32Array(count).fill(1), 1);
    const page = new PageBuffer(8 * count);
    appendIds(page, ids, rows.subarray(from, from + count));
    pages.push({
      levels: levels.bytes(),
      repetitionBytes,
      values: page.bytes(),
      count,
      nulls: 0,
      rows: list - first,
    });
  }
  return writeChunk(writer, {
    path: [name, "list", "element"],
    type: "INT64",
    encoding: "PLAIN",
    pages,
    statistics: {},
  });
}

/** Compresses and writes a chunk. One that compression makes no smaller is written as it is. */
function writeChunk(
  writer: ByteWriter,
  { path, type, encoding, dictionary, pages, statistics }: Chunk,
): ColumnChunk {
  const raw = [...dictionary ? [dictionary.values] : [], ...pages.map(({ values }) => values)];
  const packed = raw.map(compress),
    size = (parts: readonly Uint8Array[]) => parts.reduce((sum, { length }) => sum + length, 0);
  const codec = size(packed) < size(raw) ? CODEC : "UNCOMPRESSED", bodies = codec === CODEC ? packed : raw;
  const start = writer.offset;
  let uncompressed = size(raw);
  if (dictionary) {
    writePageHeader(writer, {
      type: "DICTIONARY_PAGE",
      uncompressed_page_size: dictionary.values.length,
      compressed_page_size: bodies[0].length,
      dictionary_page_header: { num_values: dictionary.count, encoding: "PLAIN" },
    });
    uncompressed += writer.offset - start;
    writer.appendBytes(bodies[0]);
  }
  const dataOffset = writer.offset;
  pages.forEach((page, i) =>
    uncompressed += writeDataPage(writer, page, encoding, bodies[i + (dictionary ? 1 : 0)])
  );
  return {
    file_offset: BigInt(start),
    meta_data: {
      type,
      encodings: dictionary ? ["PLAIN", encoding] : [encoding],
      path_in_schema: path,
      codec,
      num_values: BigInt(pages.reduce((sum, { count }) => sum + count, 0)),
      total_uncompressed_size: BigInt(uncompressed),
      total_compressed_size: BigInt(writer.offset - start),
      data_page_offset: BigInt(dataOffset),
      ...dictionary ? { dictionary_page_offset: BigInt(start) } : {},
      statistics,
    },
  };
}

/** Writes a data page (of version 2); returns the size of its header and levels. */
function writeDataPage(writer: ByteWriter, page: Page, encoding: Encoding, body: Uint8Array): number {
  const start = writer.offset, { levels, repetitionBytes, values, count, nulls, rows } = page;
  writePageHeader(writer, {
    type: "DATA_PAGE_V2",
    uncompressed_page_size: levels.length + values.length,
    compressed_page_size: levels.length + body.length,
    data_page_header_v2: {
      num_values: count,
      num_nulls: nulls,
      num_rows: rows,
      encoding,
      definition_levels_byte_length: levels.length - repetitionBytes,
      repetition_levels_byte_length: repetitionBytes,
      is_compressed: true,
    },
  });
  writer.appendBytes(levels);
  const added = writer.offset - start;
  writer.appendBytes(body);
  return added;
}
