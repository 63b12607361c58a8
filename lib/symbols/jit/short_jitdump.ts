/** Makes a short jitdump of a long one: without code, and only with the functions that samples hit. */

import type { ByteSource } from "../../base/bytes/byte_source.ts";
import { ByteWriter } from "../../base/bytes/bytes.ts";
import { firstAtOrAfter } from "../../base/bytes/ascending.ts";
import { Cost } from "../object/limits.ts";
import { eachJitRecord, type JitRecord } from "./jitdump.ts";

/** Bytes of memory of a record that is kept for the second look, besides its bytes. */
const RECORD_BYTES = 200;

/** Code that a record loads or moves: where it is from then on, and where its symbol is in the numbering of readJitDump(). */
export interface PlacedCode {
  address: number;
  size: number;
  at: number;
}

/**
 * Returns the part of a dump that names the code for which `isHit`, wherever that was moved; undefined if there is none.
 * Throws as readJitDump() does.
 */
export function shortJitDump(
  source: ByteSource,
  isHit: (code: PlacedCode) => boolean,
  cost = new Cost(undefined, source.name),
): Uint8Array | undefined {
  const records: JitRecord[] = [];
  const hit = new Set<bigint>(), loaded = new Map<bigint, number>();
  let next = 0;
  const header = eachJitRecord(source, cost, (record) => {
    cost.hold(RECORD_BYTES + record.bytes.length);
    const { address, size, index, isLoad } = record;
    if (isLoad) {
      loaded.set(index, next);
      next += size;
    }
    const at = loaded.get(index);
    if (at !== undefined && isHit({ address, size, at })) hit.add(index);
    records.push({ ...record, bytes: record.bytes.slice() });
  });
  if (hit.size === 0) return undefined;
  const { littleEndian } = header;
  const w = new ByteWriter(1 << 12, littleEndian).raw(header.bytes);
  for (const { type, time, bytes, index } of records) {
    if (!hit.has(index)) continue;
    w.u32(type).u32(16 + bytes.length).u64(time).raw(bytes);
  }
  return w.bytes().slice();
}

/** Returns whether some of ascending numbers are from `start` on, and within `size`. */
export function anyWithin(numbers: Float64Array, start: number, size: number): boolean {
  return firstAtOrAfter(numbers, start) < firstAtOrAfter(numbers, start + size);
}
