/**
 * Place of a bundle of names in a recording: the end of the VERSION section, where perf does not look. In a file one
 * section holds all of it; in a pipe, whose records are small, several VERSION features hold a part each.
 *
 *     string version; string ledger;      what features.ts reads; `ledger` may be empty
 *     char magic[8]; u32 total, at, length; u8 bytes[length];
 *
 * `total` is the size of the bundle, and `at` the position of the part in it. lib/symbols/bundle has what is inside.
 */

import { ByteReader, type ByteWriter, concat } from "../../base/bytes/bytes.ts";
import { BadInputError } from "../../base/system/errors.ts";

const MAGIC = new TextEncoder().encode("pmuNAME1");
/** Size in bytes of a part before its own bytes. */
const PART_HEADER = 20;
/** Most bytes of a bundle: what all features of a file together may have is 32 MiB. */
export const MAX_NAMES_BYTES = 24 << 20;

/** Returns whether a recording can carry a bundle; false for one that was too large to be made. */
export function fitsInRecording(bundle: Uint8Array | undefined): bundle is Uint8Array {
  return bundle !== undefined && bundle.length <= MAX_NAMES_BYTES;
}

/** Part of an encoded bundle. */
export interface NamesPart {
  /** Size in bytes of the whole bundle. */
  total: number;
  /** Position of the part in it. */
  at: number;
  bytes: Uint8Array;
}

/** Splits an encoded bundle into parts of at most `most` bytes. */
export function namesParts(bundle: Uint8Array, most = Infinity): NamesPart[] {
  const parts: NamesPart[] = [];
  for (let at = 0; at < bundle.length; at += most) {
    parts.push({ total: bundle.length, at, bytes: bundle.subarray(at, at + most) });
  }
  return parts;
}

/** Writes a part, which has to follow the two strings of the section. */
export function encodeNamesPart(w: ByteWriter, { total, at, bytes }: NamesPart): void {
  w.raw(MAGIC).u32(total).u32(at).u32(bytes.length).raw(bytes);
}

/** Returns where the names begin in the payload of a VERSION section: its length if it has none. */
export function namesOffset(payload: Uint8Array, littleEndian: boolean): number {
  const r = new ByteReader(payload, littleEndian);
  try {
    r.take(r.u32());
    r.take(r.u32());
  } catch (error) {
    if (!(error instanceof BadInputError)) throw error;
    return payload.length;
  }
  const isPart = r.left >= PART_HEADER && MAGIC.every((byte, i) => payload[r.pos + i] === byte);
  return isPart ? r.pos : payload.length;
}

/** Joins the parts of a bundle, which have to come in order. Holds no more than came. The first whole one counts. */
export class JoinedNamesParts {
  #parts: Uint8Array[] = [];
  #total = 0;
  #got = 0;

  /** Takes the payload of a VERSION section, which may have a part. */
  take(payload: Uint8Array, littleEndian: boolean): void {
    const offset = namesOffset(payload, littleEndian);
    if (offset === payload.length || this.#isWhole) return;
    const r = new ByteReader(payload.subarray(offset + MAGIC.length), littleEndian);
    const total = r.u32(), at = r.u32(), length = r.u32();
    if (at === 0) {
      this.#parts = [];
      this.#total = total;
      this.#got = 0;
    }
    if (at !== this.#got || total !== this.#total || length > r.left || at + length > total) return;
    if (length === 0 || total > MAX_NAMES_BYTES) return;
    this.#parts.push(r.slice(length));
    this.#got += length;
  }

  get #isWhole(): boolean {
    return this.#parts.length > 0 && this.#got === this.#total;
  }

  /** The bundle, once all its parts have come. */
  get whole(): Uint8Array | undefined {
    return this.#isWhole ? concat(this.#parts) : undefined;
  }
}
