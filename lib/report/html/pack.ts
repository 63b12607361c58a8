/** Packs a profile into the tables of a page: frames become places, times become buckets. */

import { int32Column } from "../../base/bytes/column.ts";
import { type Profile, weightUnit } from "../../profile/model/profile.ts";
import { ProfileQuery, type SampleCounts } from "../../profile/query/query.ts";
import { SampleTable, StackTable } from "../../profile/model/tables.ts";
import type { PageRows } from "./pack_code.ts";
import { COMMAND, type PageTables } from "./tables.ts";
import { type TimeGrid, timeGrid } from "./time_grid.ts";

/** Number of buckets that time is cut into, at most: more than a screen has columns, and enough for a heat map. */
const MAX_BUCKETS = 6000;
/** Number of buckets that a heat map of few samples has at most: shades need several samples in a bucket. */
const MAX_BUCKETS_OF_FEW = 1000;
/** Number of buckets of a recording of more than SOME_SAMPLES, at most: with more its page would be larger. */
const MAX_BUCKETS_OF_MANY = 2000;
const SOME_SAMPLES = 100_000;
/** Number of cells beyond which buckets get longer: these are about 3 MB of page. */
const MAX_CELLS = 1_000_000;
/** Number of buckets at least, whatever the size of the page, so that ranges can be told apart. */
const MIN_BUCKETS = 125;

/** Returns the tables of a profile. Without `profile.times` no sample is in a bucket of time. */
export function packProfile(profile: Profile): PageTables {
  return packWithRows(profile).tables;
}

/** Returns the tables of a profile, and which of their rows its places by symbol and events became. */
export function packWithRows(profile: Profile): { tables: PageTables; rows: PageRows } {
  const { stacks, places, sampleRows, ofPlace } = mergedRows(profile);
  const { cells, bucketStart, bucketNs, columnBuckets } = bucketsOf(profile, sampleRows);
  const events = new ProfileQuery(profile).sampledEvents().map((event) => profile.events[event]);
  const timed = bucketNs > 0;
  const tables = {
    start: timed ? String(profile.meta.start) : "",
    bucketNs,
    columnBuckets,
    events: events.map(({ name, rate }) => ({
      name,
      rate,
      unit: weightUnit(name),
    })),
    objects: profile.objects.map(({ name, kind }) => ({ name, kind })),
    ...places,
    comms: profile.comms,
    stacks,
    threads: profile.threads,
    rows: sampleRows.rows,
    cells,
    bucketStart,
  };
  const ofEvent = new Int32Array(profile.events.length).fill(-1);
  new ProfileQuery(profile).sampledEvents().forEach((event, row) => ofEvent[event] = row);
  return { tables, rows: { ofPlace, ofEvent } };
}

/** Distinct samples of the page, and the row that each row of `profile.samples` went into (-1: none). */
interface SampleRows {
  rows: PageTables["rows"];
  of: Int32Array;
}

/** Merges samples by their stacks of places, which are rooted in commands. */
function mergedRows(profile: Profile): {
  stacks: PageTables["stacks"];
  places: Pick<PageTables, "places" | "names">;
  sampleRows: SampleRows;
  ofPlace: Int32Array;
} {
  const { samples, threads } = profile;
  const query = new ProfileQuery(profile), counts = query.by(["sym"]), { ofFrame } = counts.places;
  const used = new PlaceList(counts);
  const table = new StackTable();
  const eventOf = new Int32Array(profile.events.length).fill(-1);
  query.sampledEvents().forEach((event, column) => eventOf[event] = column);
  // by command: commands share stacks in a profile, but not in a page
  const stackOf = profile.comms.map(() => new Map<number, number>());
  const path: number[] = [];
  const rows = new SampleTable();
  const of = new Int32Array(samples.count.length).fill(-1);
  for (let s = 0; s < of.length; s++) {
    const event = eventOf[samples.event[s]];
    if (event < 0) continue;
    const comm = threads.comm[samples.thread[s]];
    const known = stackOf[comm];
    path.length = 0;
    let from = samples.stack[s];
    while (from >= 0 && !known.has(from)) {
      path.push(from);
      from = profile.stacks.parent[from];
    }
    let node = from >= 0 ? known.get(from)! : table.intern(-1, used.command(comm));
    for (let i = path.length - 1; i >= 0; i--) {
      node = table.intern(node, used.place(ofFrame[profile.stacks.frame[path[i]]]));
      known.set(path[i], node);
    }
    of[s] = rows.add(event, samples.thread[s], samples.cpu[s], node, 0);
  }
  const { event, thread, cpu, stack } = rows.columns();
  return {
    stacks: { parent: table.parent.values(), place: table.frame.values() },
    places: used.tables(),
    ofPlace: used.ofPlace,
    sampleRows: { rows: { event, thread, cpu, stack }, of },
  };
}

/** Collects the places that occur, and numbers them as they come. */
class PlaceList {
  readonly #counts: SampleCounts;
  /** Number of each place that occurs; -1 for others. */
  readonly ofPlace: Int32Array;
  readonly #ofCommand: Int32Array;
  readonly #names: string[] = [];
  readonly #nameIds = new Map<string, number>();
  readonly #name = int32Column();
  readonly #named = int32Column();
  readonly #object = int32Column();
  readonly #kernel = int32Column();
  readonly #inlined = int32Column();

  /** @param counts samples by symbol. */
  constructor(counts: SampleCounts) {
    this.#counts = counts;
    this.ofPlace = new Int32Array(counts.places.symbol.length).fill(-1);
    this.#ofCommand = new Int32Array(counts.profile.comms.length).fill(-1);
  }

  place(place: number): number {
    const known = this.ofPlace[place];
    if (known >= 0) return known;
    const { symbol, object, kernel, inlined } = this.#counts.places;
    this.#named.push(symbol[place] < 0 ? 0 : 1);
    this.#inlined.push(inlined?.[place] ?? 0);
    return this.ofPlace[place] = this.#add(this.#counts.nameOf(place), object[place], kernel[place]);
  }

  command(comm: number): number {
    const known = this.#ofCommand[comm];
    if (known >= 0) return known;
    this.#named.push(1);
    this.#inlined.push(0);
    return this.#ofCommand[comm] = this.#add(this.#counts.profile.comms[comm], COMMAND, 0);
  }

  tables(): Pick<PageTables, "places" | "names"> {
    return {
      names: this.#names,
      places: {
        name: this.#name.values(),
        named: this.#named.values(),
        object: this.#object.values(),
        kernel: this.#kernel.values(),
        inlined: this.#inlined.values(),
      },
    };
  }

  #add(name: string, object: number, kernel: number): number {
    this.#object.push(object);
    this.#kernel.push(kernel);
    return this.#name.push(this.#nameId(name));
  }

  #nameId(name: string): number {
    let id = this.#nameIds.get(name);
    if (id === undefined) this.#nameIds.set(name, id = this.#names.push(name) - 1);
    return id;
  }
}

type Buckets = Pick<PageTables, "cells" | "bucketStart" | "bucketNs" | "columnBuckets">;

/** Counts samples by bucket of time and row, in buckets as short as MAX_CELLS lets them be. */
function bucketsOf(profile: Profile, sampleRows: SampleRows): Buckets {
  const { times } = profile;
  if (!times?.at.length) return cellsOf(profile, sampleRows, { bucketNs: 0, columnBuckets: 0 }, 0);
  const last = times.at[times.at.length - 1];
  for (let most = mostBuckets(times.at.length);; most = most >> 1) {
    const grid = timeGrid(last + 1, most);
    const count = Math.floor(last / grid.bucketNs) + 1;
    const buckets = cellsOf(profile, sampleRows, grid, count);
    if (buckets.cells.row.length <= MAX_CELLS || most >> 1 < MIN_BUCKETS) return buckets;
  }
}

function mostBuckets(samples: number): number {
  if (samples > SOME_SAMPLES) return MAX_BUCKETS_OF_MANY;
  return Math.min(MAX_BUCKETS, Math.max(MAX_BUCKETS_OF_FEW, samples >> 1));
}

/** Counts samples by bucket and row, in `bucketCount` buckets of a grid. */
function cellsOf(
  profile: Profile,
  { rows, of }: SampleRows,
  { bucketNs, columnBuckets }: TimeGrid,
  bucketCount: number,
): Buckets {
  const { samples, times } = profile;
  // samples that the table of times does not have are without a time
  const restCount = samples.count.slice(), restPeriod = samples.period.slice();
  for (let t = 0; times && bucketNs > 0 && t < times.at.length; t++) {
    restCount[times.sample[t]]--;
    restPeriod[times.sample[t]] -= times.period[t];
  }
  const row = int32Column();
  const bucketStart = new Int32Array(bucketCount + 2);
  // weights of each row in the bucket that is being filled, and which rows have any
  const count = new Float64Array(rows.stack.length), period = new Float64Array(rows.stack.length);
  const cellCount: number[] = [], cellPeriod: number[] = [];
  let filled: number[] = [];
  const put = (s: number, n: number, weight: number) => {
    const to = of[s];
    if (to < 0) return;
    if (count[to] === 0) filled.push(to);
    count[to] += n;
    period[to] += weight;
  };
  const close = () => {
    filled.sort((a, b) => a - b);
    for (const each of filled) {
      row.push(each);
      cellCount.push(count[each]);
      cellPeriod.push(Math.round(period[each])); // whole in recordings, if not in made-up profiles
      count[each] = period[each] = 0;
    }
    filled = [];
  };
  for (let s = 0; s < restCount.length; s++) if (restCount[s] > 0) put(s, restCount[s], restPeriod[s]);
  close();
  for (let bucket = 1, t = 0; bucket <= bucketCount; bucket++) {
    bucketStart[bucket] = row.length;
    const end = bucket * bucketNs;
    for (; times && t < times.at.length && times.at[t] < end; t++) put(times.sample[t], 1, times.period[t]);
    close();
  }
  bucketStart[bucketCount + 1] = row.length;
  return {
    bucketNs,
    columnBuckets,
    bucketStart,
    cells: {
      row: row.values(),
      count: Float64Array.from(cellCount),
      period: Float64Array.from(cellPeriod),
    },
  };
}
