/**
 * Hashes of what a file chooses: addresses, ids of threads, stacks. They go by a number that differs from process to
 * process, so that nobody can write a file whose keys all have one hash, which would make every look-up a search
 * through all of them (V8's own Map has no such number for its integer keys).
 */

/** Unknown to whoever wrote the file. Math.random() starts from the system's entropy; nothing that is printed depends on it. */
const SEED = Math.floor(Math.random() * 4294967296) | 0;

/** Mixes two 32-bit words into a hash whose low bits depend on all of both. */
export function mix(a: number, b: number): number {
  let h = Math.imul(a ^ SEED, 0x85ebca6b);
  h = Math.imul((h ^ (h >>> 15)) + b | 0, 0xc2b2ae35);
  h = Math.imul(h ^ (h >>> 13), 0x9e3779b1);
  return h ^ (h >>> 16);
}

/** A double that holds an integer, as a 32-bit hash input. */
export function fold(value: number): number {
  const high = (value / 4294967296) | 0;
  return high === 0 ? value | 0 : mix(value | 0, high);
}
