/** Strings of a table that is being built, each once. */
export class StringRows {
  readonly strings: string[] = [];
  readonly #rows = new Map<string, number>();

  /** Returns the row of a string; adds it if it is new. */
  row(text: string): number {
    let row = this.#rows.get(text);
    if (row === undefined) this.#rows.set(text, row = this.strings.push(text) - 1);
    return row;
  }
}
