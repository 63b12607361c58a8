/** Random numbers that come again: everything a fuzzing run does follows from its seed and its number. */

/** A generator of its own for each pair of seed and run (splitmix32 over both). */
export class Random {
  #state: number;

  constructor(seed: number, run: number) {
    this.#state = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(run + 1, 0xc2b2ae35);
    this.u32(); // neighbours differ from the second number on
  }

  /** Any 32 bits. */
  u32(): number {
    this.#state = (this.#state + 0x9e3779b9) | 0;
    let z = this.#state;
    z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    return (z ^ (z >>> 15)) >>> 0;
  }

  /** 0 to `n` - 1. */
  below(n: number): number {
    return Math.floor((this.u32() / 2 ** 32) * n);
  }

  /** True once in `n` times. */
  oneIn(n: number): boolean {
    return this.below(n) === 0;
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)];
  }

  /** Small mostly, any size sometimes, and the values around which things break. */
  u64(): bigint {
    switch (this.below(8)) {
      case 0:
        return this.pick(EDGES);
      case 1:
        return (BigInt(this.u32()) << 32n) | BigInt(this.u32());
      case 2:
        return BigInt(this.u32());
      case 3:
        return BigInt.asUintN(64, -BigInt(this.below(5000)));
      default:
        return BigInt(this.below(300));
    }
  }
}

/** Values at the limits of types, of counts and of what doubles hold exactly. */
export const EDGES: readonly bigint[] = [
  0n,
  1n,
  7n,
  8n,
  0x7fn,
  0xffn,
  0x7fffn,
  0xffffn,
  0x7fffffffn,
  0x80000000n,
  0xffffffffn,
  1n << 32n,
  1n << 40n,
  (1n << 53n) - 1n,
  1n << 53n,
  1n << 60n,
  (1n << 63n) - 1n,
  1n << 63n,
  (1n << 64n) - 8n,
  (1n << 64n) - 1n,
];
