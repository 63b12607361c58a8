/** Data file of a dataset, opened to read some of its columns and row groups. */

import { type ColumnMetaData, type FileMetaData, parquetMetadata } from "hyparquet";
import { parquetHeader } from "hyparquet/src/column.js";
import { parquetReadColumn } from "hyparquet/src/read.js";
import { FileBytes, NAMED_BY_USER } from "../../base/files/file_bytes.ts";
import { BadInputError, UserError } from "../../base/system/errors.ts";
import { CODEC, decompress, DECOMPRESSORS } from "../layout/codec.ts";
import type { TableName } from "../layout/partitions.ts";
import { MAX_VALUES, schemaOf } from "../layout/schema.ts";
import { type EncodedPage, requireColumns, requireRuns, requireTree } from "./required.ts";

/** Limit on a page and on a footer in bytes: what is written has 4 MiB at most, unless all names are of the longest. */
const MAX_PAGE = 1 << 26;
const TAIL = 8, MAGIC = 0x31524150;
/** Encodings of what hyparquet reads. */
const PLAIN: ReadonlySet<string> = new Set(["PLAIN", "RLE_DICTIONARY", "RLE"]);

/** Pages of a column in one row group. */
export interface DecodedChunk {
  dictionary?: EncodedPage;
  pages: EncodedPage[];
}

/** Returns the error to throw for one that reading a file ended in. */
export function damageOf(path: string, error: unknown): UserError {
  if (error instanceof UserError) return error;
  // what a runtime or hyparquet says of numbers that lead nowhere helps nobody
  const isSaid = error instanceof Error && !(error instanceof TypeError || error instanceof RangeError) &&
    !/\b(?:undefined|NaN|Infinity)\b/.test(error.message);
  const cause = isSaid ? error.message : "a part of it leads nowhere";
  return new BadInputError(`cannot read ${path}: it is no data file of a dataset, or damaged: ${cause}`);
}

/** Open data file. Needs `close()`. Its methods throw BadInputError, which names the file. */
export class ParquetFile {
  readonly #file: FileBytes;
  readonly metadata: FileMetaData;

  /** Opens a file of a table and reads its footer. Throws BadInputError. */
  constructor(path: string, table: TableName) {
    const file = FileBytes.open(path, NAMED_BY_USER);
    if (!(file instanceof FileBytes)) throw new BadInputError(`cannot read ${path}: ${file.cause}`);
    this.#file = file;
    this.metadata = this.#guarded(() => this.#footer());
    this.#guarded(() => requireColumns(this.metadata.schema, schemaOf(table)));
  }

  /** Returns the pages of a column in a row group. */
  chunk(group: number, column: string): DecodedChunk {
    return this.#guarded(() => {
      const chunk = this.metadata.row_groups[group].columns
        .find(({ meta_data }) => meta_data?.path_in_schema[0] === column)?.meta_data;
      if (!chunk) throw new Error(`it has no column ${column}`);
      return this.#pages(chunk);
    });
  }

  /** Returns the values of a column of a small table. */
  // deno-lint-ignore no-explicit-any
  async column(name: string): Promise<ArrayLike<any>> {
    const file = {
      byteLength: this.#file.size,
      slice: (start: number, end = this.#file.size) => this.#file.read(start, end - start).buffer,
    };
    this.#guarded(() => this.#requirePlain(name));
    try {
      return await parquetReadColumn({
        file,
        metadata: this.metadata,
        columns: [name],
        compressors: DECOMPRESSORS,
        parsers: { timestampFromMicroseconds: (micros: bigint) => micros },
      });
    } catch (error) {
      throw this.#damage(error);
    }
  }

  close(): void {
    this.#file.close();
  }

  /** Throws Error unless hyparquet reads a column in the time and memory that its pages give reason for. */
  #requirePlain(name: string): void {
    for (const { columns } of this.metadata.row_groups) {
      for (const { meta_data: chunk } of columns) {
        if (chunk?.path_in_schema[0] !== name) continue;
        for (const { encoding } of this.#pages(chunk).pages) {
          if (!PLAIN.has(encoding)) throw new Error(`a column is encoded as ${encoding}`);
        }
      }
    }
  }

  /** Calls `body`; an error that it throws is of the file. */
  #guarded<T>(body: () => T): T {
    try {
      return body();
    } catch (error) {
      throw this.#damage(error);
    }
  }

  #damage(error: unknown): UserError {
    return damageOf(this.#file.name, error);
  }

  #footer(): FileMetaData {
    const tail = this.#file.read(this.#file.size - TAIL, TAIL), view = new DataView(tail.buffer);
    if (tail.length < TAIL || view.getUint32(4, true) !== MAGIC) throw new Error("it does not end in PAR1");
    const length = view.getUint32(0, true) + TAIL;
    if (length > Math.min(this.#file.size, MAX_PAGE)) throw new Error(`its footer has ${length} bytes`);
    const footer = this.#file.read(this.#file.size - length, length);
    requireTree(footer);
    return parquetMetadata(
      footer,
      { parsers: { timestampFromMicroseconds: (micros: bigint) => micros } } as Parameters<
        typeof parquetMetadata
      >[1],
    );
  }

  #pages(
    { codec, dictionary_page_offset, data_page_offset, total_compressed_size, num_values }: ColumnMetaData,
  ): DecodedChunk {
    if (codec !== CODEC && codec !== "UNCOMPRESSED") throw new Error(`a column is packed by ${codec}`);
    const start = Number(dictionary_page_offset ?? data_page_offset), length = Number(total_compressed_size);
    if (!(length >= 0 && length <= this.#file.size)) throw new Error("a column has an impossible size");
    if (num_values > MAX_VALUES) throw new Error(`a column has ${num_values} values in a row group`);
    const bytes = this.#file.read(start, length);
    const reader = { view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), offset: 0 };
    const chunk: DecodedChunk = { pages: [] };
    for (let values = 0; values < Number(num_values);) {
      const header = parquetHeader(reader),
        { dictionary_page_header: dictionary, data_page_header_v2: data } = header;
      if (!(header.compressed_page_size >= 0)) throw new Error("a page has an impossible size");
      const body = bytes.subarray(reader.offset, reader.offset += header.compressed_page_size);
      if (!dictionary && !data) throw new Error("a column has a page of another version");
      const repetition = data?.repetition_levels_byte_length ?? 0;
      const levels = repetition + (data?.definition_levels_byte_length ?? 0);
      const size = header.uncompressed_page_size - levels;
      if (!(size >= 0 && size <= MAX_PAGE)) throw new Error("a page has an impossible size");
      const packed = body.subarray(levels), plain = codec === CODEC ? decompress(packed, size) : packed;
      if (plain.length !== size) throw new Error(`a page has ${plain.length} bytes and not ${size}`);
      const page = {
        encoding: (dictionary ?? data!).encoding ?? "something unknown",
        repetition: body.subarray(0, repetition),
        definition: body.subarray(repetition, levels),
        values: plain,
        count: (dictionary ?? data!).num_values,
        nulls: data?.num_nulls ?? 0,
      };
      if (!(page.count >= 0 && page.count <= MAX_VALUES)) {
        throw new Error("a page has an impossible number of values");
      }
      if (dictionary) chunk.dictionary = page;
      else {
        if (page.count === 0) throw new Error("a page has no values");
        requireRuns(page);
        chunk.pages.push(page);
        values += page.count;
      }
    }
    return chunk;
  }
}
