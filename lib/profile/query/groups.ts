/** What the rows of a report are told apart by: sort keys, as perf names them. */

import { UsageError } from "../../base/system/errors.ts";
import { type AggregationKeys, aggregationKeysOf, type AggregationKind, byLine } from "./aggregation_keys.ts";
import type { Profile } from "../model/profile.ts";
import { StackTable } from "../model/tables.ts";

/** Keys of the thread or the moment a sample was taken in; `dso`, `sym` and `srcline` are keys of the place. */
export type SortKey = "comm" | "pid" | "tid" | "cpu" | "event" | "dso" | "sym" | "srcline";

export const SORT_KEYS: readonly SortKey[] = ["comm", "pid", "tid", "cpu", "dso", "sym", "srcline", "event"];
export const DEFAULT_SORT: readonly SortKey[] = ["comm", "dso", "sym"];

/** Other spellings of perf's. */
const ALIASES: Readonly<Record<string, SortKey>> = {
  symbol: "sym",
  command: "comm",
  tgid: "pid",
  line: "srcline",
};

/** Parses `comm,dso,sym`: keys in the order of their columns, each once. Throws UsageError. */
export function parseSortKeys(text: string): SortKey[] {
  const keys = text.split(",").map((word) => {
    const name = word.trim().toLowerCase();
    const key = ALIASES[name] ?? name;
    if (!(SORT_KEYS as readonly string[]).includes(key)) {
      throw new UsageError(
        `--sort '${text}': there is no key '${word}': the keys are ${SORT_KEYS.join(", ")}`,
      );
    }
    return key as SortKey;
  });
  return [...new Set(keys)];
}

/** Samples by all the keys that are not of the place: commands, processes, CPUs. A group's row is its identity. */
export interface Groups {
  keys: readonly SortKey[];
  /** Group of each row of `profile.samples`. */
  ofSample: Int32Array;
  /** For each group a row of `profile.samples` in it, which has its values. */
  example: Int32Array;
}

/** How a report tells its rows apart. */
export interface Grouping {
  groups: Groups;
  places: AggregationKeys;
}

/** The grouping by `keys`. */
export function groupBy(profile: Profile, keys: readonly SortKey[]): Grouping {
  const kind: AggregationKind = keys.includes("sym") ? "symbol" : keys.includes("dso") ? "object" : "none";
  const places = aggregationKeysOf(profile, kind);
  return {
    groups: groupsOf(profile, keys),
    places: keys.includes("srcline") ? byLine(profile, places) : places,
  };
}

/** The groups by those of `keys` that are not of the place; without any, one group. */
export function groupsOf(profile: Profile, keys: readonly SortKey[]): Groups {
  const { samples, threads } = profile;
  const columns = keys.flatMap((key) =>
    key === "comm" ? [threads.comm] : key === "pid" ? [threads.pid] : key === "tid" ? [threads.tid] : []
  );
  // the threads' groups first: they are few; a chain of pairs stands for any number of keys
  const table = new StackTable();
  const ofThread = new Int32Array(threads.pid.length);
  for (let thread = 0; thread < ofThread.length; thread++) {
    let group = table.intern(-1, 0);
    columns.forEach((column) => group = table.intern(group, column[thread]));
    ofThread[thread] = group;
  }
  const byCpu = keys.includes("cpu"), byEvent = keys.includes("event");
  const rowOf = new Map<number, number>();
  const example: number[] = [];
  const ofSample = new Int32Array(samples.count.length);
  for (let row = 0; row < ofSample.length; row++) {
    let group = ofThread[samples.thread[row]];
    if (byCpu) group = table.intern(group, samples.cpu[row]);
    if (byEvent) group = table.intern(group, samples.event[row]);
    let id = rowOf.get(group);
    if (id === undefined) {
      id = example.push(row) - 1;
      rowOf.set(group, id);
    }
    ofSample[row] = id;
  }
  return { keys, ofSample, example: Int32Array.from(example) };
}

/** What the samples of a group have in common. */
export interface GroupValues {
  comm: string;
  pid: number;
  tid: number;
  /** -1 when CPUs were not recorded, or not told apart. */
  cpu: number;
  /** Row of `profile.events`. */
  event: number;
}

/** The values of a group's samples under each key; those of keys that are not of `groups` mean nothing. */
export function groupValues(
  profile: Profile,
  groups: Groups,
  group: number,
): GroupValues {
  const { samples, threads, comms } = profile;
  const row = groups.example[group];
  const thread = samples.thread[row];
  return {
    comm: comms[threads.comm[thread]],
    pid: threads.pid[thread],
    tid: threads.tid[thread],
    cpu: samples.cpu[row],
    event: samples.event[row],
  };
}
