/** Columns of the text report that identify a row, one per sort key, and the format of its numbers. */

import { red, yellow } from "@std/fmt/colors";
import { ABSENT, IntMap } from "../../base/bytes/int_map.ts";
import { type Grouping, groupValues } from "../../profile/query/groups.ts";
import type { SortKey } from "../../profile/request/sort_keys.ts";
import {
  inlinedMark,
  placeLine,
  placeMark,
  placeName,
  placeObject,
} from "../../profile/query/aggregation_keys.ts";
import { processNames, type Profile } from "../../profile/model/profile.ts";

/** Titles of the columns. */
export const TITLES: Record<SortKey, string> = {
  comm: "Command",
  pid: "Process",
  tid: "Thread",
  cpu: "CPU",
  dso: "Object",
  sym: "Symbol",
  srcline: "Source:Line",
  event: "Event",
};

/** Returns the text of a row's cell under a sort key. */
export type CellText = (key: SortKey, row: { group: number; place: number }) => string;

/**
 * Returns the cell texts of a profile: `4711:nginx` for processes and threads, `[k] do_idle` for symbols in the
 * kernel.
 */
export function cellTexts(profile: Profile, { groups, places }: Grouping): CellText {
  const processName = processNames(profile);
  const { threads, processes, comms } = profile;
  const threadRows = new IntMap(threads.tid), processRows = new IntMap(processes.pid);
  // A thread that was renamed goes by its last name, a main thread by its process's.
  const threadName = (tid: number) => {
    const process = processRows.get(tid);
    return comms[process === ABSENT ? threads.comm[threadRows.get(tid)] : processes.comm[process]];
  };
  return (key, { group, place }) => {
    if (key === "dso") return placeObject(profile, places, place);
    if (key === "sym") {
      const name = placeName(profile, places, place) + inlinedMark(places, place);
      return `${placeMark(profile, places, place)} ${name}`;
    }
    if (key === "srcline") return placeLine(profile, places, place);
    const values = groupValues(profile, groups, group);
    switch (key) {
      case "comm":
        return values.comm;
      case "pid":
        return `${String(values.pid).padStart(7)}:${processName(values.pid)}`;
      case "tid":
        return `${String(values.tid).padStart(7)}:${threadName(values.tid)}`;
      case "cpu":
        return values.cpu < 0 ? "-" : String(values.cpu);
      case "event":
        return profile.events[values.event].name;
    }
  };
}

/** Colors a line by its share of the whole, in percent, with perf's thresholds. */
export function colorByHeat(text: string, share: number): string {
  return share >= 5 ? red(text) : share >= 0.5 ? yellow(text) : text;
}

/** Formats a share, eight columns wide: `  12.34%`. */
export function percentText(part: number, whole: number): string {
  return `${(whole > 0 ? 100 * part / whole : 0).toFixed(2)}%`.padStart(8);
}
