/**
 * Remembers which rule an address in an object has, for the addresses that were asked for last. A hash leads
 * to a group of four places; whoever comes later takes the first of them, the others move back, and the last
 * is forgotten. A miss costs some microseconds: with single places, two busy addresses that share one would
 * cost as much as all others together.
 */

/**
 * Places: 16 bytes each. Return addresses of a program that is sampled are some thousands, of a compiler some
 * ten thousand.
 */
const PLACES = 1 << 15, GROUP = 4;

/** The cache; one serves all objects of a machine. */
export class RuleCache {
  readonly #objects = new Int32Array(PLACES);
  readonly #addresses = new Float64Array(PLACES);
  readonly #rules = new Int32Array(PLACES);

  /** Returns the place that has the rule of an address in an object; -1 when none has. */
  find(object: number, address: number): number {
    const addresses = this.#addresses, objects = this.#objects, first = groupOf(object, address);
    for (let place = first; place < first + GROUP; place++) {
      if (addresses[place] === address && objects[place] === object) return place;
    }
    return -1;
  }

  /** Returns the rule at a place. */
  at(place: number): number {
    return this.#rules[place];
  }

  put(object: number, address: number, rule: number): void {
    const first = groupOf(object, address);
    for (const column of [this.#objects, this.#addresses, this.#rules]) {
      column.copyWithin(first + 1, first, first + GROUP - 1);
    }
    this.#objects[first] = object;
    this.#addresses[first] = address;
    this.#rules[first] = rule;
  }

  clear(): void {
    this.#objects.fill(0);
  }
}

/**
 * Returns the first place of an address's group. Objects are numbered from 1 on, so that an empty place is
 * nobody's.
 */
function groupOf(object: number, address: number): number {
  const mixed = Math.imul((address | 0) ^ Math.imul(object, 0x85ebca6b), 0x9e3779b1);
  return (mixed >>> 17) & -GROUP;
}
