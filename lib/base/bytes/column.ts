/** Growable typed-array columns, which the profile's tables consist of. */

type Numbers = Int32Array<ArrayBuffer> | Uint32Array<ArrayBuffer> | Float64Array<ArrayBuffer>;

/** Growable column: rows 0 to length - 1 of `data` are in use. Growing replaces `data`, so do not keep it. */
export class TypedColumn<T extends Numbers> {
  data: T;
  length = 0;
  readonly #make: (capacity: number) => T;

  constructor(make: (capacity: number) => T, capacity = 64) {
    this.#make = make;
    this.data = make(capacity);
  }

  /** Appends a value and returns its row. */
  push(value: number): number {
    const row = this.length;
    if (row === this.data.length) {
      const grown = this.#make(row * 2);
      grown.set(this.data);
      this.data = grown;
    }
    this.data[row] = value;
    this.length = row + 1;
    return row;
  }

  /** Returns the rows in use, as a view. */
  values(): T {
    return this.data.subarray(0, this.length) as T;
  }
}

/** Column of 32-bit signed integers: ids, with -1 for none. */
export const int32Column = (capacity?: number) => new TypedColumn((n) => new Int32Array(n), capacity);

/** Column of 32-bit unsigned integers: offsets. */
export const uint32Column = (capacity?: number) => new TypedColumn((n) => new Uint32Array(n), capacity);

/** Column of doubles: addresses, counts, times. */
export const float64Column = (capacity?: number) => new TypedColumn((n) => new Float64Array(n), capacity);
