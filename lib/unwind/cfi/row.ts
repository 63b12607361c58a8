/**
 * A row of the table that call frame information describes: how to find the frame's end and the caller's
 * registers (DWARF 5, section 6.4.1). One object is set again for each row that is wanted.
 */

/** How the caller's value of a register is found. */
export const RULE = {
  /** Nothing is said: functions leave it as it was. */
  UNSET: 0,
  UNDEFINED: 1,
  SAME: 2,
  /** Saved at the frame's end plus the value. */
  OFFSET: 3,
  /** The frame's end plus the value. */
  VAL_OFFSET: 4,
  /** Kept in the register whose number is the value. */
  REGISTER: 5,
  /** Saved at the address that an expression gives. */
  EXPRESSION: 6,
  /** Computed by an expression. */
  VAL_EXPRESSION: 7,
} as const;

/** Columns that a row has; rules for higher ones (vector registers) are read and dropped. */
export const COLUMNS = 64;
/** The column of the frame's end (the CFA): RULE.REGISTER plus an offset, or RULE.VAL_EXPRESSION. */
export const CFA = COLUMNS;

/** A row. Offsets are in bytes; expressions are places in their section. */
export class Row {
  readonly kinds = new Uint8Array(COLUMNS + 1);
  /** Offsets, numbers of registers, or where an expression begins. */
  readonly values = new Float64Array(COLUMNS + 1);
  /** Bytes of expressions; of the CFA, what to add to its register. */
  readonly extras = new Float64Array(COLUMNS + 1);

  clear(): void {
    this.kinds.fill(RULE.UNSET);
  }

  set(column: number, kind: number, value = 0, extra = 0): void {
    if (!(column >= 0 && column <= CFA)) return;
    this.kinds[column] = kind;
    this.values[column] = value;
    this.extras[column] = extra;
  }

  copy(from: Row): void {
    this.kinds.set(from.kinds);
    this.values.set(from.values);
    this.extras.set(from.extras);
  }

  /** Takes over one column. */
  copyColumn(from: Row, column: number): void {
    if (column >= 0 && column < COLUMNS) {
      this.set(column, from.kinds[column], from.values[column], from.extras[column]);
    }
  }
}
