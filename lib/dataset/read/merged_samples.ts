/** Samples of many recordings, added up in the tables of one profile. */

import { float64Column, int32Column } from "../../base/bytes/column.ts";
import { PairIndex } from "../../base/bytes/pair_index.ts";
import type { Profile, ProfileEvent } from "../../profile/model/profile.ts";
import { SampleTable, TimeTable } from "../../profile/model/tables.ts";
import { idColumn, intColumn, longColumn, type Numbered, textColumn } from "./columns.ts";
import type { ParquetFile } from "./parquet_file.ts";
import type { DatasetRecording } from "./recordings.ts";
import type { DatasetSelection } from "./selection.ts";

/** Differences between samples that are of no interest. */
export interface SampleOptions {
  mergeCpus: boolean;
  mergeThreads: boolean;
  /** Keep the time of every sample. */
  times: boolean;
}

/** Samples of a row group that pass a selection, before their stacks are known. */
export interface SelectedSamples {
  group: number;
  /** Rows that pass; undefined if all do. */
  kept: Int32Array | undefined;
  rows: number;
  stacks: ReturnType<typeof idColumn>;
  /** Times in microseconds since 1970, where they were read. */
  time: Float64Array | undefined;
}

/** Event of a merged profile, whose rates are those of all recordings. */
interface MergedEvent extends Omit<ProfileEvent, "rate"> {
  rates: Set<string>;
}

/** Tables of samples that grow with each row group that is read. */
export class MergedSamples {
  readonly samples = new SampleTable();
  readonly times: TimeTable | undefined;
  /** Times of the first and the last sample in microseconds since 1970; Infinity and -Infinity if none has one. */
  first = Infinity;
  last = -Infinity;
  /** Number of row groups that were read, and of those that their statistics ruled out. */
  readonly groups = { read: 0, skipped: 0 };
  readonly #options: SampleOptions;
  readonly #events = new Map<string, number>();
  readonly #eventRows: MergedEvent[] = [];
  readonly #comms = new Map<string, number>();
  readonly #pids = int32Column();
  readonly #tids = int32Column();
  readonly #threadComms = int32Column();
  /** Threads as chains of a name, a pid and a tid, and the row of each. */
  readonly #chains = new PairIndex();
  readonly #rowOfChain = new Map<number, number>();
  readonly #names = new Map<number, string>();

  constructor(options: SampleOptions) {
    this.#options = options;
    this.times = options.times ? new TimeTable() : undefined;
  }

  /** Adds the events and the names of the processes of a recording. */
  addRecording({ events, processes }: DatasetRecording): void {
    for (const event of events) {
      const row = this.#eventRows[this.#eventOf(event.name)];
      row.rates.add(event.rate);
      row.tracksOnly = event.tracksOnly;
      if (event.isTracepoint) row.isTracepoint = true;
    }
    for (const [pid, comm] of processes) this.#names.set(pid, comm);
  }

  #eventOf(name: string): number {
    let row = this.#events.get(name);
    if (row === undefined) {
      row = this.#eventRows.push({ name, tracksOnly: false, rates: new Set() }) - 1;
      this.#events.set(name, row);
    }
    return row;
  }

  /** Finds the samples of a row group that pass a selection; undefined if its statistics or its columns say that none do. */
  select(
    file: ParquetFile,
    group: number,
    recordings: ReadonlySet<string>,
    { services, since, until }: DatasetSelection,
  ): SelectedSamples | undefined {
    if (isOutside(file, group, since, until)) {
      this.groups.skipped++;
      return undefined;
    }
    this.groups.read++;
    const tests: ((row: number) => boolean)[] = [];
    const within = ({ values, rows }: Numbered<string[]>, set: ReadonlySet<string>) => {
      const passes = values.map((value) => set.has(value));
      if (passes.includes(false)) tests.push((row) => rows[row] >= 0 && passes[rows[row]]);
    };
    within(textColumn(file.chunk(group, "recording")), recordings);
    if (services) within(textColumn(file.chunk(group, "service")), services);
    const timed = since !== undefined || until !== undefined;
    const time = timed || this.times ? longColumn(file.chunk(group, "time")) : undefined;
    if (timed) {
      const from = since ?? -Infinity, to = until ?? Infinity;
      tests.push((row) => time![row] >= from && time![row] < to);
    }
    const rows = Number(file.metadata.row_groups[group].num_rows);
    const kept = tests.length === 0 ? undefined : rowsThat(rows, (row) => tests.every((test) => test(row)));
    if (kept?.length === 0) return undefined;
    const stacks = idColumn(file.chunk(group, "stack_id"));
    for (const { length } of [stacks.rows, time ?? stacks.rows]) requireRows(length, rows);
    return { group, kept, rows, stacks, time };
  }

  /** Counts selected samples. `stackOf` has the row of each value of their column of stacks. */
  count(file: ParquetFile, { group, kept, rows, stacks, time }: SelectedSamples, stackOf: Int32Array): void {
    const { mergeCpus } = this.#options;
    const events = textColumn(file.chunk(group, "event")), weight = longColumn(file.chunk(group, "weight"));
    const eventOf = Int32Array.from(events.values, (name) => this.#eventOf(name));
    const cpus = mergeCpus ? undefined : intColumn(file.chunk(group, "cpu"));
    const threads = this.#threads(file, group);
    for (const { length } of [events.rows, weight, threads, cpus?.rows ?? weight]) requireRows(length, rows);
    const count = kept?.length ?? rows;
    for (let i = 0; i < count; i++) {
      const row = kept === undefined ? i : kept[i];
      const cpu = cpus === undefined || cpus.rows[row] < 0 ? -1 : cpus.values[cpus.rows[row]];
      const sample = this.samples.add(
        eventOf[events.rows[row]],
        threads[row],
        cpu,
        stackOf[stacks.rows[row]],
        weight[row],
      );
      if (time !== undefined && time[row] === time[row]) this.#timed(time[row], sample, weight[row]);
    }
  }

  #timed(time: number, sample: number, weight: number): void {
    if (time < this.first) this.first = time;
    if (time > this.last) this.last = time;
    this.times?.add(time, sample, weight);
  }

  /** Returns the row of the thread of each sample of a row group. */
  #threads(file: ParquetFile, group: number): Int32Array {
    const comms = textColumn(file.chunk(group, "comm"));
    const commOf = Int32Array.from(comms.values, (name) => this.#comm(name));
    if (this.#options.mergeThreads) {
      const threadOf = commOf.map((comm) => this.#thread(comm, -1, -1));
      return comms.rows.map((row) => threadOf[row]);
    }
    const pids = intColumn(file.chunk(group, "pid")), tids = intColumn(file.chunk(group, "tid"));
    const threads = new Int32Array(comms.rows.length);
    // most samples are of the thread of one of the few before
    const recent = new PairIndex(), threadOf = int32Column();
    for (let row = 0; row < threads.length; row++) {
      const pid = pids.rows[row], tid = tids.rows[row], comm = comms.rows[row];
      const key = recent.numberOf(recent.numberOf(recent.numberOf(-1, comm), pid), tid);
      while (threadOf.length <= key) threadOf.push(-1);
      let thread = threadOf.data[key];
      if (thread < 0) {
        thread = threadOf.data[key] = this.#thread(
          commOf[comm],
          pid < 0 ? -1 : pids.values[pid],
          tid < 0 ? -1 : tids.values[tid],
        );
      }
      threads[row] = thread;
    }
    return threads;
  }

  #comm(name: string): number {
    let row = this.#comms.get(name);
    if (row === undefined) this.#comms.set(name, row = this.#comms.size);
    return row;
  }

  #thread(comm: number, pid: number, tid: number): number {
    const chain = this.#chains.numberOf(this.#chains.numberOf(this.#chains.numberOf(-1, comm), pid), tid);
    let row = this.#rowOfChain.get(chain);
    if (row === undefined) {
      this.#rowOfChain.set(chain, row = this.#pids.push(pid));
      this.#tids.push(tid);
      this.#threadComms.push(comm);
    }
    return row;
  }

  /** Returns the tables of the profile. */
  tables(): Pick<Profile, "events" | "comms" | "threads" | "processes" | "samples" | "times"> {
    const pids = [...new Set(this.#pids.values())], threads = this.#threadComms.values();
    const names = [...this.#comms.keys()];
    const threadOf = new Map(Array.from(this.#pids.values(), (pid, row) => [pid, row] as const).reverse());
    const comm = pids.map((pid) => this.#comm(this.#names.get(pid) ?? names[threads[threadOf.get(pid)!]]));
    return {
      events: this.#eventRows.map(({ rates, ...event }) => ({ ...event, rate: [...rates].join(" and ") })),
      comms: [...this.#comms.keys()],
      threads: { pid: this.#pids.values(), tid: this.#tids.values(), comm: threads },
      processes: { pid: Int32Array.from(pids), comm: Int32Array.from(comm) },
      samples: this.samples.columns(),
      times: this.times && inOrder(this.times, this.first),
    };
  }
}

/** Returns whether the statistics of a row group say that no sample in it is within a time. */
function isOutside(file: ParquetFile, group: number, since = -Infinity, until = Infinity): boolean {
  const statistics = file.metadata.row_groups[group].columns
    .find(({ meta_data }) => meta_data?.path_in_schema[0] === "time")?.meta_data?.statistics;
  if (since === -Infinity && until === Infinity) return false;
  const { min_value: least, max_value: most } = statistics ?? {};
  if (typeof least !== "bigint" || typeof most !== "bigint") return false;
  return Number(most) < since || Number(least) >= until;
}

/** Returns the numbers below `count` that pass a test. */
function rowsThat(count: number, test: (row: number) => boolean): Int32Array {
  const rows = new Int32Array(count);
  let kept = 0;
  for (let row = 0; row < count; row++) if (test(row)) rows[kept++] = row;
  return rows.subarray(0, kept);
}

function requireRows(length: number, rows: number): void {
  if (length !== rows) throw new Error(`a column has ${length} rows, and its row group ${rows}`);
}

/** Returns the times in order, in ns since the first one. */
function inOrder({ at, sample, period }: TimeTable, first: number): Profile["times"] {
  const time = at.values(), order = Int32Array.from(time.keys());
  if (time.some((each, row) => row > 0 && each < time[row - 1])) {
    order.sort((a, b) => time[a] - time[b] || a - b);
  }
  const sorted = float64Column(), periods = float64Column(), samples = int32Column();
  for (const row of order) {
    sorted.push((time[row] - first) * 1000);
    samples.push(sample.data[row]);
    periods.push(period.data[row]);
  }
  return { at: sorted.values(), sample: samples.values(), period: periods.values() };
}
