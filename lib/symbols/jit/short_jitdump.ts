/** Makes a short jitdump of a long one: without code, and only with the functions that samples hit. */

import type { ByteSource } from "../../base/bytes/byte_source.ts";
import { ByteWriter, concat } from "../../base/bytes/bytes.ts";
import { firstAtOrAfter } from "../../base/bytes/ascending.ts";
import { Cost } from "../object/limits.ts";
import { eachJitRecord } from "./jitdump.ts";

/** Bytes of memory of code that was loaded, and of a record before its fields. */
const LOADED_BYTES = 100, PREFIX = 16;

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
  const hit = new Set<bigint>(), loaded = new Map<bigint, number>();
  let next = 0;
  eachJitRecord(source, cost, ({ address, size, index, isLoad }) => {
    if (isLoad) {
      cost.hold(LOADED_BYTES);
      loaded.set(index, next);
      next += size;
    }
    const at = loaded.get(index);
    if (at !== undefined && isHit({ address, size, at })) hit.add(index);
  });
  if (hit.size === 0) return undefined;
  const records: Uint8Array[] = [];
  // a second look, rather than to hold what is not hit
  const header = eachJitRecord(source, cost, ({ type, time, bytes, index, littleEndian }) => {
    if (!hit.has(index)) return;
    cost.hold(2 * (PREFIX + bytes.length));
    const w = new ByteWriter(PREFIX + bytes.length, littleEndian);
    records.push(w.u32(type).u32(PREFIX + bytes.length).u64(time).raw(bytes).bytes());
  });
  return concat([header, ...records]);
}

/** Returns whether some of ascending numbers are from `start` on, and within `size`. */
export function anyWithin(numbers: Float64Array, start: number, size: number): boolean {
  return firstAtOrAfter(numbers, start) < firstAtOrAfter(numbers, start + size);
}
