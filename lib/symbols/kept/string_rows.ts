import type { Cost } from "../object/limits.ts";

/** Bytes of memory of a string besides its characters, and of each of these while it is encoded. */
const STRING_BYTES = 80, LETTER_BYTES = 4;

/** Strings of a table that is being built, each once. */
export class StringRows {
  readonly strings: string[] = [];
  readonly #rows = new Map<string, number>();

  readonly #cost: Cost | undefined;

  /** @param cost is charged for what is collected, as held. */
  constructor(cost?: Cost) {
    this.#cost = cost;
  }

  /** Returns the row of a string; adds it if it is new. Throws LimitError. */
  row(text: string): number {
    let row = this.#rows.get(text);
    if (row === undefined) {
      this.#cost?.hold(STRING_BYTES + LETTER_BYTES * text.length);
      this.#rows.set(text, row = this.strings.push(text) - 1);
    }
    return row;
  }
}
