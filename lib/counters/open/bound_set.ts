/**
 * A request set that is bound at all places of its target (threads, or CPUs). It has a state, and the operations that
 * cpc has on a bound set: sample, preset, restart, enable, disable.
 *
 * A restart subtracts the counts so far instead of resetting the counters: the kernel's reset leaves out counts of
 * threads that have ended, and events between read and reset would be lost.
 */

import type { SetSample } from "./open_set.ts";
import { refusalOf, type SetAction, type SetFault, type SetState } from "./states.ts";

/** One group of counters at one place: an OpenSet, opened with presets of 0. */
export interface PlacedCounters {
  readonly place: { target: string };
  enable(): void;
  disable(): void;
  /** Reads the counters. Returns undefined when they were lost. */
  sample(hrtimeNs: bigint): SetSample | undefined;
  /** Releases the counters. */
  close(): void;
}

/** Counts of one place, presets included. */
export interface PlaceCounts {
  /** Name of the place: `thread 412`, `CPU 3`. */
  place: string;
  /** Time in ns that the set was on its counters at this place. */
  tickNs: bigint;
  /** One u64 per request. */
  counts: bigint[];
}

/** Sample of a set, equivalent to a cpc buffer: hrtime, tick and counts. */
export interface SetBuffer {
  /** Time in ns of CLOCK_MONOTONIC. */
  hrtimeNs: bigint;
  /** Time in ns that the set was on its counters, summed over its places. */
  tickNs: bigint;
  /** One u64 per request: its preset plus the counts of all places since. */
  counts: bigint[];
  places: PlaceCounts[];
}

/** Operations on a set that is bound behind a name. */
export interface HeldSet {
  readonly state: SetState;
  /** Marks the set as started by something other than `enable()`: the command's exec. */
  startsByItself(): void;
  /** Marks the counts as final, because the target has ended. */
  targetEnded(): void;
  /** Reads the counts. Throws SetRefusal (EAGAIN) when the set has lost its counters, which makes it invalid. */
  sample(): SetBuffer;
  /** Returns the difference to the buffer last given to `remember`, or to the start. */
  since(buffer: SetBuffer): SetBuffer;
  remember(buffer: SetBuffer): void;
  /** Makes request `index` count from `value` on. Throws SetRefusal (EINVAL) for an index out of range. */
  preset(index: number, value: bigint): void;
  /** Counts from the presets again. A frozen set is enabled. */
  restart(): void;
  enable(): void;
  disable(): void;
  /** Releases the counters, which ends the binding. */
  close(): void;
}

/** Refusal by a set. The caller, who knows the set's name, turns it into a message. */
export class SetRefusal extends Error {
  readonly refusal: SetFault;

  constructor(refusal: SetFault) {
    super(refusal.cause);
    this.refusal = refusal;
  }
}

const u64 = (value: bigint) => BigInt.asUintN(64, value);

/**
 * Base of both kinds of held set: a state, and places that are switched together. The kinds differ in how they start
 * counting anew.
 */
export abstract class PlacedSet<P extends PlacedCounters> implements HeldSet {
  protected readonly places: readonly P[];
  /** One u64 per request. */
  protected readonly presets: bigint[];
  /** Buffer that the next difference is taken to. */
  protected previous: SetBuffer;
  readonly #now: () => bigint;
  #state: SetState = "frozen";

  /** `places` are opened and not yet enabled; `now` returns CLOCK_MONOTONIC in ns. */
  constructor(places: readonly P[], presets: readonly bigint[], now: () => bigint) {
    this.places = places;
    this.presets = presets.map(u64);
    this.#now = now;
    this.previous = this.#nothingCounted();
  }

  abstract sample(): SetBuffer;
  abstract preset(index: number, value: bigint): void;
  abstract restart(): void;

  get state(): SetState {
    return this.#state;
  }

  protected set state(state: SetState) {
    this.#state = state;
  }

  since(buffer: SetBuffer): SetBuffer {
    return subtractBuffers(buffer, this.previous);
  }

  remember(buffer: SetBuffer): void {
    this.previous = buffer;
  }

  startsByItself(): void {
    this.#state = "counting";
  }

  targetEnded(): void {
    if (this.#state !== "invalid") this.#state = "ended";
  }

  enable(): void {
    this.allow("enable");
    for (const place of this.places) place.enable();
    this.#state = "counting";
  }

  disable(): void {
    this.allow("disable");
    for (const place of this.places) place.disable();
    this.#state = "frozen";
  }

  close(): void {
    for (const place of this.places) place.close();
  }

  /** Throws SetRefusal if the set's state does not allow the action. */
  protected allow(action: SetAction): void {
    const refusal = refusalOf(action, this.#state);
    if (refusal) throw new SetRefusal(refusal);
  }

  /** Reads every place. Throws SetRefusal when one has lost its counters, which makes the set invalid. */
  protected read(): SetSample[] {
    const hrtimeNs = this.#now();
    return this.places.map((place) => {
      const sample = place.sample(hrtimeNs);
      if (sample) return sample;
      this.#state = "invalid";
      throw new SetRefusal(refusalOf("sample", "invalid")!);
    });
  }

  /** Returns the buffer before anything was counted, which the first difference is taken to. */
  #nothingCounted(): SetBuffer {
    const zeros = this.presets.map(() => 0n);
    const read = this.places.map(() => ({ hrtimeNs: 0n, enabledNs: 0, tickNs: 0, counts: zeros }));
    return this.buffer(read, this.places.map(() => zeros));
  }

  /** Returns the buffer for samples of all places. `counted` has each place's counts without the presets. */
  protected buffer(read: readonly SetSample[], counted: readonly (readonly bigint[])[]): SetBuffer {
    return {
      hrtimeNs: read[0]?.hrtimeNs ?? 0n,
      tickNs: read.reduce((sum, { tickNs }) => sum + BigInt(tickNs), 0n),
      counts: this.presets.map((preset, i) => u64(counted.reduce((sum, counts) => sum + counts[i], preset))),
      places: read.map(({ tickNs }, at) => ({
        place: this.places[at].place.target,
        tickNs: BigInt(tickNs),
        counts: this.presets.map((preset, i) => u64(preset + counted[at][i])),
      })),
    };
  }
}

/** Bound set whose requests do not notify. */
export class BoundSet extends PlacedSet<PlacedCounters> {
  /** Readings of each place's counters when counting last started from the presets. */
  readonly #starts: bigint[][];

  /** `places` are opened and not yet enabled; `now` returns CLOCK_MONOTONIC in ns. */
  constructor(places: readonly PlacedCounters[], presets: readonly bigint[], now: () => bigint) {
    super(places, presets, now);
    this.#starts = places.map(() => presets.map(() => 0n));
  }

  /** Reads the counts, without changing what the next difference is taken to. */
  sample(): SetBuffer {
    this.allow("sample");
    return this.#bufferOf(this.read());
  }

  preset(index: number, value: bigint): void {
    this.allow("preset");
    checkIndex(index, this.presets.length);
    const read = this.read();
    this.presets[index] = u64(value);
    read.forEach(({ counts }, at) => this.#starts[at][index] = counts[index]);
    const { counts, places } = this.#bufferOf(read);
    // The next difference is what was counted since the preset.
    this.previous.counts[index] = counts[index];
    places.forEach((place, at) => this.previous.places[at].counts[index] = place.counts[index]);
  }

  restart(): void {
    this.allow("restart");
    const read = this.read();
    read.forEach(({ counts }, at) => this.#starts[at] = counts);
    this.previous = this.#bufferOf(read);
    if (this.state === "frozen") this.enable();
  }

  #bufferOf(read: readonly SetSample[]): SetBuffer {
    return this.buffer(
      read,
      read.map(({ counts }, at) => counts.map((count, i) => count - this.#starts[at][i])),
    );
  }
}

/** Throws SetRefusal (EINVAL) unless a set of `requests` requests has a request `index`. */
export function checkIndex(index: number, requests: number): void {
  if (Number.isInteger(index) && index >= 0 && index < requests) return;
  throw new SetRefusal({
    errno: "EINVAL",
    cause: `there is no request ${index}`,
    remedy: requests === 1 ? "the set has one, which is 0" : `the set has 0 to ${requests - 1}`,
  });
}

/** Returns `later - earlier` for two buffers of a set, in 64 bits per request. hrtime is the later one. */
export function subtractBuffers(later: SetBuffer, earlier: SetBuffer): SetBuffer {
  const counts = (a: bigint[], b: bigint[]) => a.map((count, i) => u64(count - b[i]));
  return {
    hrtimeNs: later.hrtimeNs,
    tickNs: later.tickNs - earlier.tickNs,
    counts: counts(later.counts, earlier.counts),
    places: later.places.map(({ place, tickNs, counts: ofPlace }, at) => ({
      place,
      tickNs: tickNs - earlier.places[at].tickNs,
      counts: counts(ofPlace, earlier.places[at].counts),
    })),
  };
}
