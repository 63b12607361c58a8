/** Text where a record should begin: a program that wrote into the same pipe, or whoever saved what came out of it. */

import type { RecordWindow } from "./window.ts";

/** Bytes that tell text from a record: the header of one, whose type would be one that nobody will ever use. */
const LOOKED_AT = 8;
/** Letters of it that are quoted. */
const QUOTED = 40;

/** What follows the last record. */
export interface TrailingText {
  /** In bytes; all the rest of the input. */
  length: number;
  /** How it begins. */
  start: string;
  /** All of it is text; otherwise there may be more records in it, and nothing says where. */
  whole: boolean;
}

/**
 * Whether `bytes`, which begin where a record should, are text. The types of records that there are have zeros in three
 * of their four bytes, which text never has.
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

/** Of UTF-8, of what moves a terminal's cursor, and the tab, line end and carriage return of ASCII. */
function isTextByte(byte: number): boolean {
  return byte >= 0x20 ? byte !== 0x7f : byte === 0x09 || byte === 0x0a || byte === 0x0d || byte === 0x1b;
}
