/** Chooses functions of a profile, and adds up the samples at each of their addresses. */

import { hexAddress } from "../base/bytes/address.ts";
import { UsageError } from "../base/system/errors.ts";
import { fit } from "../base/text/width.ts";
import { type Profile, samplesOf } from "../profile/model/profile.ts";
import { functionNamed, withCommas } from "../profile/request/function_names.ts";
import { unnamedName } from "../profile/model/unnamed.ts";
import type { SampleWeight } from "../report/shared/annotation.ts";

/** Samples in a function. */
export interface FunctionSamples {
  /** Name, or what reports call it if it has none: `cc1plus+0x7e9e40`. */
  name: string;
  /** Name of the event. */
  event: string;
  /** Row of `Profile.objects`. */
  object: number;
  /** First address, and the one behind the last: undefined for a function without a name. */
  start: number;
  end: number | undefined;
  self: SampleWeight;
  all: SampleWeight;
  /** Weight by bytes from the function's start, ascending. */
  byOffset: Map<number, SampleWeight>;
}

/** Most names that an error lists, and most characters of each. */
const MAX_NAMED = 5, MAX_NAME = 80;

/** Functions with samples of an event, heaviest first. The profile must have places (LoadOptions). */
export class SampledFunctions {
  /** Weight of all samples of the event. */
  readonly all: SampleWeight = { samples: 0, period: 0 };
  /** Numbers of the functions. */
  readonly heaviest: readonly number[];
  readonly #profile: Profile;
  readonly #event: number;
  readonly #functions: Functions;
  readonly #weights: (SampleWeight | undefined)[] = [];
  #starts: ReadonlyMap<number, number> | undefined;

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

  /** Returns the name of the object that a function is in. */
  objectOf(id: number): string {
    return this.#functions.objectOf(id);
  }

  /** Returns whether a function has samples of the event. */
  has(id: number): boolean {
    return this.#weights[id] !== undefined;
  }

  /**
   * Returns the samples of functions, in the order of their numbers here: one pass over the profile for all of them. Each
   * must have samples.
   */
  samplesOf(ids: readonly number[]): FunctionSamples[] {
    const { samples, stacks, frames } = this.#profile, functions = this.#functions;
    const found = new Map(ids.map((id): [number, FunctionSamples] => [id, {
      name: functions.nameOf(id),
      event: this.#profile.events[this.#event].name,
      ...functions.rangeOf(id),
      self: this.#weights[id]!,
      all: this.all,
      byOffset: new Map(),
    }]));
    for (const row of samplesOf(this.#profile, this.#event)) {
      const frame = stacks.frame[samples.stack[row]], own = found.get(functions.of(frame));
      if (own === undefined) continue;
      const offset = frames.address[frame] - own.start;
      let weight = own.byOffset.get(offset);
      if (weight === undefined) own.byOffset.set(offset, weight = { samples: 0, period: 0 });
      add(weight, samples.count[row], samples.period[row]);
    }
    for (const own of found.values()) own.byOffset = new Map([...own.byOffset].sort((a, b) => a[0] - b[0]));
    return [...found.values()];
  }

  /**
   * Returns the functions of just that name, heaviest first; else those that it means (see functionNamed()), or that start
   * at that address (see startOf()).
   */
  called(name: string): readonly number[] {
    const exact = this.#where((each) => each === name);
    if (exact.length > 0) return exact;
    const named = this.#where(functionNamed([name]));
    if (named.length > 0 || !/^0x[0-9a-f]+$/i.test(name)) return named;
    return this.heaviest.filter((id) => this.startOf(id) === name.toLowerCase());
  }

  /**
   * Returns where a function starts, as `0x1139`: its offset in its file, or the address in memory of code that is in none.
   */
  startOf(id: number): string {
    this.#starts ??= this.#functions.starts(this.heaviest);
    return `0x${hexAddress(this.#starts.get(id)!)}`;
  }

  /** Returns the functions with that in their names, heaviest first. */
  containing(part: string): readonly number[] {
    return this.#where((each) => each.includes(part));
  }

  #where(test: (name: string) => boolean): readonly number[] {
    return this.heaviest.filter((id) => test(this.nameOf(id)));
  }
}

/**
 * Returns the function that a name means, the heaviest of several (`others` are the others), or the only one with that in
 * its name; undefined if it has no samples but had some before filters. Throws UsageError with the names that there are.
 * @param written name as lists have it, too, where `\,` is a comma. One that is known as it stands is taken so.
 * @param unfiltered functions before filters: a name means what it does there.
 */
export function chosenFunction(
  functions: SampledFunctions,
  written: string,
  unfiltered = functions,
): { id: number; others: readonly number[] } | undefined {
  const isKnown = unfiltered.called(written).length > 0 || unfiltered.containing(written).length > 0;
  const name = isKnown ? written : withCommas(written), called = new Set(unfiltered.called(name));
  if (called.size > 0) {
    const [id, ...others] = functions.heaviest.filter((id) => called.has(id));
    return id === undefined ? undefined : { id, others };
  }
  const containing = functions.containing(name);
  if (containing.length === 1) return { id: containing[0], others: [] };
  if (containing.length === 0 && unfiltered.containing(name).length > 0) return undefined;
  const list = distinctNames(functions, containing.length > 0 ? containing : functions.heaviest);
  throw new UsageError(
    containing.length > 0
      ? `annotate '${name}': ${containing.length} functions with samples have that in their names: ${list}`
      : `annotate '${name}': no function of that name has samples: the heaviest are ${list || "not known"}`,
  );
}

/** Lists the first of these functions by their names, and those of one name by where they start, too. */
function distinctNames(functions: SampledFunctions, ids: readonly number[]): string {
  const names = ids.map((id) => fit(functions.nameOf(id), MAX_NAME)), seen = new Set<string>();
  const repeated = new Set(names.filter((name) => seen.size === seen.add(name).size));
  return ids.slice(0, MAX_NAMED).map((id, i) =>
    repeated.has(names[i])
      ? `'${names[i]}' at ${functions.startOf(id)} of ${functions.objectOf(id)}`
      : `'${names[i]}'`
  ).join(", ");
}

/** Returns what tells a function from others that its name means as well: `its name with parameters, or -d OBJECT`. */
export function waysToChoose(functions: SampledFunctions, ids: readonly number[]): string {
  const names = new Set(ids.map((id) => functions.nameOf(id)));
  if (names.size === ids.length) return "its name with parameters, or -d OBJECT,";
  const starts = ids.slice(0, MAX_NAMED).map((id) => functions.startOf(id));
  return `its address (${starts.join(", ")}${ids.length > MAX_NAMED ? ", …" : ""}), or -d OBJECT,`;
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

  objectOf(id: number): string {
    return this.#profile.objects[this.rangeOf(id).object]?.name ?? "[unknown]";
  }

  /** Finds where functions start: see SampledFunctions.startOf(). */
  starts(ids: readonly number[]): Map<number, number> {
    const { frames, objects } = this.#profile;
    const found = new Map(ids.map((id) => [id, this.rangeOf(id).start]));
    const isOfMemory = (id: number) => objects[this.rangeOf(id).object]?.kind === "jit";
    const sought = new Set(frames.ip ? ids.filter(isOfMemory) : []);
    // code at run time is numbered, as different code may be at one address at different times
    for (let frame = 0; frame < frames.symbol.length && sought.size > 0; frame++) {
      const id = this.of(frame);
      if (!sought.delete(id)) continue;
      found.set(id, frames.ip![frame] - frames.offset![frame]);
    }
    return found;
  }

  rangeOf(id: number): Pick<FunctionSamples, "object" | "start" | "end"> {
    const { symbols, unnamed } = this.#profile, row = id - symbols.name.length;
    return row < 0
      ? { object: symbols.object[id], start: symbols.start![id], end: symbols.end![id] }
      : { object: unnamed.object[row], start: unnamed.from[row], end: undefined };
  }
}

/** Adds samples to a weight. */
export function add(to: SampleWeight, samples: number, period: number): void {
  to.samples += samples;
  to.period += period;
}
