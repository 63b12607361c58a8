/** Facade of a loaded profile: reports ask it for their rows and trees, and need none of the modules behind it. */

import type { Profile } from "../model/profile.ts";
import { type CallerNode, callerTrees } from "./caller_trees.ts";
import { type CallNode, callTrees, type GroupTree } from "./call_tree.ts";
import { groupBy, type Grouping, type GroupValues, groupValues } from "./groups.ts";
import type { SortKey } from "../request/sort_keys.ts";
import { type TableOptions, type TableRow, tableRows } from "./table.ts";

export type { CallerNode, CallNode, Grouping, GroupTree, TableRow };

/**
 * Profile whose samples are counted by sort keys. Rows and trees have the numbers of their group and place: `valuesOf`
 * returns the values of a group, and the functions of aggregation_keys.ts the names of a place.
 *
 *     const query = new ProfileQuery(profile, ["comm", "dso", "sym"]);
 *     const rows = query.rows([0], { children: false, selfOnly: true });
 *     for (const { place, self } of rows) {
 *       console.log(placeName(profile, query.grouping.places, place), self[0].count);
 *     }
 *     const callers = query.callers(0, rows.slice(0, 10));
 */
export class ProfileQuery {
  readonly profile: Profile;
  readonly grouping: Grouping;

  /** @param by sort keys, or a grouping that was made otherwise. Needs `profile.lines` for the key `srcline`. */
  constructor(profile: Profile, by: readonly SortKey[] | Grouping) {
    this.profile = profile;
    this.grouping = "places" in by ? by : groupBy(profile, by);
  }

  /** Returns a row for each group and place, with its weight in each of `events` (-1: all); see tableRows(). */
  rows(events: readonly number[], options: TableOptions): TableRow[] {
    return tableRows(this.profile, this.grouping, events, options);
  }

  /** Returns trees of the callers of each row in `event` (-1: all), pruned below `minPeriod`; see callerTrees(). */
  callers(event: number, rows: readonly TableRow[], minPeriod = 0): CallerNode[][] {
    return callerTrees(this.profile, this.grouping, event, rows, minPeriod);
  }

  /** Returns the call tree of each group in `event` (-1: all), pruned below `minPeriod`; see callTrees(). */
  calls(event: number, minPeriod = 0): GroupTree[] {
    return callTrees(this.profile, this.grouping, event, minPeriod);
  }

  /** Returns the command, ids, CPU and event of a group, as far as its keys tell them apart. */
  valuesOf(group: number): GroupValues {
    return groupValues(this.profile, this.grouping.groups, group);
  }
}
