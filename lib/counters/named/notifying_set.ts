/**
 * A named set with requests that notify. At an overflow it freezes at all its places, keeping its counts and the
 * overflow's location, until it is restarted.
 */

import { checkIndex, PlacedSet, type SetBuffer } from "../open/bound_set.ts";
import type { OpenSet } from "../open/open_set.ts";
import type { OverflowInfo } from "./protocol.ts";

/** Counters at one place: an OpenSet, opened with the presets and not yet enabled. */
export type NotifyingPlace = Pick<
  OpenSet,
  "place" | "enable" | "disable" | "restart" | "preset" | "sample" | "close"
>;

/** Bound set that freezes at an overflow. */
export class NotifyingSet extends PlacedSet<NotifyingPlace> {
  #overflow: OverflowInfo | undefined;

  /** Last overflow, kept after a restart. */
  get overflow(): OverflowInfo | undefined {
    return this.#overflow;
  }

  /** Freezes all places after an overflow at one of them. */
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
    // The next difference is what was counted since the preset.
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
