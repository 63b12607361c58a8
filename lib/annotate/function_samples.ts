/** Chooses a function of a profile, and adds up the samples at each of its addresses. */

import { BadInputError, UsageError } from "../base/system/errors.ts";
import { type Profile, samplesOf } from "../profile/model/profile.ts";
import type { Weight } from "./annotation.ts";

/** Samples in a function. */
export interface FunctionSamples {
  /** Row of `Profile.symbols`. */
  symbol: number;
  self: Weight;
  all: Weight;
  /** Weight by bytes from the function's start. */
  byOffset: Map<number, Weight>;
  /** Other functions of that name with samples. */
  others: number;
}

/** Most names that an error lists. */
const MAX_NAMED = 5;

/**
 * Returns the samples of the function with this name, or of the one with most samples. A part of a name does if no function
 * has it as a whole; of several functions the heaviest is taken. The profile must have places (LoadOptions). Throws
 * UsageError, BadInputError.
 */
export function functionSamples(profile: Profile, event: number, name: string | undefined): FunctionSamples {
  const { samples, stacks, frames, symbols } = profile;
  const rows = samplesOf(profile, event), weights: (Weight | undefined)[] = [];
  const all = { samples: 0, period: 0 };
  const symbolOf = (row: number) => frames.symbol[stacks.frame[samples.stack[row]]];
  for (const row of rows) {
    add(all, samples.count[row], samples.period[row]);
    const symbol = symbolOf(row);
    if (symbol >= 0) {
      add(weights[symbol] ??= { samples: 0, period: 0 }, samples.count[row], samples.period[row]);
    }
  }
  const heaviest = [...weights.keys()].filter((symbol) => weights[symbol] !== undefined)
    .sort((a, b) => weights[b]!.period - weights[a]!.period || a - b);
  const found = chosen(heaviest, symbols.name, name);
  const [symbol] = found;
  const byOffset = new Map<number, Weight>();
  for (const row of rows) {
    if (symbolOf(row) !== symbol) continue;
    const offset = frames.offset![stacks.frame[samples.stack[row]]];
    let weight = byOffset.get(offset);
    if (weight === undefined) byOffset.set(offset, weight = { samples: 0, period: 0 });
    add(weight, samples.count[row], samples.period[row]);
  }
  return { symbol, self: weights[symbol]!, all, byOffset, others: found.length - 1 };
}

function chosen(
  heaviest: readonly number[],
  names: readonly string[],
  name: string | undefined,
): readonly number[] {
  if (heaviest.length === 0) throw new BadInputError("cannot annotate: no sample is in code that has a name");
  if (name === undefined) return heaviest.slice(0, 1);
  const same = heaviest.filter((symbol) => names[symbol] === name);
  if (same.length > 0) return same;
  // parameters need not be given
  const bare = heaviest.filter((symbol) => names[symbol].startsWith(`${name}(`));
  if (bare.length > 0) return bare;
  const containing = heaviest.filter((symbol) => names[symbol].includes(name));
  if (containing.length === 1) return containing;
  const list = (containing.length > 0 ? containing : heaviest).slice(0, MAX_NAMED).map((symbol) =>
    `'${names[symbol]}'`
  );
  throw new UsageError(
    containing.length > 0
      ? `annotate ${name}: ${containing.length} functions with samples have that in their names: ${
        list.join(", ")
      }...`
      : `annotate ${name}: no function of that name has samples: the heaviest are ${list.join(", ")}`,
  );
}

/** Adds samples to a weight. */
export function add(to: Weight, samples: number, period: number): void {
  to.samples += samples;
  to.period += period;
}
