/** The columns of the text report that say where, one a sort key, and how numbers are set. */

import { red, yellow } from "@std/fmt/colors";
import { ABSENT, IntMap } from "../../base/bytes/int_map.ts";
import { type Grouping, groupValues, type SortKey } from "../../profile/query/groups.ts";
import { placeLine, placeMark, placeName, placeObject } from "../../profile/query/aggregation_keys.ts";
import { processNames, type Profile } from "../../profile/model/profile.ts";

/** The titles of the columns. */
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

/** The text under a key for a row. */
export type CellText = (key: SortKey, row: { group: number; place: number }) => string;

/** Cell texts for a profile: `4711:nginx` for processes and threads, `[k] do_idle` for symbols in the kernel. */
export function cellTexts(profile: Profile, { groups, places }: Grouping): CellText {
  const processName = processNames(profile);
  const { threads, processes, comms } = profile;
  const threadRows = new IntMap(threads.tid), processRows = new IntMap(processes.pid);
  // a thread that changed its name goes by the last one, a main thread by its process's
  const threadName = (tid: number) => {
    const process = processRows.get(tid);
    return comms[process === ABSENT ? threads.comm[threadRows.get(tid)] : processes.comm[process]];
  };
  return (key, { group, place }) => {
    if (key === "dso") return placeObject(profile, places, place);
    if (key === "sym") return `${placeMark(profile, places, place)} ${placeName(profile, places, place)}`;
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

/** Colours a line by the share of the whole that it stands for, in percent, in perf's steps. */
export function colorByHeat(text: string, share: number): string {
  return share >= 5 ? red(text) : share >= 0.5 ? yellow(text) : text;
}

/** `  12.34%`, eight columns wide. */
export function percentText(part: number, whole: number): string {
  return `${(whole > 0 ? 100 * part / whole : 0).toFixed(2)}%`.padStart(8);
}
