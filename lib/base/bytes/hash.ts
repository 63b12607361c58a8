/**
 * Hashes of values that an input file chooses: addresses, thread ids, stacks. A seed that differs per process keeps
 * anyone from writing a file whose keys all collide, which would turn every lookup into a linear search (V8's own Map
 * has no seed for integer keys).
 */

/**
 * Returns the 32-bit FNV-1a hash (Fowler, Noll, Vo) of the units [from, length), without a sign. It has no seed: for what is
 * stored, and for no table whose keys an input chooses.
 */
export function fnv1a(units: Uint8Array | Uint16Array | Uint32Array, from = 0): number {
  let hash = 0x811c9dc5;
  for (let i = from; i < units.length; i++) hash = Math.imul(hash ^ units[i], 0x01000193);
  return hash >>> 0;
}

/** Per-process hash seed. Math.random() is seeded from the system's entropy; no output depends on it. */
const SEED = Math.floor(Math.random() * 4294967296) | 0;

/** Mixes two 32-bit words into a hash whose low bits depend on every bit of both. */
export function mix(a: number, b: number): number {
  let h = Math.imul(a ^ SEED, 0x85ebca6b);
  h = Math.imul((h ^ (h >>> 15)) + b | 0, 0xc2b2ae35);
  h = Math.imul(h ^ (h >>> 13), 0x9e3779b1);
  return h ^ (h >>> 16);
}

/** Folds an integer held in a double into a 32-bit hash input. */
export function fold(value: number): number {
  const high = (value / 4294967296) | 0;
  return high === 0 ? value | 0 : mix(value | 0, high);
}
