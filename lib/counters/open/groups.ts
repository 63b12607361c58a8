/** Combines the groups of a set at one place. Requests of several PMUs cannot form one group in the kernel. */

import { least } from "../../base/bytes/lists.ts";
import type { Standing } from "../../events/open.ts";
import type { PlacedCounters } from "./bound_set.ts";
import { type Counter, OpenSet, type OpenSetOptions, type SetPlace, type SetSample } from "./open_set.ts";

/** Open groups of a set at one place. */
export class GroupsAtPlace implements PlacedCounters {
  readonly place: SetPlace;
  /** Events that are really counted, in the order of the groups. */
  readonly counters: readonly Counter[];
  readonly #groups: readonly OpenSet[];

  private constructor(place: SetPlace, groups: readonly OpenSet[]) {
    this.place = place;
    this.counters = groups.flatMap((group) => group.counters);
    this.#groups = groups;
  }

  /** Opens all groups, or none. Throws as OpenSet.open() does. */
  static open(
    groups: readonly (readonly Counter[])[],
    place: SetPlace,
    options: OpenSetOptions,
    standing: Standing,
    note: (line: string) => void,
  ): GroupsAtPlace {
    const opened: OpenSet[] = [];
    try {
      for (const counters of groups) opened.push(OpenSet.open(counters, place, options, standing, note));
    } catch (error) {
      for (const group of opened) group.close();
      throw error;
    }
    return new GroupsAtPlace(place, opened);
  }

  enable(): void {
    for (const group of this.#groups) group.enable();
  }

  disable(): void {
    for (const group of this.#groups) group.disable();
  }

  close(): void {
    for (const group of this.#groups) group.close();
  }

  /**
   * Reads the groups. The times are the smallest of any group. Returns undefined when a group has lost its counters.
   */
  sample(hrtimeNs: bigint): SetSample | undefined {
    const samples: SetSample[] = [];
    for (const group of this.#groups) {
      const sample = group.sample(hrtimeNs);
      if (!sample) return undefined;
      samples.push(sample);
    }
    return {
      hrtimeNs,
      enabledNs: least(samples.map((sample) => sample.enabledNs)),
      tickNs: least(samples.map((sample) => sample.tickNs)),
      counts: samples.flatMap((sample) => sample.counts),
    };
  }
}
