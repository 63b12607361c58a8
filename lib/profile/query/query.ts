/**
 * Facade of a loaded profile: commands and reports ask it for events, samples, rows and trees, and need none of the
 * modules behind it.
 */

import type { Profile } from "../model/profile.ts";
import type { SortKey } from "../request/sort_keys.ts";
import type { AggregationKind } from "./aggregation_keys.ts";
import { filterProfile, type NamedField, namedValues, type ProfileFilter, withEvents } from "./filter.ts";
import { placesBy, sampleGroups } from "./groups.ts";
import { type PathTree, pathTree } from "./path_tree.ts";
import { SampleCounts } from "./sample_counts.ts";
import {
  type EventChoice,
  heaviestFirst,
  mergeHybridEvents,
  selectEvents,
  type UnknownEvents,
} from "./shown_events.ts";
import { checkColumnCount, type ProfileTotals, profileTotals, sampledEventRows } from "./table.ts";
import { type FilterField, type Unmatched, unmatchedFilters } from "./unmatched.ts";

export type {
  EventChoice,
  FilterField,
  NamedField,
  PathTree,
  ProfileFilter,
  ProfileTotals,
  SampleCounts,
  Unmatched,
};
export type { CallerNode, CallNode, EventCounts, GroupTree, NodeWeights, TableRow } from "./sample_counts.ts";

/**
 * Questions to a loaded profile. Selections give a query of their own, of a profile with fewer samples or events; `by`
 * counts the samples. `profile` has the columns.
 *
 *     const query = new ProfileQuery(profile).filter({ comms: new Set(["nginx"]) });
 *     const counts = query.by(["dso", "sym"]);
 *     const rows = counts.rows(query.sampledEvents(), { children: false, selfOnly: true });
 *     for (const { place, self } of rows) console.log(counts.nameOf(place), self[0].count);
 */
export class ProfileQuery {
  /** Columns of the samples that are left. */
  readonly profile: Profile;

  /** Starts with all samples of a profile. */
  constructor(profile: Profile) {
    this.profile = profile;
  }

  /** Returns the rows of events that take samples, and do not just track processes and maps. */
  sampledEvents(): number[] {
    return sampledEventRows(this.profile);
  }

  /** Returns the rows of the sampled events, most samples first. */
  heaviestEvents(): number[] {
    return heaviestFirst(this.profile);
  }

  /** Returns the rows of the sampled events, for a table with a column for each. Throws UsageError if these are too many. */
  columnEvents(): number[] {
    const events = this.sampledEvents();
    checkColumnCount(events.length);
    return events;
  }

  /** Adds up all samples of each event. */
  totals(): ProfileTotals {
    return profileTotals(this.profile);
  }

  /** Selects the events with these names, or all if there are no names; see selectEvents(). */
  select(names: readonly string[], choice: EventChoice): ProfileQuery | UnknownEvents {
    const selected = selectEvents(this.profile, names, choice);
    return "unknown" in selected ? selected : new ProfileQuery(selected);
  }

  /** Merges hybrid events into one each. */
  mergeHybridEvents(): ProfileQuery {
    return new ProfileQuery(mergeHybridEvents(this.profile));
  }

  /** Selects events by their rows: the profile becomes one of these alone, in this order. */
  withEvents(events: readonly number[]): ProfileQuery {
    return new ProfileQuery(withEvents(this.profile, events));
  }

  /** Keeps the samples that pass a filter. */
  filter(filter: ProfileFilter): ProfileQuery {
    return new ProfileQuery(filterProfile(this.profile, filter));
  }

  /** Yields the names that there are for a field of a filter, some more than once. */
  names(field: NamedField): Iterable<string> {
    return namedValues(this.profile, field);
  }

  /** Returns the fields of a filter with values that no sample has; see unmatchedFilters(). */
  unmatched(filter: ProfileFilter): Unmatched[] {
    return unmatchedFilters(this.profile, filter);
  }

  /**
   * Counts samples by sort keys. `kind` says what a place is where the keys do not. The key `srcline` needs a profile
   * with lines.
   */
  by(keys: readonly SortKey[], kind?: AggregationKind): SampleCounts {
    return new SampleCounts(
      this.profile,
      placesBy(this.profile, keys, kind),
      () => sampleGroups(this.profile, keys),
    );
  }

  /** Builds the tree of the stacks when frame f counts as `ofFrame[f]`: as a place, or as another number. */
  paths(ofFrame: Int32Array): PathTree {
    return pathTree(this.profile, ofFrame);
  }
}
