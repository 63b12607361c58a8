/**
 * Checks of a data file before it is decoded. hyparquet believes what a file says of its own size: a run of a few bytes can
 * stand for two billion values.
 */

import type { SchemaElement } from "hyparquet";
import { deserializeTCompactProtocol } from "hyparquet/src/thrift.js";
import { viewOf } from "../../base/bytes/bytes.ts";

/** Page of a column, not compressed. */
export interface EncodedPage {
  encoding: string;
  /** Levels of a data page; empty for a dictionary. */
  repetition: Uint8Array;
  definition: Uint8Array;
  values: Uint8Array;
  /** Number of values, null ones included. */
  count: number;
  nulls: number;
}

/** Widest references to a dictionary, in bits. */
export const MAX_WIDTH = 24;

/** Throws Error unless the schema in a footer is a tree of as many elements as it has. */
export function requireTree(footer: Uint8Array): void {
  // FileMetaData.schema, and in it SchemaElement.num_children, as in parquet.thrift
  const { field_2: schema } = deserializeTCompactProtocol({ view: viewOf(footer), offset: 0 });
  if (!Array.isArray(schema)) throw new Error("it has no schema");
  const children = schema.map((element) => element?.field_5 ?? 0);
  const isTree = children.every((count) => count >= 0) &&
    children.reduce((sum, count) => sum + count, 1) === schema.length;
  if (!isTree) throw new Error("its schema is no tree");
}

/** Throws Error unless a file has all columns of a schema, each as the schema has it. It may have others. */
export function requireColumns(found: readonly SchemaElement[], expected: readonly SchemaElement[]): void {
  const shown = ({ name, type, repetition_type, num_children }: SchemaElement) =>
    `${name} ${type} ${repetition_type} ${num_children}`;
  for (let at = 1; at < expected.length;) {
    const size = sizeOf(expected, at), column = expected.slice(at, at + size);
    const there = found.findIndex(({ name }, i) => i > 0 && name === column[0].name);
    const same = there >= 0 &&
      column.every((element, i) => found[there + i] && shown(found[there + i]) === shown(element));
    if (!same) throw new Error(`its column ${column[0].name} is missing, or another one`);
    at += size;
  }
}

/** Returns the number of elements that a column of a schema has. */
function sizeOf(schema: readonly SchemaElement[], at: number): number {
  let size = 1;
  for (let left = schema[at].num_children ?? 0; left > 0; left--) size += sizeOf(schema, at + size);
  return size;
}

/** Throws Error unless the levels and the references of a data page are of as many values as it has. */
export function requireRuns({ encoding, repetition, definition, values, count, nulls }: EncodedPage): void {
  if (!(nulls >= 0 && nulls <= count)) throw new Error("a page has an impossible number of nulls");
  if (repetition.length > 0) requireHybrid(repetition, 0, 1, count);
  if (definition.length > 0) requireHybrid(definition, 0, 1, count);
  if (encoding === "RLE_DICTIONARY") {
    if (!(values[0] <= MAX_WIDTH)) throw new Error("references to a dictionary are too wide");
    requireHybrid(values, 1, values[0], count - nulls);
  } else if (encoding === "RLE") requireHybrid(values, 4, 1, count - nulls);
}

/** Throws Error unless the runs from `at` on are of `count` values, or of up to 7 more in the last one. See write/rle.ts. */
function requireHybrid(bytes: Uint8Array, at: number, width: number, count: number): void {
  for (let seen = 0; seen < count;) {
    let header = 0, scale = 1;
    do {
      if (at >= bytes.length || scale > 2 ** 28) throw new Error("a run is cut short");
      header += (bytes[at] & 0x7f) * scale;
      scale *= 128;
    } while (bytes[at++] >= 0x80);
    const packed = header % 2 === 1, length = packed ? 8 * ((header - 1) / 2) : header / 2;
    at += packed ? length * width / 8 : Math.ceil(width / 8);
    seen += length;
    if (length === 0 || seen >= count + 8 || at > bytes.length) throw new Error(`a run has ${length} values`);
  }
}
