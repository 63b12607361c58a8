/** Data file of a dataset, opened to read some of its columns and row groups. */

import { type ColumnMetaData, type FileMetaData, parquetMetadata } from "hyparquet";
import { parquetHeader } from "hyparquet/src/column.js";
import { parquetReadColumn } from "hyparquet/src/read.js";
import { FileBytes, NAMED_BY_USER } from "../../base/files/file_bytes.ts";
import { BadInputError, UserError } from "../../base/system/errors.ts";
import { CODEC, decompress, DECOMPRESSORS } from "../layout/codec.ts";

/** Limit on a page and on a footer in bytes: the largest that are written have 4 MiB. */
const MAX_PAGE = 1 << 28;
const TAIL = 8, MAGIC = 0x31524150;

/** Page of a column, not compressed. */
export interface DecodedPage {
  encoding: string;
  /** Levels of a data page; empty for a dictionary. */
  repetition: Uint8Array;
  definition: Uint8Array;
  values: Uint8Array;
  /** Number of values, null ones included. */
  count: number;
  nulls: number;
}

/** Pages of a column in one row group. */
export interface DecodedChunk {
  dictionary?: DecodedPage;
  pages: DecodedPage[];
}

/** Open data file. Needs `close()`. Its methods throw BadInputError, which names the file. */
export class ParquetFile {
  readonly #file: FileBytes;
  readonly metadata: FileMetaData;

  /** Opens a file and reads its footer. Throws BadInputError. */
  constructor(path: string) {
    const file = FileBytes.open(path, NAMED_BY_USER);
    if (!(file instanceof FileBytes)) throw new BadInputError(`cannot read ${path}: ${file.cause}`);
    this.#file = file;
    this.metadata = this.#guarded(() => this.#footer());
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

  /** Calls `body`; an error that it throws is of the file. */
  #guarded<T>(body: () => T): T {
    try {
      return body();
    } catch (error) {
      throw this.#damage(error);
    }
  }

  #damage(error: unknown): UserError {
    if (error instanceof UserError) return error;
    const cause = error instanceof Error ? error.message : String(error);
    return new BadInputError(
      `cannot read ${this.#file.name}: it is no data file of a dataset, or damaged: ${cause}`,
    );
  }

  #footer(): FileMetaData {
    const tail = this.#file.read(this.#file.size - TAIL, TAIL), view = new DataView(tail.buffer);
    if (tail.length < TAIL || view.getUint32(4, true) !== MAGIC) throw new Error("it does not end in PAR1");
    const length = view.getUint32(0, true) + TAIL;
    if (length > Math.min(this.#file.size, MAX_PAGE)) throw new Error(`its footer has ${length} bytes`);
    return parquetMetadata(
      this.#file.read(this.#file.size - length, length),
      {
        parsers: { timestampFromMicroseconds: (micros: bigint) => micros },
      } as Parameters<typeof parquetMetadata>[1],
    );
  }

  #pages(
    { codec, dictionary_page_offset, data_page_offset, total_compressed_size, num_values }: ColumnMetaData,
  ): DecodedChunk {
    if (codec !== CODEC && codec !== "UNCOMPRESSED") throw new Error(`a column is packed by ${codec}`);
    const start = Number(dictionary_page_offset ?? data_page_offset), length = Number(total_compressed_size);
    if (length > this.#file.size) throw new Error(`a column has ${length} bytes`);
    const bytes = this.#file.read(start, length);
    const reader = { view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), offset: 0 };
    const chunk: DecodedChunk = { pages: [] };
    for (let values = 0; values < Number(num_values);) {
      const header = parquetHeader(reader),
        { dictionary_page_header: dictionary, data_page_header_v2: data } = header;
      const body = bytes.subarray(reader.offset, reader.offset += header.compressed_page_size);
      if (!dictionary && !data) throw new Error(`a column has a page of type ${header.type}`);
      const repetition = data?.repetition_levels_byte_length ?? 0;
      const levels = repetition + (data?.definition_levels_byte_length ?? 0);
      const size = header.uncompressed_page_size - levels;
      if (!(size >= 0 && size <= MAX_PAGE)) throw new Error(`a page has ${size} bytes`);
      const packed = body.subarray(levels), plain = codec === CODEC ? decompress(packed, size) : packed;
      if (plain.length !== size) throw new Error(`a page has ${plain.length} bytes and not ${size}`);
      const page = {
        encoding: (dictionary ?? data!).encoding,
        repetition: body.subarray(0, repetition),
        definition: body.subarray(repetition, levels),
        values: plain,
        count: (dictionary ?? data!).num_values,
        nulls: data?.num_nulls ?? 0,
      };
      if (dictionary) chunk.dictionary = page;
      else {
        chunk.pages.push(page);
        values += page.count;
        if (page.count <= 0) throw new Error("a page has no values");
      }
    }
    return chunk;
  }
}
