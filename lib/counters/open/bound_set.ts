/**
 * A request set that is bound to all the places of its target: threads, or CPUs. It knows its state, and
 * does what cpc does to a bound set: sample, preset, restart, enable, disable.
 *
 * Starting anew is done by subtraction here rather than by resetting the counters: the kernel's reset leaves
 * out what threads that have ended had counted, and would lose what happens between read and reset.
 */

import type { SetSample } from "./open_set.ts";
import { refusalOf, type SetAction, type SetFault, type SetState } from "./states.ts";

/** One group of counters at one place: an OpenSet, opened with presets of 0. */
export interface PlacedCounters {
  readonly place: { target: string };
  enable(): void;
  disable(): void;
  /** undefined when the counters were lost. */
  sample(hrtimeNs: bigint): SetSample | undefined;
  /** Gives the counters back. */
  close(): void;
}

/** What one place had counted, from the presets on. */
export interface PlaceCounts {
  /** `thread 412`, `CPU 3`. */
  place: string;
  /** ns that the set was really counting there. */
  tickNs: bigint;
  /** u64s, one a request. */
  counts: bigint[];
}

/** A sample of a set, as a cpc buffer: hrtime, tick and counts. */
export interface SetBuffer {
  /** When, in ns of CLOCK_MONOTONIC. */
  hrtimeNs: bigint;
  /** ns that the set was really counting, summed over its places. */
  tickNs: bigint;
  /** u64s, one a request: its preset, and what all places have counted since. */
  counts: bigint[];
  places: PlaceCounts[];
}

/** What can be done with a set that is bound behind a name. */
export interface HeldSet {
  readonly state: SetState;
  /** Marks it as started by something else than `enable()`: the exec of the command. */
  startsByItself(): void;
  /** Its target has ended: from here on the counts are final. */
  targetEnded(): void;
  /** The counts. Throws SetRefusal: EAGAIN when the set has lost its counters, which makes it invalid. */
  sample(): SetBuffer;
  /** What has been counted since the buffer last given to `remember`, or else the start. */
  since(buffer: SetBuffer): SetBuffer;
  remember(buffer: SetBuffer): void;
  /** Makes request `index` count from `value` on. Throws SetRefusal: EINVAL for an index out of range. */
  preset(index: number, value: bigint): void;
  /** Counts from the presets again; a set that stands still goes on counting. */
  restart(): void;
  enable(): void;
  disable(): void;
  /** Gives its counters back: it is bound no more. */
  close(): void;
}

/** Says that a set refuses what is asked of it; whoever knows the set's name makes the line. */
export class SetRefusal extends Error {
  readonly refusal: SetFault;

  constructor(refusal: SetFault) {
    super(refusal.cause);
    this.refusal = refusal;
  }
}

const u64 = (value: bigint) => BigInt.asUintN(64, value);

/**
 * What both kinds of held set are: a state, and places that are switched together. The kinds differ in how
 * they make the counts start anew.
 */
export abstract class PlacedSet<P extends PlacedCounters> implements HeldSet {
  protected readonly places: readonly P[];
  /** u64s, one a request. */
  protected readonly presets: bigint[];
  /** What the next difference is taken to. */
  protected previous: SetBuffer;
  readonly #now: () => bigint;
  #state: SetState = "frozen";

  /** `places` are opened and not yet counting; `now` is CLOCK_MONOTONIC in ns. */
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

  /** Throws SetRefusal for what this state does not allow. */
  protected allow(action: SetAction): void {
    const refusal = refusalOf(action, this.#state);
    if (refusal) throw new SetRefusal(refusal);
  }

  /** What each place shows. Throws SetRefusal when one has lost its counters, which makes the set invalid. */
  protected read(): SetSample[] {
    const hrtimeNs = this.#now();
    return this.places.map((place) => {
      const sample = place.sample(hrtimeNs);
      if (sample) return sample;
      this.#state = "invalid";
      throw new SetRefusal(refusalOf("sample", "invalid")!);
    });
  }

  /** The buffer before anything has been counted: what the first difference is taken to. */
  #nothingCounted(): SetBuffer {
    const zeros = this.presets.map(() => 0n);
    const read = this.places.map(() => ({ hrtimeNs: 0n, enabledNs: 0, tickNs: 0, counts: zeros }));
    return this.buffer(read, this.places.map(() => zeros));
  }

  /** The buffer of what the places have counted: `counted` gives that, without the presets, of each. */
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

export class BoundSet extends PlacedSet<PlacedCounters> {
  /** What each place's counters showed when the counts were last to start from the presets. */
  readonly #starts: bigint[][];

  /** `places` are opened and not yet counting; `now` is CLOCK_MONOTONIC in ns. */
  constructor(places: readonly PlacedCounters[], presets: readonly bigint[], now: () => bigint) {
    super(places, presets, now);
    this.#starts = places.map(() => presets.map(() => 0n));
  }

  /** Without making them what the next difference is taken to. */
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
    // the difference over a preset is what was counted since the preset
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

/** Throws SetRefusal: EINVAL when a set of `requests` has no request of that number. */
export function checkIndex(index: number, requests: number): void {
  if (Number.isInteger(index) && index >= 0 && index < requests) return;
  throw new SetRefusal({
    errno: "EINVAL",
    cause: `there is no request ${index}`,
    remedy: requests === 1 ? "the set has one, which is 0" : `the set has 0 to ${requests - 1}`,
  });
}

/** `later - earlier` of the same set, request by request, in 64 bits; hrtime is the later one. */
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
