/** The columns of the text report that say where, one a sort key, and how numbers and lines are set. */

import { red, yellow } from "@std/fmt/colors";
import { ABSENT, IntMap } from "../base/int_map.ts";
import { type Grouping, groupValues, type SortKey } from "../profile/groups.ts";
import { placeLine, placeMark, placeName, placeObject } from "../profile/places.ts";
import { processNames, type Profile } from "../profile/profile.ts";

const TITLES: Record<SortKey, string> = {
  comm: "Command",
  pid: "Process",
  tid: "Thread",
  cpu: "CPU",
  dso: "Object",
  sym: "Symbol",
  srcline: "Source:Line",
  event: "Event",
};

/** The most columns that a cell takes of a terminal's line, unless it is the last one. */
const WIDEST: Record<SortKey, number> = {
  comm: 16,
  pid: 24,
  tid: 24,
  cpu: 4,
  dso: 32,
  sym: 60,
  srcline: 40,
  event: 32,
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

/** What stands in the columns of a table: the titles, and the cells of a row, each in one line. */
export interface Cells {
  title: string;
  line(row: { group: number; place: number }): string;
}

/** The cells of a table with these rows, in columns as wide as their widest cell, but for those cut to fit a terminal. */
export function layCells(
  keys: readonly SortKey[],
  rows: readonly { group: number; place: number }[],
  text: CellText,
  width: number,
): Cells {
  const columns = keys.map((key, i) => {
    if (i === keys.length - 1 && key !== "cpu") return { key, set: (cell: string) => cell };
    const most = Math.max(TITLES[key].length, width === Infinity ? Infinity : WIDEST[key]);
    let wide = TITLES[key].length;
    for (let row = 0; row < rows.length && wide < most; row++) {
      wide = Math.max(wide, text(key, rows[row]).length);
    }
    const own = Math.min(wide, most);
    const set = (cell: string) => key === "cpu" ? cell.padStart(own) : fit(cell, own).padEnd(own);
    return { key, set };
  });
  return {
    title: columns.map(({ key, set }) => set(TITLES[key])).join("  "),
    line: (row) => columns.map(({ key, set }) => set(text(key, row))).join("  "),
  };
}

/** Colours a line by the share of the whole that it stands for, in percent, in perf's steps. */
export function heat(text: string, share: number): string {
  return share >= 5 ? red(text) : share >= 0.5 ? yellow(text) : text;
}

/** `  12.34%`, eight columns wide. */
export function percent(part: number, whole: number): string {
  return `${(whole > 0 ? 100 * part / whole : 0).toFixed(2)}%`.padStart(8);
}

/** The text, cut to the width if it is longer, which a … at its end says. */
export function fit(text: string, width: number): string {
  return text.length <= width ? text : text.slice(0, Math.max(1, width - 1)) + "…";
}
