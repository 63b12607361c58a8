/** Chooses functions of a profile, and adds up the samples at each of their addresses. */

import { UsageError } from "../base/system/errors.ts";
import { fit } from "../base/text/width.ts";
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
  /** Weight by bytes from the function's start, ascending. */
  byOffset: Map<number, Weight>;
}

/** Most names that an error lists, and most characters of each. */
const MAX_NAMED = 5, MAX_NAME = 80;

/** Functions with samples of an event, heaviest first. The profile must have places (LoadOptions). */
export class SampledFunctions {
  /** Weight of all samples of the event. */
  readonly all: Weight = { samples: 0, period: 0 };
  /** Numbers of the functions. */
  readonly heaviest: readonly number[];
  readonly #profile: Profile;
  readonly #event: number;
  readonly #functions: Functions;
  readonly #weights: (Weight | undefined)[] = [];

  constructor(profile: Profile, event: number) {
    this.#profile = profile;
    this.#event = event;
    this.#functions = new Functions(profile);
    const { samples, stacks } = profile, weights = this.#weights;
    for (const row of samplesOf(profile, event)) {
      add(this.all, samples.count[row], samples.period[row]);
      const id = this.#functions.of(stacks.frame[samples.stack[row]]);
      if (id >= 0) add(weights[id] ??= { samples: 0, period: 0 }, samples.count[row], samples.period[row]);
    }
    this.heaviest = Object.keys(weights).map(Number)
      .sort((a, b) => weights[b]!.period - weights[a]!.period || a - b);
  }

  nameOf(id: number): string {
    return this.#functions.nameOf(id);
  }

  /** Returns the samples of functions, in the order of their numbers here: one pass over the profile for all of them. */
  samplesOf(ids: readonly number[]): FunctionSamples[] {
    const { samples, stacks, frames } = this.#profile, functions = this.#functions;
    const found = new Map(ids.map((id): [number, FunctionSamples] => [id, {
      name: functions.nameOf(id),
      ...functions.rangeOf(id),
      self: this.#weights[id]!,
      all: this.all,
      byOffset: new Map(),
    }]));
    for (const row of samplesOf(this.#profile, this.#event)) {
      const frame = stacks.frame[samples.stack[row]], of = found.get(functions.of(frame));
      if (of === undefined) continue;
      const offset = frames.address[frame] - of.start;
      let weight = of.byOffset.get(offset);
      if (weight === undefined) of.byOffset.set(offset, weight = { samples: 0, period: 0 });
      add(weight, samples.count[row], samples.period[row]);
    }
    for (const of of found.values()) of.byOffset = new Map([...of.byOffset].sort((a, b) => a[0] - b[0]));
    return [...found.values()];
  }

  /**
   * Returns the functions that a name means, heaviest first: those of just that name, else those that it means (see
   * functionNamed()), else the only one with that in its name. Returns those with that in their names if they are several,
   * as `ambiguous`.
   */
  named(name: string): { found: readonly number[]; ambiguous: readonly number[] } {
    const names = (test: (name: string) => boolean) => this.heaviest.filter((id) => test(this.nameOf(id)));
    let found = names((each) => each === name);
    if (found.length === 0) found = names(functionNamed([name]));
    if (found.length > 0) return { found, ambiguous: [] };
    const containing = names((each) => each.includes(name));
    return containing.length === 1
      ? { found: containing, ambiguous: [] }
      : { found: [], ambiguous: containing };
  }
}

/**
 * Returns the function that a name means, the heaviest of several (`others` more). Throws UsageError with the names
 * that there are.
 */
export function chosenFunction(functions: SampledFunctions, name: string): { id: number; others: number } {
  const { found: [id, ...others], ambiguous } = functions.named(name);
  if (id !== undefined) return { id, others: others.length };
  const list = (ambiguous.length > 0 ? ambiguous : functions.heaviest).slice(0, MAX_NAMED)
    .map((id) => `'${fit(functions.nameOf(id), MAX_NAME)}'`).join(", ");
  throw new UsageError(
    ambiguous.length > 0
      ? `annotate '${name}': ${ambiguous.length} functions with samples have that in their names: ${list}`
      : `annotate '${name}': no function of that name has samples: the heaviest are ${list}`,
  );
}

/** Functions of a profile by number: its symbols, and behind them its functions without a name. */
class Functions {
  readonly #profile: Profile;

  constructor(profile: Profile) {
    this.#profile = profile;
  }

  /** Returns the function whose code a frame is in; -1 where none is known. */
  of(frame: number): number {
    const { frames: { symbol: symbolOf, unnamed: unnamedOf, inlinedInto }, symbols, unnamed } = this.#profile;
    if (inlinedInto) { for (let into; (into = inlinedInto[frame]) >= 0;) frame = into; }
    const symbol = symbolOf[frame];
    if (symbol >= 0) return symbol;
    const row = unnamedOf[frame];
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

/** Adds samples to a weight. */
export function add(to: Weight, samples: number, period: number): void {
  to.samples += samples;
  to.period += period;
}
