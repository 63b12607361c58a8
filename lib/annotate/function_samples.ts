/** Chooses a function of a profile, and adds up the samples at each of its addresses. */

import { BadInputError, UsageError } from "../base/system/errors.ts";
import { type Profile, samplesOf } from "../profile/model/profile.ts";
import { functionNamed } from "../profile/query/function_names.ts";
import { unnamedName } from "../profile/query/unnamed.ts";
import type { Weight } from "./annotation.ts";

/** Samples in a function. */
export interface FunctionSamples {
  /** Name, or what reports call it if it has none: `cc1plus+0x7e9e40`. */
  name: string;
  /** Row of `Profile.objects`. */
  object: number;
  /** First address, and the one behind the last: undefined for a function without a name. */
  start: number;
  end: number | undefined;
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
 * Returns the samples of the function with this name (see functionNamed()), or of the one with most samples. A part of a name
 * does if no function has it as a whole; of several functions the heaviest is taken. The profile must have places (LoadOptions). Throws
 * UsageError, BadInputError.
 */
export function functionSamples(profile: Profile, event: number, name: string | undefined): FunctionSamples {
  const { samples, stacks, frames } = profile, functions = new Functions(profile);
  const rows = samplesOf(profile, event), weights: (Weight | undefined)[] = [];
  const all = { samples: 0, period: 0 };
  const functionOf = (row: number) => functions.of(stacks.frame[samples.stack[row]]);
  for (const row of rows) {
    add(all, samples.count[row], samples.period[row]);
    const id = functionOf(row);
    if (id >= 0) add(weights[id] ??= { samples: 0, period: 0 }, samples.count[row], samples.period[row]);
  }
  const heaviest = [...weights.keys()].filter((id) => weights[id] !== undefined)
    .sort((a, b) => weights[b]!.period - weights[a]!.period || a - b);
  const found = chosen(heaviest, (id) => functions.nameOf(id), name);
  const [id] = found, { start, end, object } = functions.rangeOf(id);
  const byOffset = new Map<number, Weight>();
  for (const row of rows) {
    if (functionOf(row) !== id) continue;
    const offset = frames.address[stacks.frame[samples.stack[row]]] - start;
    let weight = byOffset.get(offset);
    if (weight === undefined) byOffset.set(offset, weight = { samples: 0, period: 0 });
    add(weight, samples.count[row], samples.period[row]);
  }
  const others = found.length - 1;
  return { name: functions.nameOf(id), object, start, end, self: weights[id]!, all, byOffset, others };
}

/** Functions of a profile by number: its symbols, and behind them its functions without a name. */
class Functions {
  readonly #profile: Profile;

  constructor(profile: Profile) {
    this.#profile = profile;
  }

  /** Returns the function of a frame; -1 where none is known. */
  of(frame: number): number {
    const { frames, symbols, unnamed } = this.#profile, symbol = frames.symbol[frame];
    if (symbol >= 0) return symbol;
    const row = frames.unnamed[frame];
    return unnamed.to[row] === -1 ? symbols.name.length + row : -1;
  }

  nameOf(id: number): string {
    const { symbols } = this.#profile;
    return symbols.name[id] ?? unnamedName(this.#profile, id - symbols.name.length);
  }

  rangeOf(id: number): Pick<FunctionSamples, "object" | "start" | "end"> {
    const { symbols, unnamed } = this.#profile, row = id - symbols.name.length;
    return row < 0
      ? { object: symbols.object[id], start: symbols.start![id], end: symbols.end![id] }
      : { object: unnamed.object[row], start: unnamed.from[row], end: undefined };
  }
}

/** Returns the functions that a name means, heaviest first. Throws UsageError, BadInputError. */
function chosen(
  heaviest: readonly number[],
  nameOf: (id: number) => string,
  name: string | undefined,
): readonly number[] {
  if (heaviest.length === 0) {
    throw new BadInputError("cannot annotate: no sample is in a function that is known");
  }
  if (name === undefined) return heaviest.slice(0, 1);
  const same = heaviest.filter((id) => nameOf(id) === name);
  if (same.length > 0) return same;
  const isNamed = functionNamed([name]), bare = heaviest.filter((id) => isNamed(nameOf(id)));
  if (bare.length > 0) return bare;
  const containing = heaviest.filter((id) => nameOf(id).includes(name));
  if (containing.length === 1) return containing;
  const list = (containing.length > 0 ? containing : heaviest).slice(0, MAX_NAMED)
    .map((id) => `'${nameOf(id)}'`).join(", ");
  throw new UsageError(
    containing.length > 0
      ? `annotate ${name}: ${containing.length} functions with samples have that in their names: ${list}`
      : `annotate ${name}: no function of that name has samples: the heaviest are ${list}`,
  );
}

/** Adds samples to a weight. */
export function add(to: Weight, samples: number, period: number): void {
  to.samples += samples;
  to.period += period;
}
