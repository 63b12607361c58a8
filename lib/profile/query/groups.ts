/** Groups of samples by sort keys. */

import { type AggregationKeys, aggregationKeysOf, type AggregationKind, byLine } from "./aggregation_keys.ts";
import type { Profile } from "../model/profile.ts";
import { StackTable } from "../model/tables.ts";
import type { SortKey } from "../request/sort_keys.ts";

/** Samples grouped by the keys that are not of the place: commands, processes, CPUs. A group's row is its identity. */
export interface Groups {
  keys: readonly SortKey[];
  /** Group of each row of `profile.samples`. */
  ofSample: Int32Array;
  /** One row of `profile.samples` in each group, to look up the group's values. */
  example: Int32Array;
}

/** Grouping of the rows of a report: groups of samples, and places of frames. */
export interface Grouping {
  groups: Groups;
  places: AggregationKeys;
}

/** Maps frames to the places that `keys` split them by, or to those of `kind`. */
export function placesBy(
  profile: Profile,
  keys: readonly SortKey[],
  kind: AggregationKind = keys.includes("sym") ? "symbol" : keys.includes("dso") ? "object" : "none",
): AggregationKeys {
  const places = aggregationKeysOf(profile, kind);
  return keys.includes("srcline") ? byLine(profile, places) : places;
}

/** Groups samples by those of `keys` that are not of the place; all are one group if there are none. */
export function sampleGroups(profile: Profile, keys: readonly SortKey[]): Groups {
  const { samples, threads } = profile;
  const columns = keys.flatMap((key) =>
    key === "comm" ? [threads.comm] : key === "pid" ? [threads.pid] : key === "tid" ? [threads.tid] : []
  );
  // threads are grouped first, as they are few; a chain of pairs stands for any number of keys
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

/** Values that the samples of a group have in common. */
export interface GroupValues {
  comm: string;
  pid: number;
  tid: number;
  /** CPU number; -1 when not recorded, or not told apart. */
  cpu: number;
  /** Row of `profile.events`. */
  event: number;
}

/** Returns the values of a group's samples. Those of keys that are not in `groups` are of one sample only. */
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
