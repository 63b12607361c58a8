/**
 * A named set with requests that notify: at an overflow it stands still as a whole, at all its places, keeps
 * the counts it had then and where it was, and goes on when it is restarted.
 */

import { checkIndex, type HeldSet, type SetBuffer, SetRefusal, subtract } from "./bound_set.ts";
import type { OpenSet, SetSample } from "./open_set.ts";
import type { OverflowInfo } from "./protocol.ts";
import { refusalOf, type SetAction, type SetState } from "./states.ts";

/** The set at one place: an OpenSet. */
export type NotifyingPlace = Pick<
  OpenSet,
  "place" | "enable" | "disable" | "restart" | "preset" | "sample" | "close"
>;

export class NotifyingSet implements HeldSet {
  readonly #places: readonly NotifyingPlace[];
  readonly #presets: bigint[];
  readonly #now: () => bigint;
  #state: SetState = "frozen";
  #previous: SetBuffer | undefined;
  #overflow: OverflowInfo | undefined;

  /** `places` are opened with these presets and not yet counting; `now` is CLOCK_MONOTONIC in ns. */
  constructor(places: readonly NotifyingPlace[], presets: readonly bigint[], now: () => bigint) {
    this.#places = places;
    this.#presets = [...presets];
    this.#now = now;
  }

  get state(): SetState {
    return this.#state;
  }

  /** The last overflow, also when the set has gone on since. */
  get overflow(): OverflowInfo | undefined {
    return this.#overflow;
  }

  /** One of its places has overflowed and stands still; now all do. */
  overflowed(overflow: OverflowInfo): void {
    for (const place of this.#places) place.disable();
    this.#overflow = overflow;
    if (this.#state === "counting") this.#state = "overflowed";
  }

  startsByItself(): void {
    this.#state = "counting";
  }

  targetEnded(): void {
    if (this.#state !== "invalid") this.#state = "ended";
  }

  sample(): SetBuffer {
    this.#allow("sample");
    const hrtimeNs = this.#now();
    return this.#buffer(
      hrtimeNs,
      this.#places.map((place) => {
        const sample = place.sample(hrtimeNs);
        if (sample) return sample;
        this.#state = "invalid";
        throw new SetRefusal(refusalOf("sample", "invalid")!);
      }),
    );
  }

  since(buffer: SetBuffer): SetBuffer {
    return this.#previous ? subtract(buffer, this.#previous) : buffer;
  }

  remember(buffer: SetBuffer): void {
    this.#previous = buffer;
  }

  preset(index: number, value: bigint): void {
    this.#allow("preset");
    checkIndex(index, this.#presets.length);
    for (const place of this.#places) place.preset(index, value);
    this.#presets[index] = BigInt.asUintN(64, value);
    // the difference over a preset is what was counted since the preset
    this.#previous = this.sample();
  }

  restart(): void {
    this.#allow("restart");
    for (const place of this.#places) {
      place.restart();
      place.enable();
    }
    this.#state = "counting";
    this.#previous = this.sample();
  }

  enable(): void {
    this.#allow("enable");
    for (const place of this.#places) place.enable();
    this.#state = "counting";
  }

  disable(): void {
    this.#allow("disable");
    for (const place of this.#places) place.disable();
    this.#state = "frozen";
  }

  close(): void {
    for (const place of this.#places) place.close();
  }

  #allow(action: SetAction): void {
    const refusal = refusalOf(action, this.#state);
    if (refusal) throw new SetRefusal(refusal);
  }

  #buffer(hrtimeNs: bigint, samples: readonly SetSample[]): SetBuffer {
    const counted = (sample: SetSample, i: number) => sample.counts[i] - this.#presets[i];
    return {
      hrtimeNs,
      tickNs: samples.reduce((sum, { tickNs }) => sum + BigInt(tickNs), 0n),
      counts: this.#presets.map((preset, i) =>
        BigInt.asUintN(64, samples.reduce((sum, sample) => sum + counted(sample, i), preset))
      ),
      places: samples.map(({ tickNs, counts }, at) => ({
        place: this.#places[at].place.target,
        tickNs: BigInt(tickNs),
        counts: [...counts],
      })),
    };
  }
}
