/** Columns of the text report that identify a row, one per sort key, and the format of its numbers. */

import { red, yellow } from "@std/fmt/colors";
import { ABSENT, IntMap } from "../../base/bytes/int_map.ts";
import type { SortKey } from "../../profile/request/sort_keys.ts";
import { processNames } from "../../profile/model/profile.ts";
import type { SampleCounts } from "../../profile/query/query.ts";

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

/** Text behind the name of an inlined function. */
export const INLINED_MARK = " (inlined)";

/** Returns what texts add to the name of a place: INLINED_MARK for an inlined function, else nothing. */
export function inlinedMark({ places: { inlined } }: SampleCounts, place: number): string {
  return inlined?.[place] === 1 ? INLINED_MARK : "";
}

/**
 * Returns the mark of the mode that a place runs in, as perf writes it: `[k]` in the kernel, `[g]` in a virtual
 * machine, else `[.]`.
 */
function modeMark({ profile: { objects }, places: { kernel, object } }: SampleCounts, place: number): string {
  if (kernel[place]) return "[k]";
  return object[place] >= 0 && objects[object[place]].kind === "guest" ? "[g]" : "[.]";
}

/**
 * Returns the cell texts of counted samples: `4711:nginx` for processes and threads, `[k] do_idle` for symbols in the
 * kernel.
 */
export function cellTexts(counts: SampleCounts): CellText {
  const { profile } = counts;
  const processName = processNames(profile);
  const { threads, processes, comms } = profile;
  const threadRows = new IntMap(threads.tid), processRows = new IntMap(processes.pid);
  // A thread that was renamed goes by its last name, a main thread by its process's.
  const threadName = (tid: number) => {
    const process = processRows.get(tid);
    return comms[process === ABSENT ? threads.comm[threadRows.get(tid)] : processes.comm[process]];
  };
  return (key, { group, place }) => {
    if (key === "dso") return counts.objectOf(place);
    if (key === "sym") {
      return `${modeMark(counts, place)} ${counts.nameOf(place)}${inlinedMark(counts, place)}`;
    }
    if (key === "srcline") return counts.lineOf(place);
    const values = counts.valuesOf(group);
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
