/** The rows of a report over one event, or over several side by side. */

import {
  bySelf,
  byTotal,
  overhead,
  type OverheadOptions,
  type OverheadRow,
  type Weight,
} from "./aggregate.ts";
import type { Grouping } from "./groups.ts";
import { type Profile, sampleCount, totalPeriod } from "./profile.ts";

/** A row: where, and how much of each of the table's events. */
export interface TableRow {
  group: number;
  place: number;
  /** By column of events. */
  self: Weight[];
  total: Weight[];
}

/** How much there is in all: what shares are shares of. By event. */
export interface Whole {
  count: readonly number[];
  period: readonly number[];
}

/** All that the profile has. */
export function wholeOf(profile: Profile): Whole {
  return {
    count: profile.events.map((_, event) => sampleCount(profile, event)),
    period: profile.events.map((_, event) => totalPeriod(profile, event)),
  };
}

/** The rows of events that samples are taken of: not of those that only track processes and maps. */
export function sampledEvents(profile: Profile): number[] {
  return profile.events.flatMap(({ tracksOnly }, event) => tracksOnly ? [] : [event]);
}

export interface TableOptions extends OverheadOptions {
  /** By total, and with the rows that only called others. */
  children: boolean;
}

/** Heaviest in the first event first; what weighs nothing there by the next one. */
export function tableOf(
  profile: Profile,
  grouping: Grouping,
  events: readonly number[],
  { children, selfOnly }: TableOptions,
): TableRow[] {
  const order = children ? byTotal : bySelf;
  const rows: TableRow[] = [];
  const byPlace = new Map<number, TableRow>();
  const placeCount = grouping.places.symbol.length;
  events.forEach((event, column) => {
    const weighty = overhead(profile, grouping, event, { selfOnly })
      .filter((row) => row.self.count > 0 || (children && row.total.count > 0));
    for (const row of weighty.sort(order)) {
      const key = row.group * placeCount + row.place;
      let into = byPlace.get(key);
      if (!into) {
        into = emptyRow(row, events.length);
        byPlace.set(key, into);
        rows.push(into);
      }
      into.self[column] = row.self;
      into.total[column] = row.total;
    }
  });
  return rows;
}

function emptyRow({ group, place }: OverheadRow, columns: number): TableRow {
  const nothing = () => Array.from({ length: columns }, () => ({ count: 0, period: 0 }));
  return { group, place, self: nothing(), total: nothing() };
}
