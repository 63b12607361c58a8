/** Values of a tracepoint's data. */

import type { TracepointField } from "./format.ts";

/** Value of an expression: a number of 64 bits, text, or bytes. */
export type Value = bigint | string | Uint8Array;

/** Data of one sample. */
export interface TracepointData {
  bytes: Uint8Array;
  view: DataView;
}

/** Data of no sample, for expressions that need none. */
export const NO_DATA: TracepointData = { bytes: new Uint8Array(0), view: new DataView(new ArrayBuffer(0)) };

/** Returns a value as a number: that of text is 0. */
export function numberOf(value: Value): bigint {
  return typeof value === "bigint" ? value : 0n;
}

/** Returns whether C takes a value for true. */
export function isTrue(value: Value): boolean {
  return typeof value === "bigint" ? value !== 0n : value.length > 0;
}

/** Returns a value as bytes: there are none unless it is bytes. */
export function bytesOf(value: Value): Uint8Array {
  return value instanceof Uint8Array ? value : NO_DATA.bytes;
}

/** Returns a field's value: the number or text itself, or the bytes of an array. */
export function fieldValue(field: TracepointField, data: TracepointData): Value {
  const { offset, size, kind } = field;
  if (kind === "number" || kind === "dynamic" || kind === "relative") {
    return numberAt(data.view, offset, size, field.signed);
  }
  const bytes = data.bytes.subarray(offset, offset + size);
  return kind === "text" ? textOf(bytes) : bytes;
}

/** Returns the number at an index of an array; 0 outside of it. */
export function valueElement(
  { offset, size, elementSize, signed }: TracepointField,
  { view }: TracepointData,
  index: number,
): bigint {
  const at = index * elementSize;
  return at >= 0 && at + elementSize <= size ? numberAt(view, offset + at, elementSize, signed) : 0n;
}

/** Returns the number of 1, 2, 4 or 8 bytes; 0 for other sizes, and outside the data. */
function numberAt(view: DataView, offset: number, size: number, signed: boolean): bigint {
  if (offset + size > view.byteLength) return 0n;
  const value = unsignedAt(view, offset, size);
  return signed ? BigInt.asIntN(8 * size, value) : value;
}

/** Returns the unsigned number of 1, 2, 4 or 8 bytes; 0 for other sizes. */
export function unsignedAt(view: DataView, offset: number, size: number): bigint {
  switch (size) {
    case 1:
      return BigInt(view.getUint8(offset));
    case 2:
      return BigInt(view.getUint16(offset, true));
    case 4:
      return BigInt(view.getUint32(offset, true));
    case 8:
      return view.getBigUint64(offset, true);
  }
  return 0n;
}

/** Returns the data that a dynamic field refers to; empty where that is outside. */
export function dynamicBytes(
  { offset, size, kind }: TracepointField,
  { bytes, view }: TracepointData,
): Uint8Array {
  if (offset + 4 > bytes.length) return NO_DATA.bytes;
  const place = view.getUint32(offset, true);
  const from = (place & 0xffff) + (kind === "relative" ? offset + size : 0);
  return bytes.subarray(from, from + (place >>> 16));
}

const decoder = new TextDecoder();

/** Returns the text up to a NUL. */
export function textOf(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return decoder.decode(end < 0 ? bytes : bytes.subarray(0, end));
}
