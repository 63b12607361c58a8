/**
 * Bytes of a kept table: columns of numbers and a list of strings, in the form in which they are used, so that reading
 * is checking.
 *
 *     8 bytes    MAGIC, with the version of the format
 *     u32        checksum of all that follows
 *     u32        kind of the table; number of its columns, of its strings; bytes of its stamp, of the strings
 *     u32        number of values of each column
 *     u32        values of each column, then the end of each string
 *     bytes      stamp, strings; zeros up to a multiple of 4
 *
 * Numbers are little-endian, like those of all machines that pmuctl runs on.
 */

import { fnv1a } from "../../base/bytes/hash.ts";

const MAGIC = "pmuctlt1";
/** Words before the numbers of values: the magic, the checksum, and five more. */
const HEAD = 8;
/** Word from which on the checksum counts. */
const CHECKED = 3;
/** Longest string in bytes. */
const MAX_TEXT = 1 << 16;
/** Most columns of a table. */
const MAX_COLUMNS = 16;

/** Kinds of kept tables. */
export const KEPT = { FUNCTIONS: 1, LINES: 2 } as const;
/** Kind of a kept table. */
export type KeptKind = typeof KEPT[keyof typeof KEPT];

/** Contents of a kept table. */
export interface KeptColumns {
  kind: KeptKind;
  /** Text that says what the table was made of; see keptStamp(). */
  stamp: string;
  columns: readonly Uint32Array[];
  strings: readonly string[];
}

/** Number of strings that are decoded one by one before all are at once. */
const FEW = 64;

/** Strings of a kept table, decoded when they are asked for. */
export class KeptStrings {
  readonly length: number;
  readonly #ends: Uint32Array;
  readonly #bytes: Uint8Array;
  readonly #texts: (string | undefined)[] = [];
  #asked = 0;
  /** All strings, if each byte is a character. */
  #all: string | undefined;

  constructor(ends: Uint32Array, bytes: Uint8Array) {
    this.length = ends.length;
    this.#ends = ends;
    this.#bytes = bytes;
  }

  /** Returns a string; "" if there is none with that number. */
  text(i: number): string {
    return this.#texts[i] ?? (i < this.length ? this.#texts[i] = this.#decode(i) : "");
  }

  #decode(i: number): string {
    const start = i === 0 ? 0 : this.#ends[i - 1], end = this.#ends[i];
    if (++this.#asked === FEW) {
      const all = decoder.decode(this.#bytes);
      if (all.length === this.#bytes.length) this.#all = all;
    }
    return this.#all?.substring(start, Math.max(start, end)) ??
      decoder.decode(this.#bytes.subarray(start, end));
  }
}

const encoder = new TextEncoder(), decoder = new TextDecoder();

/** Encodes a table. */
export function encodeKept({ kind, stamp, columns, strings }: KeptColumns): Uint8Array<ArrayBuffer> {
  const ends = new Uint32Array(strings.length), stampBytes = encoder.encode(stamp);
  const joined = joinStrings(strings, ends);
  const words = HEAD + columns.length + columns.reduce((sum, { length }) => sum + length, 0) + ends.length;
  const bytes = new Uint8Array(4 * (words + Math.ceil((stampBytes.length + joined.length) / 4)));
  const all = new Uint32Array(bytes.buffer);
  bytes.set(encoder.encode(MAGIC));
  all.set([kind, columns.length, strings.length, stampBytes.length, joined.length], CHECKED);
  let at = HEAD;
  for (const { length } of columns) all[at++] = length;
  for (const column of [...columns, ends]) {
    all.set(column, at);
    at += column.length;
  }
  bytes.set(stampBytes, 4 * at);
  bytes.set(joined, 4 * at + stampBytes.length);
  all[CHECKED - 1] = fnv1a(all, CHECKED);
  return bytes;
}

/** Returns all strings as UTF-8, one behind the other, and fills in the end of each. Cuts those that are too long. */
function joinStrings(strings: readonly string[], ends: Uint32Array): Uint8Array {
  let length = 0, longest = 0;
  for (const [i, text] of strings.entries()) {
    ends[i] = length += text.length;
    longest = Math.max(longest, text.length);
  }
  if (longest <= MAX_TEXT) {
    const joined = encoder.encode(strings.join(""));
    if (joined.length === length) return joined; // each character is a byte, as mostly
  }
  const bytes = new Uint8Array(strings.reduce((sum, text) => sum + Math.min(MAX_TEXT, 3 * text.length), 0));
  let at = 0;
  for (const [i, text] of strings.entries()) {
    at += encoder.encodeInto(text, bytes.subarray(at, at + MAX_TEXT)).written;
    ends[i] = at;
  }
  return bytes.subarray(0, at);
}

/**
 * Decodes a table of a kind with so many columns, as views of `bytes`. Returns undefined if it is damaged, of another
 * version or kind, or has another stamp. Its values are as whoever wrote it chose them.
 * @param stamp any if undefined.
 */
export function decodeKept(
  bytes: Uint8Array<ArrayBuffer>,
  { kind, columns: count, stamp }: { kind: KeptKind; columns: number; stamp: string | undefined },
): { columns: Uint32Array[]; strings: KeptStrings } | undefined {
  if (bytes.length < 4 * HEAD || bytes.length % 4 !== 0 || bytes.byteOffset % 4 !== 0) return undefined;
  if (decoder.decode(bytes.subarray(0, MAGIC.length)) !== MAGIC) return undefined;
  const all = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
  const [ownKind, ownCount, strings, stampLength, textLength] = all.subarray(CHECKED);
  if (ownKind !== kind || ownCount !== count || count > MAX_COLUMNS) return undefined;
  const lengths = [...all.subarray(HEAD, HEAD + count), strings];
  const words = lengths.reduce((sum, length) => sum + length, HEAD + count);
  if (lengths.length !== count + 1 || words + Math.ceil((stampLength + textLength) / 4) !== all.length) {
    return undefined;
  }
  const texts = bytes.subarray(4 * words, 4 * words + stampLength + textLength);
  if (stamp !== undefined && decoder.decode(texts.subarray(0, stampLength)) !== stamp) return undefined;
  if (fnv1a(all, CHECKED) !== all[CHECKED - 1]) return undefined;
  let at = HEAD + count;
  const columns = lengths.map((length) => all.subarray(at, at += length)), ends = columns.pop()!;
  return { columns, strings: new KeptStrings(ends, texts.subarray(stampLength)) };
}

/** Returns the number of a line; 0, unknown, for one that no source file has. */
export function lineOf(value: number): number {
  return value < 2 ** 31 ? value : 0;
}
