/** Counts of a profile's samples by group and place: rows, callers, calls, and the names of both. */

import type { Profile } from "../model/profile.ts";
import { type AggregationKeys, placeLine, placeName, placeObject } from "./aggregation_keys.ts";
import { type CallerNode, callerTrees } from "./caller_trees.ts";
import { type CallNode, callTrees, type GroupTree } from "./call_tree.ts";
import { buildFlameTree, type FlameTreeColumns, type NodeWeights } from "./flame_tree.ts";
import { type Grouping, type Groups, type GroupValues, groupValues } from "./groups.ts";
import { type TableOptions, type TableRow, tableRows } from "./table.ts";

export type { CallerNode, CallNode, GroupTree, NodeWeights, TableRow };

/** Counted samples of a profile, and one of its events. */
export interface EventCounts {
  /** Samples of all events. */
  counts: SampleCounts;
  /** Row of `profile.events`. */
  event: number;
}

/**
 * Samples of a profile, counted by sort keys: see ProfileQuery.by(). Rows and trees have the numbers of their group and
 * place: `valuesOf` returns the values of a group, `nameOf` and the columns of `places` say what a place is.
 */
export class SampleCounts implements Grouping {
  /** Profile with the samples. */
  readonly profile: Profile;
  /** Place of each frame, and what it is. */
  readonly places: AggregationKeys;
  readonly #makeGroups: () => Groups;
  #groups: Groups | undefined;

  /** @param makeGroups groups the samples; called when the groups are asked for, since names and trees need none. */
  constructor(profile: Profile, places: AggregationKeys, makeGroups: () => Groups) {
    this.profile = profile;
    this.places = places;
    this.#makeGroups = makeGroups;
  }

  /** Group of each sample. */
  get groups(): Groups {
    return this.#groups ??= this.#makeGroups();
  }

  /** Returns a row for each group and place, with its weight in each of `events` (-1: all); see tableRows(). */
  rows(events: readonly number[], options: TableOptions): TableRow[] {
    return tableRows(this.profile, this, events, options);
  }

  /** Returns trees of the callers of each row in `event` (-1: all), pruned below `minPeriod`; see callerTrees(). */
  callers(event: number, rows: readonly TableRow[], minPeriod = 0): CallerNode[][] {
    return callerTrees(this.profile, this, event, rows, minPeriod);
  }

  /** Returns the call tree of each group in `event` (-1: all), pruned below `minPeriod`; see callTrees(). */
  calls(event: number, minPeriod = 0): GroupTree[] {
    return callTrees(this.profile, this, event, minPeriod);
  }

  /**
   * Returns the calls of all groups in `event` as one tree; with the weights that `other`, of another profile but counted
   * in the same terms (see compareStacks()), has in them.
   */
  flameTree(event: number, other?: EventCounts): FlameTreeColumns {
    const own = { counts: this, event };
    return buildFlameTree(other ? [own, other] : [own]);
  }

  /** Returns the command, ids, CPU and event of a group, as far as its keys tell them apart. */
  valuesOf(group: number): GroupValues {
    return groupValues(this.profile, this.groups, group);
  }

  /** Returns a place's name: that of its symbol, or the one of code without a symbol: `libfoo.so+0x1a40`. */
  nameOf(place: number): string {
    return placeName(this.profile, this.places, place);
  }

  /** Returns the name of a place's object. */
  objectOf(place: number): string {
    return placeObject(this.profile, this.places, place);
  }

  /** Returns a place's source line as perf and addr2line write it: `main.c:12`, or `??:0` if unknown. */
  lineOf(place: number): string {
    return placeLine(this.profile, this.places, place);
  }
}
