/**
 * Remembers which rule an address in an object has, for the addresses that were asked for last. A hash leads
 * to a group of four places; whoever comes later takes the first of them, the others move back, and the last
 * is forgotten. A miss costs some microseconds: with single places, two busy addresses that share one would
 * cost as much as all others together.
 */

/**
 * Places: 16 bytes each, so that a group is a line of the CPU's cache. Return addresses of a program that is sampled
 * are some thousands, of a compiler some ten thousand.
 */
const PLACES = 1 << 15, GROUP = 4;
/** Integers of a place: the address's low and high half, object, rule. */
const STRIDE = 4;
const TWO_32 = 4294967296;

/** The cache; one serves all objects of a machine. */
export class RuleCache {
  readonly #ints = new Int32Array(PLACES * STRIDE);
  /** Rule that was found last. */
  rule = 0;

  /** Sets `rule` to the rule of an address in an object; false when it is not there. */
  find(object: number, address: number): boolean {
    const ints = this.#ints, low = address | 0, high = (address / TWO_32) | 0;
    const first = firstOf(object, low);
    for (let at = first; at < first + GROUP * STRIDE; at += STRIDE) {
      if (ints[at] === low && ints[at + 2] === object && ints[at + 1] === high) {
        this.rule = ints[at + 3];
        return true;
      }
    }
    return false;
  }

  put(object: number, address: number, rule: number): void {
    const ints = this.#ints, low = address | 0, first = firstOf(object, low);
    for (let at = first + GROUP * STRIDE - 1; at >= first + STRIDE; at--) ints[at] = ints[at - STRIDE];
    ints[first] = low;
    ints[first + 1] = (address / TWO_32) | 0;
    ints[first + 2] = object;
    ints[first + 3] = rule;
  }

  clear(): void {
    this.#ints.fill(0);
  }
}

/**
 * Returns the index of the first place of an address's group. Objects are numbered from 1 on, so that an empty place is
 * nobody's.
 */
function firstOf(object: number, low: number): number {
  const mixed = Math.imul(low ^ Math.imul(object, 0x85ebca6b), 0x9e3779b1);
  return ((mixed >>> 17) & -GROUP) * STRIDE;
}

/** Bytes of code that a place of RowCache stands for, and its number of places. */
const LINE = 64, LINES = 1 << 16;
/** Places that one row takes at most, before and behind the address that it was made for. */
const REACH = 8;

/**
 * Remembers rows by the code that they cover. Return addresses recur, but a sample may have interrupted a function at any
 * of its instructions: most of those are covered by rows that other samples needed.
 */
export class RowCache {
  readonly #objects = new Int32Array(LINES);
  readonly #rules = new Int32Array(LINES);
  readonly #starts = new Float64Array(LINES);
  readonly #ends = new Float64Array(LINES);
  /** Rule that was found last. */
  rule = 0;

  /** Sets `rule` to the rule of an address in an object; false when no row that covers it is there. */
  find(object: number, address: number): boolean {
    const at = lineOf(object, Math.floor(address / LINE));
    if (this.#objects[at] !== object || !(address >= this.#starts[at] && address < this.#ends[at])) {
      return false;
    }
    this.rule = this.#rules[at];
    return true;
  }

  /** Adds the rule of the row that covers [start, end), and `address` among them. */
  put(object: number, address: number, start: number, end: number, rule: number): void {
    const line = Math.floor(address / LINE);
    const first = Math.max(Math.floor(start / LINE), line - REACH);
    const last = Math.min(Math.floor((end - 1) / LINE), line + REACH);
    for (let each = first; each <= last; each++) {
      const at = lineOf(object, each);
      this.#objects[at] = object;
      this.#starts[at] = start;
      this.#ends[at] = end;
      this.#rules[at] = rule;
    }
  }

  clear(): void {
    this.#objects.fill(0);
  }
}

function lineOf(object: number, line: number): number {
  return (Math.imul((line | 0) ^ Math.imul(object, 0x85ebca6b), 0x9e3779b1) >>> 16) & (LINES - 1);
}
