/**
 * Blocks that a bundle of names consists of, and the columns in them. All numbers are little-endian.
 *
 *     block:    u32 type, size; u8 payload[size];
 *     column:   u32 count; then `count` doubles, or u32s, or i32s
 *     strings:  u32 count; u32 ends[count]; u8 text[];      each ends where the next one begins
 *     table:    its columns one behind the other, all of one length, in the order of its layout
 */

import { ByteReader, ByteWriter } from "../../base/bytes/bytes.ts";
import { BadInputError } from "../../base/system/errors.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/**
 * Column of a table: whole numbers from the first one given up to, but not including, the second; any numbers; texts; or
 * pieces of bytes.
 */
export type BlockColumn = readonly [least: number, limit: number] | "doubles" | "strings" | "pieces";

/** Columns of a table by name, in the order of their bytes: writer and reader go by the same one. */
export type BlockLayout = Readonly<Record<string, BlockColumn>>;

/** Columns to write by a layout. */
export type ColumnsToWrite<L extends BlockLayout> = {
  readonly [C in keyof L]: L[C] extends "doubles" ? Float64Array
    : L[C] extends "strings" ? readonly string[]
    : L[C] extends "pieces" ? readonly Uint8Array[]
    : Int32Array;
};

/** Columns read by a layout. */
export type ColumnsRead<L extends BlockLayout> = {
  readonly [C in keyof L]: L[C] extends "doubles" ? Float64Array
    : L[C] extends "strings" | "pieces" ? BlockStrings
    : Int32Array;
};

/** Writer of one block's payload. */
export class BlockWriter {
  readonly #w = new ByteWriter(1 << 10);

  /** Writes the columns of a table. */
  table<L extends BlockLayout>(layout: L, columns: ColumnsToWrite<L>): this {
    for (const [name, kind] of Object.entries(layout)) {
      const column: unknown = columns[name];
      if (kind === "strings") this.#pieces((column as string[]).map((text) => encoder.encode(text)));
      else if (kind === "pieces") this.#pieces(column as Uint8Array[]);
      else this.#numbers(column as Float64Array | Int32Array);
    }
    return this;
  }

  #numbers(values: Float64Array | Int32Array): void {
    this.#w.u32(values.length).raw(bytesOf(values));
  }

  #pieces(all: readonly Uint8Array[]): void {
    this.#w.u32(all.length);
    let end = 0;
    for (const { length } of all) this.#w.u32(end += length);
    for (const bytes of all) this.#w.raw(bytes);
  }

  /** Returns what was written. */
  payload(): Uint8Array<ArrayBuffer> {
    return this.#w.bytes();
  }

  /** Returns the block, with its header. */
  block(type: number): Uint8Array<ArrayBuffer> {
    return encodeBlock(type, this.#w.bytes());
  }
}

/** Encodes a block of any bytes. */
export function encodeBlock(type: number, payload: Uint8Array): Uint8Array<ArrayBuffer> {
  return new ByteWriter(8 + payload.length).u32(type).u32(payload.length).raw(payload).bytes();
}

/** Texts in a block, each decoded when asked for. */
export class BlockStrings {
  readonly #ends: Int32Array;
  readonly #bytes: Uint8Array;

  constructor(ends: Int32Array, bytes: Uint8Array) {
    this.#ends = ends;
    this.#bytes = bytes;
  }

  get length(): number {
    return this.#ends.length;
  }

  text(i: number): string {
    return decoder.decode(this.bytes(i));
  }

  /** Returns the bytes of a text. */
  bytes(i: number): Uint8Array {
    return this.#bytes.subarray(i > 0 ? this.#ends[i - 1] : 0, this.#ends[i]);
  }
}

/** Reader of one block's payload. Every method throws BadInputError where the block ends early. */
export class BlockReader {
  readonly #r: ByteReader;

  constructor(payload: Uint8Array) {
    this.#r = new ByteReader(payload, true, "a bundle of names");
  }

  /** Reads what BlockWriter.table() wrote by the same layout. */
  table<L extends BlockLayout>(layout: L): ColumnsRead<L> {
    const columns = Object.entries(layout).map(([name, kind]) => [name, this.#read(kind)] as const);
    if (columns.some(([, { length }]) => length !== columns[0][1].length)) throw damaged();
    return Object.fromEntries(columns) as unknown as ColumnsRead<L>;
  }

  #read(kind: BlockColumn): Float64Array | Int32Array | BlockStrings {
    if (kind === "doubles") return new Float64Array(this.#column(8));
    if (kind === "strings" || kind === "pieces") return this.#strings();
    const [least, limit] = kind, values = new Int32Array(this.#column(4));
    for (const value of values) if (!(value >= least && value < limit)) throw damaged();
    return values;
  }

  #strings(): BlockStrings {
    const ends = new Int32Array(this.#column(4));
    let last = 0;
    for (const end of ends) {
      if (end < last) throw damaged();
      last = end;
    }
    return new BlockStrings(ends, this.#r.slice(last));
  }

  #column(width: number): ArrayBuffer {
    const count = this.#r.u32();
    return this.#r.slice(width * count).slice().buffer as ArrayBuffer; // a copy, because columns have to be aligned
  }
}

/** Reads the blocks of a bundle in order. Throws BadInputError where it ends early. */
export function* blocksIn(body: Uint8Array): Generator<{ type: number; payload: Uint8Array }> {
  const r = new ByteReader(body, true, "a bundle of names");
  while (r.left > 0) {
    const type = r.u32();
    yield { type, payload: r.slice(r.u32()) };
  }
}

/** Makes the error for a bundle whose numbers cannot be right. */
export function damaged(): BadInputError {
  return new BadInputError("the bundle of names is damaged");
}

function bytesOf({ buffer, byteOffset, byteLength }: Float64Array | Int32Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
