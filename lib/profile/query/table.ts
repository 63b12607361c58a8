/** Rows of a report over one event, or over several side by side. */

import { UsageError } from "../../base/system/errors.ts";
import { byTotal, overhead, type OverheadOptions, type OverheadRow } from "./aggregate.ts";
import type { Grouping } from "./groups.ts";
import { type Profile, sampleCount, totalPeriod, type Weight } from "../model/profile.ts";

/** Row of a table: group, place, and weight in each of the table's events. */
export interface TableRow {
  group: number;
  place: number;
  /** Weights by column of events. */
  self: Weight[];
  total: Weight[];
}

/** Total weights by event, which shares refer to. */
export interface ProfileTotals {
  count: readonly number[];
  period: readonly number[];
}

/** Adds up all samples of each event. */
export function profileTotals(profile: Profile): ProfileTotals {
  return {
    count: profile.events.map((_, event) => sampleCount(profile, event)),
    period: profile.events.map((_, event) => totalPeriod(profile, event)),
  };
}

/** Returns the rows of events that take samples, and do not just track processes and maps. */
export function sampledEventRows(profile: Profile): number[] {
  return profile.events.flatMap(({ tracksOnly }, event) => tracksOnly ? [] : [event]);
}

/** Most events side by side: a table of all rows by all events could be larger than any file. */
const MAX_COLUMNS = 256;

/** Throws UsageError if there are more events than a table has columns for. */
export function checkColumnCount(events: number): void {
  if (events <= MAX_COLUMNS) return;
  throw new UsageError(
    `cannot show ${events} events side by side: the limit is ${MAX_COLUMNS}: choose some with --event`,
  );
}

/** Options of tableRows(). */
export interface TableOptions extends OverheadOptions {
  /** Sort by total, and include rows that only called others. */
  children: boolean;
}

/** Weight of a row in an event that it has no samples of. */
const NOTHING: Weight = Object.freeze({ count: 0, period: 0 });

/**
 * Adds up the rows of a table, sorted by the first event, heaviest first; rows without weight there follow, by the next
 * event. Throws UsageError as checkColumnCount() does.
 */
export function tableRows(
  profile: Profile,
  grouping: Grouping,
  events: readonly number[],
  { children, selfOnly }: TableOptions,
): TableRow[] {
  checkColumnCount(events.length);
  const rows: TableRow[] = [];
  const byPlace = new Map<number, TableRow>();
  const placeCount = grouping.places.symbol.length;
  events.forEach((event, column) => {
    const weighty = overhead(profile, grouping, event, { selfOnly })
      .filter((row) => row.self.count > 0 || (children && row.total.count > 0));
    if (children) weighty.sort(byTotal);
    for (const row of weighty) {
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
  return { group, place, self: new Array(columns).fill(NOTHING), total: new Array(columns).fill(NOTHING) };
}
