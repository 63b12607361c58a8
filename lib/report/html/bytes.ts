/**
 * Bytes that carry a page's tables: columns of whole numbers as varints of seven bits a byte, low ones first, with the
 * sign in the lowest bit. The report writes them, the browser reads them.
 */

/**
 * Coding of a column: whole numbers that fit into 32 bits; the same as differences, which are small where a column is sorted;
 * or any whole numbers from -2^52 to 2^52.
 */
export type ColumnCoding = "ints" | "differences" | "doubles";

/** Tables of columns by name, and columns by themselves, in the order of their bytes: writer and reader go by the same one. */
export type ColumnLayout = Readonly<Record<string, ColumnCoding | Readonly<Record<string, ColumnCoding>>>>;

/** Column of a coding. */
type ColumnOf<C> = C extends "doubles" ? Float64Array : Int32Array;

/** Columns of a layout. */
export type ColumnsOf<L extends ColumnLayout> = {
  -readonly [T in keyof L]: L[T] extends ColumnCoding ? ColumnOf<L[T]>
    : { -readonly [C in keyof L[T]]: ColumnOf<L[T][C]> };
};

/** Encodes columns as bytes that compress well, behind what is small enough to be JSON. */
export function encodeColumns<L extends ColumnLayout>(
  texts: unknown,
  columns: ColumnsOf<L>,
  layout: L,
): Uint8Array<ArrayBuffer> {
  const out = new ColumnWriter();
  out.text(JSON.stringify(texts));
  for (const [name, table] of Object.entries(layout)) {
    const column: unknown = columns[name];
    if (typeof table === "string") out.column(column as ArrayLike<number>, table === "differences");
    else {
      for (const [name, coding] of Object.entries(table)) {
        out.column((column as Record<string, ArrayLike<number>>)[name], coding === "differences");
      }
    }
  }
  return out.bytes();
}

/** Decodes what encodeColumns() made of such texts by the same layout. */
export function decodeColumns<T, L extends ColumnLayout>(bytes: Uint8Array, layout: L): T & ColumnsOf<L> {
  const from = new ColumnReader(bytes);
  const texts = JSON.parse(from.text()) as T;
  const read = (coding: ColumnCoding) =>
    coding === "doubles" ? from.doubles() : from.ints(coding === "differences");
  const readAll = (table: Readonly<Record<string, ColumnCoding>>) =>
    Object.fromEntries(Object.entries(table).map(([name, coding]) => [name, read(coding)]));
  const columns = Object.entries(layout).map(([name, table]) => {
    return [name, typeof table === "string" ? read(table) : readAll(table)];
  });
  return { ...texts, ...Object.fromEntries(columns) };
}

/** Writes columns and texts one behind the other. */
export class ColumnWriter {
  #bytes = new Uint8Array(1 << 16);
  #length = 0;

  /** Returns what has been written so far. */
  bytes(): Uint8Array<ArrayBuffer> {
    return this.#bytes.slice(0, this.#length);
  }

  /** Writes whole numbers from -2^52 to 2^52; with `delta` as differences, which are small where a column is sorted. */
  column(values: ArrayLike<number>, delta = false): void {
    this.#number(values.length);
    let before = 0;
    for (let i = 0; i < values.length; i++) {
      const value = values[i];
      this.#number(delta ? value - before : value);
      before = value;
    }
  }

  /** Writes a text. */
  text(text: string): void {
    const encoded = new TextEncoder().encode(text);
    this.#number(encoded.length);
    this.#reserve(encoded.length);
    this.#bytes.set(encoded, this.#length);
    this.#length += encoded.length;
  }

  #number(value: number): void {
    this.#reserve(10);
    const bytes = this.#bytes;
    // arithmetic is exact here, where bit operations would end at 2^31
    let rest = value < 0 ? -value * 2 - 1 : value * 2;
    while (rest >= 0x80) {
      bytes[this.#length++] = 0x80 | (rest % 0x80);
      rest = Math.floor(rest / 0x80);
    }
    bytes[this.#length++] = rest;
  }

  #reserve(more: number): void {
    if (this.#length + more <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length + more));
    grown.set(this.#bytes);
    this.#bytes = grown;
  }
}

/** Reads what ColumnWriter wrote, in the same order. */
export class ColumnReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** Reads a column of numbers that fit into 32 bits. */
  ints(delta = false): Int32Array<ArrayBuffer> {
    return this.#into(new Int32Array(this.#number()), delta);
  }

  /** Reads a column of any whole numbers. */
  doubles(): Float64Array<ArrayBuffer> {
    return this.#into(new Float64Array(this.#number()), false);
  }

  /** Reads a text. */
  text(): string {
    const length = this.#number();
    this.#at += length;
    return new TextDecoder().decode(this.#bytes.subarray(this.#at - length, this.#at));
  }

  #into<T extends Int32Array | Float64Array>(column: T, delta: boolean): T {
    let before = 0;
    for (let i = 0; i < column.length; i++) {
      const value = this.#number();
      column[i] = delta ? before + value : value;
      before = column[i];
    }
    return column;
  }

  #number(): number {
    const bytes = this.#bytes;
    let value = 0, scale = 1, byte;
    do {
      byte = bytes[this.#at++];
      value += (byte & 0x7f) * scale;
      scale *= 0x80;
    } while (byte >= 0x80);
    const half = Math.floor(value / 2);
    return value % 2 === 1 ? -half - 1 : half;
  }
}
