/** Text in place of a record: another program wrote into the same pipe, or whoever saved its output did. */

import type { RecordWindow } from "./window.ts";

/** Number of bytes that tell text from a record header, whose type would be one that is never assigned. */
const LOOKED_AT = 8;
/** Number of characters that are quoted. */
const QUOTED = 40;

/** Text after the last record. */
export interface TrailingText {
  /** Length in bytes of all the rest of the input. */
  length: number;
  /** First characters of the text. */
  start: string;
  /** True when all of it is text; otherwise it may contain more records, at unknown offsets. */
  whole: boolean;
}

/**
 * Returns whether `bytes`, which begin where a record should, are text. The types of existing records have zeros in
 * three of their four bytes, which text never has.
 */
export function isText(bytes: Uint8Array): boolean {
  return bytes.length > 0 && bytes.subarray(0, LOOKED_AT).every(isTextByte);
}

/** Takes the rest of the input, which begins with text. */
export function takeText(window: RecordWindow): TrailingText {
  const start = new TextDecoder().decode(window.rest.subarray(0, QUOTED)).trim().replace(/\s+/g, " ");
  let length = window.rest.length, whole = window.rest.every(isTextByte);
  const chunk = new Uint8Array(1 << 16);
  for (let n = window.readBehind(chunk); n > 0; n = window.readBehind(chunk)) {
    length += n;
    whole &&= chunk.subarray(0, n).every(isTextByte);
  }
  return { length, start, whole };
}

/**
 * Returns whether a byte may be part of text: of UTF-8, of an escape sequence, or a tab, line feed or carriage
 * return.
 */
function isTextByte(byte: number): boolean {
  return byte >= 0x20 ? byte !== 0x7f : byte === 0x09 || byte === 0x0a || byte === 0x0d || byte === 0x1b;
}
