/** Data file of a table, written from front to back, a row group at a time. */

import type { ColumnChunk, DecodedArray } from "hyparquet";
import { ByteWriter } from "hyparquet-writer/src/bytewriter.js";
import { ParquetWriter } from "hyparquet-writer/src/parquet-writer.js";
import { VERSION } from "../../base/system/version.ts";
import { CODEC, COMPRESSORS } from "../layout/codec.ts";
import type { ContentIds } from "../layout/content_ids.ts";
import { LAYOUT_VERSION, type TableName } from "../layout/partitions.ts";
import { schemaOf } from "../layout/schema.ts";
import {
  type IdLists,
  writeDeltaColumn,
  writeDictionaryColumn,
  writeIdColumn,
  writeIdListColumn,
} from "./column_chunk.ts";
import type { Dictionary } from "./dictionaries.ts";

/** Writer of a file that hands over its bytes whenever a row group is complete. */
class FileWriter extends ByteWriter {
  readonly #write: (bytes: Uint8Array) => void;

  constructor(write: (bytes: Uint8Array) => void) {
    super();
    this.#write = write;
  }

  flush(): void {
    this.#write(this.getBytes());
    this.index = 0;
  }

  override finish(): void {
    this.flush();
  }
}

/** Writer of a table's file. Columns are given in the order of the schema, those of a row group between two calls of endGroup(). */
export class TableFile {
  readonly #parquet: ParquetWriter;
  readonly #writer: FileWriter;
  readonly #optional: ReadonlyMap<string, boolean>;
  #chunks: ColumnChunk[] = [];
  #groupStart: number;

  /** @param write takes the bytes of the file, in pieces that are valid only until it returns. */
  constructor(table: TableName, write: (bytes: Uint8Array) => void) {
    const schema = schemaOf(table);
    this.#writer = new FileWriter(write);
    this.#optional = new Map(
      schema.map(({ name, repetition_type }) => [name, repetition_type === "OPTIONAL"]),
    );
    this.#parquet = new ParquetWriter({
      writer: this.#writer,
      schema,
      codec: CODEC,
      compressors: COMPRESSORS,
      kvMetadata: [{ key: "pmuctl.dataset", value: String(LAYOUT_VERSION) }],
      createdBy: `pmuctl version ${VERSION}`,
    });
    this.#groupStart = this.#writer.offset;
  }

  /** Adds a column whose rows are numbers of values in a dictionary; -1 is null. */
  numbers(name: string, dictionary: Dictionary, rows: Int32Array): void {
    this.#chunks.push(writeDictionaryColumn(this.#writer, this.#column(name), dictionary, rows));
  }

  /** Adds a column of whole numbers that differ little from one to the next; NaN is null. */
  deltas(name: string, numbers: Float64Array): void {
    this.#chunks.push(writeDeltaColumn(this.#writer, this.#column(name), numbers));
  }

  /** Adds a column of ids. */
  ids(name: string, ids: ContentIds, rows: Int32Array): void {
    this.#chunks.push(writeIdColumn(this.#writer, name, ids, rows));
  }

  /** Adds a column of lists of ids. */
  idLists(name: string, ids: ContentIds, lists: IdLists): void {
    this.#chunks.push(writeIdListColumn(this.#writer, name, ids, lists));
  }

  /** Ends a row group of so many rows, after all its columns. */
  endGroup(rows: number): void {
    const sum = this.#chunks.reduce((sum, { meta_data }) => sum + meta_data!.total_uncompressed_size, 0n);
    this.#parquet.row_groups.push({
      columns: this.#chunks,
      total_byte_size: sum,
      num_rows: BigInt(rows),
      total_compressed_size: BigInt(this.#writer.offset - this.#groupStart),
    });
    this.#parquet.num_rows += BigInt(rows);
    this.#chunks = [];
    this.#writer.flush();
    this.#groupStart = this.#writer.offset;
  }

  /** Adds rows whose columns are lists of values, for tables that are small. Typed arrays are ids, and plain. */
  values(columns: Record<string, DecodedArray>): void {
    const columnData = Object.entries(columns).map(([name, data]) => ({
      name,
      data,
      encoding: data instanceof BigInt64Array ? "PLAIN" as const : undefined,
    }));
    this.#parquet.write({ columnData, rowGroupSize: GROUP_VALUES });
    this.#groupStart = this.#writer.offset;
  }

  /** Completes the file. */
  finish(): void {
    this.#parquet.finish();
  }

  #column(name: string) {
    return { name, optional: this.#optional.get(name)! };
  }
}

/** Rows of a row group that values() writes: if all texts are of the longest, a column has 64 MiB. */
const GROUP_VALUES = 1 << 13;
