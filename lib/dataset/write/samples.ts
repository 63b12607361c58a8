/** Samples of a profile as a dataset has them: one row each, in the order of time. */

import { float64Column } from "../../base/bytes/column.ts";
import { isOffCpu, processNames, type Profile } from "../../profile/model/profile.ts";
import { AddressIndex } from "../../profile/model/tables.ts";
import {
  type Dictionary,
  idDictionary,
  intDictionary,
  longDictionary,
  textDictionary,
} from "./dictionaries.ts";
import type { DatasetStacks } from "./stacks.ts";
import type { TableFile } from "./table_file.ts";

/** Samples of a row group: so many that the dictionary of its stacks is small beside them. */
const GROUP_SAMPLES = 1 << 18;

/** Column whose values are those of a dictionary, by the row of `profile.samples`; -1 is null. */
interface SampleColumn {
  name: string;
  dictionary: Dictionary;
  ofSample: Int32Array;
}

/** Facts of the samples that the profile does not have. */
export interface SampleContext {
  recording: string;
  /** Name of the service; undefined: that of each sample's process. */
  service: string | undefined;
  /** Time of the first sample in microseconds since 1970; NaN if samples have no times. */
  base: number;
  stacks: DatasetStacks;
}

/** Writes the samples of a profile that has all `times`, those without a time included. */
export function writeSamples(file: TableFile, profile: Profile, context: SampleContext): void {
  const { at, sample, period } = profile.times!;
  const columns = columnsOf(profile, context);
  const weights = weightsOf(period);
  for (let from = 0; from < at.length; from += GROUP_SAMPLES) {
    const group = sample.subarray(from, from + GROUP_SAMPLES), end = from + group.length;
    file.deltas("time", microseconds(at.subarray(from, end), context.base));
    for (const { name, dictionary, ofSample } of columns) {
      if (name === "pid") writeWeights(file, weights, period.subarray(from, end), from);
      file.numbers(name, dictionary, gathered(ofSample, group));
    }
    file.endGroup(group.length);
  }
}

/** Converts ns since the first sample to microseconds since 1970. */
function microseconds(at: Float64Array, base: number): Float64Array {
  const times = new Float64Array(at.length);
  for (let i = 0; i < at.length; i++) times[i] = Math.floor(base + at[i] / 1000);
  return times;
}

function gathered(values: Int32Array, rows: Int32Array): Int32Array {
  const to = new Int32Array(rows.length);
  for (let i = 0; i < rows.length; i++) to[i] = values[rows[i]];
  return to;
}

/** Returns the columns but for times and weights, in the order of the schema. */
function columnsOf(profile: Profile, { recording, service, stacks }: SampleContext): SampleColumn[] {
  const { samples, threads, events, comms } = profile;
  const processName = processNames(profile);
  const ofThread = (name: string, values: readonly (string | number)[]): SampleColumn => {
    const { distinct, rows } = numbered(values);
    const dictionary = typeof distinct[0] === "string"
      ? textDictionary(distinct as string[])
      : intDictionary(distinct as number[]);
    return { name, dictionary, ofSample: gathered(rows, samples.thread) };
  };
  const cpus = numbered(Array.from(samples.cpu));
  const states = ["on-cpu", "off-cpu"],
    stateOf = Int32Array.from(events, ({ name }) => isOffCpu(name) ? 1 : 0);
  const pids = Array.from(threads.pid);
  return [
    {
      name: "recording",
      dictionary: textDictionary([recording]),
      ofSample: new Int32Array(samples.count.length),
    },
    { name: "event", dictionary: textDictionary(events.map(({ name }) => name)), ofSample: samples.event },
    { name: "state", dictionary: textDictionary(states), ofSample: gathered(stateOf, samples.event) },
    ofThread("pid", pids),
    ofThread("tid", Array.from(threads.tid)),
    { name: "cpu", dictionary: intDictionary(cpus.distinct), ofSample: cpus.rows },
    ofThread("comm", Array.from(threads.comm, (comm) => comms[comm])),
    ofThread("service", pids.map((pid) => service ?? processName(pid))),
    {
      name: "stack_id",
      dictionary: idDictionary(stacks.ids),
      ofSample: gathered(stacks.numberOf, samples.stack),
    },
  ];
}

/** Numbers values in the order in which they come; negative ones, which stand for unknown, have -1. */
function numbered<T extends string | number>(values: readonly T[]): { distinct: T[]; rows: Int32Array } {
  const numbers = new Map<T, number>(), distinct: T[] = [];
  const rows = Int32Array.from(values, (value) => {
    if (typeof value === "number" && value < 0) return -1;
    let number = numbers.get(value);
    if (number === undefined) numbers.set(value, number = distinct.push(value) - 1);
    return number;
  });
  return { distinct, rows };
}

/** Weights as numbers of a dictionary; undefined where there are too many for one. */
type Weights = { dictionary: Dictionary; rows: Int32Array } | undefined;

/** Most different weights of a dictionary. */
const MAX_WEIGHTS = 1 << 14;

function weightsOf(period: Float64Array): Weights {
  const index = new AddressIndex(), distinct = float64Column(), rows = new Int32Array(period.length);
  for (let i = 0; i < period.length; i++) {
    let number = index.find(0, period[i]);
    if (number < 0) {
      if (distinct.length === MAX_WEIGHTS) return undefined;
      index.put(0, period[i], number = distinct.push(period[i]));
    }
    rows[i] = number;
  }
  return { dictionary: longDictionary(distinct.values()), rows };
}

function writeWeights(file: TableFile, weights: Weights, period: Float64Array, from: number): void {
  if (weights) file.numbers("weight", weights.dictionary, weights.rows.subarray(from, from + period.length));
  else file.deltas("weight", period);
}
