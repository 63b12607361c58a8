/** What is fuzzed: something that makes inputs, and something that takes them. */

import type { Random } from "./random.ts";

export interface Input {
  bytes: Uint8Array;
  /** Of this many inputs: how it was made, for whoever looks at a failure. */
  made: string;
  /** Takes it. Throws UserError for what it refuses, and any other error for a bug. */
  run(): void | Promise<void>;
}

export interface Subject {
  name: string;
  /** How many of all inputs are its own, as a share of the sum of all weights. */
  weight: number;
  make(random: Random): Input;
}

/** A subject that takes text. */
export function textSubject(
  name: string,
  weight: number,
  make: (random: Random) => string,
  take: (text: string) => void,
): Subject {
  return {
    name,
    weight,
    make(random) {
      const text = make(random);
      return { bytes: new TextEncoder().encode(text), made: "text", run: () => take(text) };
    },
  };
}
