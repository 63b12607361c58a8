/**
 * A named set with requests that notify: at an overflow it stands still as a whole, at all its places, keeps
 * the counts it had then and where it was, and goes on when it is restarted.
 */

import { checkIndex, PlacedSet, type SetBuffer } from "../open/bound_set.ts";
import type { OpenSet } from "../open/open_set.ts";
import type { OverflowInfo } from "./protocol.ts";

/** The set at one place: an OpenSet, opened with the presets and not yet counting. */
export type NotifyingPlace = Pick<
  OpenSet,
  "place" | "enable" | "disable" | "restart" | "preset" | "sample" | "close"
>;

export class NotifyingSet extends PlacedSet<NotifyingPlace> {
  #overflow: OverflowInfo | undefined;

  /** The last overflow, also when the set has gone on since. */
  get overflow(): OverflowInfo | undefined {
    return this.#overflow;
  }

  /** One of its places has overflowed and stands still; now all do. */
  overflowed(overflow: OverflowInfo): void {
    for (const place of this.places) place.disable();
    this.#overflow = overflow;
    if (this.state === "counting") this.state = "overflowed";
  }

  sample(): SetBuffer {
    this.allow("sample");
    const read = this.read();
    return this.buffer(
      read,
      read.map(({ counts }) => counts.map((count, i) => BigInt.asUintN(64, count - this.presets[i]))),
    );
  }

  preset(index: number, value: bigint): void {
    this.allow("preset");
    checkIndex(index, this.presets.length);
    for (const place of this.places) place.preset(index, value);
    this.presets[index] = BigInt.asUintN(64, value);
    // the difference over a preset is what was counted since the preset
    this.previous = this.sample();
  }

  restart(): void {
    this.allow("restart");
    for (const place of this.places) {
      place.restart();
      place.enable();
    }
    this.state = "counting";
    this.previous = this.sample();
  }
}
