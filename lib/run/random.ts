/** Random numbers that repeat for the same seed, so that the same samples give the same interval. */

/**
 * Returns a generator of numbers in [0, 1), in steps of 2^-32: splitmix32 (public domain, after Steele, Lea and Flood
 * 2014).
 */
export function seededRandom(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x9e3779b9) | 0;
    let z = state;
    z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    return ((z ^ (z >>> 15)) >>> 0) / 2 ** 32;
  };
}
