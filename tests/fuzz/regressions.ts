/** Inputs that once failed, made small, or made by what made them: each is taken again in every test. */

/** An input that failed. */
export interface Regression {
  target: string;
  /** What is wrong with it, in a few words. */
  what: string;
  bytes(): Uint8Array;
}

const text = (text: string) => () => new TextEncoder().encode(text);

export const REGRESSIONS: readonly Regression[] = [
  { target: "proc-text", what: "an address with letters in it", bytes: text("0xf//an81000000 T _text\n") },
  { target: "proc-text", what: "a set of capabilities that is no number", bytes: text("CapEff:\t00:\t01\n") },
  { target: "cpu-list", what: "a range of all numbers", bytes: text("0-18446744073709551615") },
  { target: "stored-profile", what: "a number that is none", bytes: text('{"bigint":"NaN"}') },
];
