/** What is fuzzed: a function that takes bytes, and what makes bytes for it. */

import { Random } from "./random.ts";

/** An input of a target. */
export interface Input {
  bytes: Uint8Array;
  /** How it was made, for whoever looks at a failure. */
  made: string;
  /** Checks what is known of this input alone, because of how it was made. Throws an Error when that is not so. */
  check?(): void | Promise<void>;
}

/** A function from bytes to nothing, with inputs for it. */
export interface Target {
  /** As --target has it: lower case, with hyphens. */
  name: string;
  /** What takes the bytes, in a few words. */
  what: string;
  /** Its share of all inputs, over the sum of all weights. */
  weight: number;
  /** Makes an input: the same one for the same number, of which the random numbers are. */
  make(random: Random, seed: number): Input;
  /**
   * Takes the bytes: does all that the program does with them. May throw a UserError with one of `statuses`; any other
   * error is a fault. Depends on nothing but the bytes.
   */
  take(bytes: Uint8Array): void | Promise<void>;
  /** Exit statuses of what it may refuse; 4 (bad input) unless given. */
  statuses?: readonly number[];
  /** How many inputs there are, where they are no more than that: a campaign has each once. */
  count?: number;
  /** CPU time in ms that an input may take; LIMITS.cpuMs unless given. */
  cpuMs?: number;
  /** Bytes in typed arrays that it may ask for whatever the input's size; 48 MiB unless given. */
  mostBytes?: number;
}

/** A target that takes text. */
export function textTarget(
  { make, take, ...target }: Omit<Target, "make" | "take"> & {
    make(random: Random): string;
    take(text: string): void | Promise<void>;
  },
): Target {
  const decoder = new TextDecoder(), encoder = new TextEncoder();
  return {
    ...target,
    make: (random) => ({ bytes: encoder.encode(make(random)), made: "text" }),
    take: (bytes) => take(decoder.decode(bytes)),
  };
}

/** A number below `n` that goes by the bytes alone, for a choice of `take`. */
export function choiceBy(bytes: Uint8Array, n: number): number {
  let hash = bytes.length;
  for (const byte of bytes.subarray(0, 4096)) hash = Math.imul(hash ^ byte, 0x01000193);
  return ((hash ^ (hash >>> 15)) >>> 0) % n;
}

/** The input that a number of a target stands for. */
export function inputOf(target: Target, seed: number): Input {
  let hash = 0;
  for (const letter of target.name) hash = Math.imul(hash, 31) + letter.charCodeAt(0) | 0;
  return target.make(new Random(hash, seed), seed);
}
