/**
 * Open-addressing index from hashes to row numbers. The rows' columns live with the caller, who also compares keys: a
 * lookup allocates nothing, and any tuple of columns can be a key.
 */
export class HashIndex {
  /** Row + 1 in each slot, 0 if it is free. */
  slots: Int32Array<ArrayBuffer>;
  /** `slots.length - 1`. A hash's home slot is `hash & mask`; probing goes on to the next slots. */
  mask: number;
  #used = 0;

  /** @param capacity initial number of slots, a power of two. */
  constructor(capacity = 256) {
    this.slots = new Int32Array(capacity);
    this.mask = capacity - 1;
  }

  /** Puts `row` into the free `slot` that a lookup of `hash` ended at; `hashOfRow` is for growing. */
  insert(slot: number, row: number, hashOfRow: (row: number) => number): void {
    this.slots[slot] = row + 1;
    if (++this.#used * 2 > this.slots.length) this.#grow(hashOfRow);
  }

  #grow(hashOfRow: (row: number) => number) {
    const old = this.slots;
    this.slots = new Int32Array(old.length * 2);
    this.mask = this.slots.length - 1;
    for (const entry of old) {
      if (entry === 0) continue;
      let slot = hashOfRow(entry - 1) & this.mask;
      while (this.slots[slot] !== 0) slot = (slot + 1) & this.mask;
      this.slots[slot] = entry;
    }
  }
}
