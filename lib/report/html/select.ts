/** Computes what the page shows of its tables, in the browser: weights of a part of the profile. */

import { bucketCount, COMMAND, type PageTables } from "./tables.ts";

/** Selected part of the profile. */
export interface SampleSelection {
  /** Row of `events`. */
  event: number;
  /** Buckets of time, from 1 on and without `to`; undefined for all samples. */
  range?: { from: number; to: number };
  /** Lane of the timeline: the rows whose `of` is `is`; undefined for all. */
  lane?: { of: Int32Array; is: number };
}

/** Weights by stack: `self` of samples whose innermost frame it is, the others of all that went through it. */
export interface StackWeights {
  selfCount: Float64Array;
  selfPeriod: Float64Array;
  count: Float64Array;
  period: Float64Array;
  /** Weight of everything that was selected. */
  whole: { count: number; period: number };
}

/** Adds up the weights of a part of the profile. */
export function weighStacks(tables: PageTables, selection: SampleSelection): StackWeights {
  const { rows, cells, stacks, bucketStart } = tables;
  const size = stacks.parent.length;
  const selfCount = new Float64Array(size), selfPeriod = new Float64Array(size);
  const { range, lane } = selection;
  const first = range ? bucketStart[range.from] : 0;
  const end = range ? bucketStart[range.to] : cells.row.length;
  for (let cell = first; cell < end; cell++) {
    const row = cells.row[cell];
    if (rows.event[row] !== selection.event || (lane && lane.of[row] !== lane.is)) continue;
    const stack = rows.stack[row];
    selfCount[stack] += cells.count[cell];
    selfPeriod[stack] += cells.period[cell];
  }
  return withTotals(tables, selfCount, selfPeriod);
}

/** Returns the weights of the samples that have `place` in their stacks. */
export function weightsThrough(tables: PageTables, weights: StackWeights, place: number): StackWeights {
  const within = stacksThrough(tables, (each) => each === place);
  const part = (column: Float64Array) => column.map((weight, stack) => within[stack] ? weight : 0);
  return withTotals(tables, part(weights.selfCount), part(weights.selfPeriod));
}

/** Returns the weight of the samples that have a matching place in their stacks, each counted once. */
export function weightThrough(
  tables: PageTables,
  { selfCount, selfPeriod }: StackWeights,
  matches: (place: number) => boolean,
): { count: number; period: number } {
  const within = stacksThrough(tables, matches);
  const sum = { count: 0, period: 0 };
  for (let stack = 0; stack < within.length; stack++) {
    if (!within[stack]) continue;
    sum.count += selfCount[stack];
    sum.period += selfPeriod[stack];
  }
  return sum;
}

/** Returns 1 for each stack with a matching place in it, else 0. Each place is matched once. */
function stacksThrough(
  { stacks: { parent, place: placeOf }, places }: PageTables,
  matches: (place: number) => boolean,
): Uint8Array {
  const hits = Uint8Array.from(places.name, (_, place) => matches(place) ? 1 : 0);
  const within = new Uint8Array(parent.length);
  for (let stack = 0; stack < within.length; stack++) {
    within[stack] = hits[placeOf[stack]] || (parent[stack] >= 0 ? within[parent[stack]] : 0);
  }
  return within;
}

function withTotals(
  { stacks: { parent } }: PageTables,
  selfCount: Float64Array,
  selfPeriod: Float64Array,
): StackWeights {
  const count = selfCount.slice(), period = selfPeriod.slice();
  const whole = { count: 0, period: 0 };
  for (let stack = parent.length - 1; stack >= 0; stack--) {
    if (parent[stack] >= 0) {
      count[parent[stack]] += count[stack];
      period[parent[stack]] += period[stack];
    } else {
      whole.count += count[stack];
      whole.period += period[stack];
    }
  }
  return { selfCount, selfPeriod, count, period, whole };
}

/** Weights of a function; the totals count a sample once, however often the function is in its stack. */
export interface FunctionRow {
  place: number;
  selfCount: number;
  selfPeriod: number;
  totalCount: number;
  totalPeriod: number;
}

/** Function of two parts of the profile that are compared. */
export interface ComparedRow extends FunctionRow {
  /** Growth of its self weight since the base; below 0 where it shrank. */
  change: number;
}

/**
 * Returns the functions with any weight in a part of the profile or in its base, whose weights `scale` makes comparable. The
 * weights in a row are those of the part.
 */
export function comparedRows(
  tables: PageTables,
  weights: StackWeights,
  base: { weights: StackWeights; scale: number },
): ComparedRow[] {
  // as flame graphs do: samples, where they have no periods
  const measure = weights.whole.period > 0 || base.weights.whole.period > 0 ? "selfPeriod" : "selfCount";
  const rows = functionRows(tables, weights).map((row): ComparedRow => ({ ...row, change: row[measure] }));
  const byPlace = new Map(rows.map((row) => [row.place, row]));
  for (const other of functionRows(tables, base.weights)) {
    const { place } = other;
    let row = byPlace.get(place);
    if (!row) {
      rows.push(row = { place, selfCount: 0, selfPeriod: 0, totalCount: 0, totalPeriod: 0, change: 0 });
    }
    row.change -= base.scale * other[measure];
  }
  return rows;
}

/** Returns the functions with any weight. Commands are not functions. */
export function functionRows(tables: PageTables, weights: StackWeights): FunctionRow[] {
  const { stacks, places } = tables;
  const rows = new Map<number, FunctionRow>();
  const outermost = outermostStacks(tables);
  for (let stack = 0; stack < outermost.length; stack++) {
    const place = stacks.place[stack];
    if (weights.count[stack] === 0 || places.object[place] === COMMAND) continue;
    let row = rows.get(place);
    if (!row) {
      row = { place, selfCount: 0, selfPeriod: 0, totalCount: 0, totalPeriod: 0 };
      rows.set(place, row);
    }
    row.selfCount += weights.selfCount[stack];
    row.selfPeriod += weights.selfPeriod[stack];
    if (outermost[stack] === 0) continue;
    row.totalCount += weights.count[stack];
    row.totalPeriod += weights.period[stack];
  }
  return [...rows.values()];
}

const outermostOf = new WeakMap<PageTables, Uint8Array>();

/** Returns 1 for each stack where no caller is the same place, else 0. Takes one step down and one up for each stack. */
function outermostStacks(tables: PageTables): Uint8Array {
  let outermost = outermostOf.get(tables);
  if (outermost) return outermost;
  const { parent, place } = tables.stacks, size = parent.length;
  outermost = new Uint8Array(size);
  const firstChild = new Int32Array(size).fill(-1), sibling = new Int32Array(size).fill(-1);
  const roots: number[] = [];
  for (let stack = 0; stack < size; stack++) {
    const caller = parent[stack];
    if (caller < 0) roots.push(stack);
    else {
      sibling[stack] = firstChild[caller];
      firstChild[caller] = stack;
    }
  }
  // number of stacks on the way down that are at each place
  const entered = new Uint32Array(place.reduce((most, one) => Math.max(most, one), -1) + 1);
  for (const root of roots) {
    for (let stack = root, down = true; stack >= 0;) {
      if (down) outermost[stack] = entered[place[stack]]++ === 0 ? 1 : 0;
      if (down && firstChild[stack] >= 0) {
        stack = firstChild[stack];
        continue;
      }
      entered[place[stack]]--;
      down = stack !== root && sibling[stack] >= 0;
      stack = stack === root ? -1 : down ? sibling[stack] : parent[stack];
    }
  }
  outermostOf.set(tables, outermost);
  return outermost;
}

/** Lanes of a timeline. */
export interface TimelineLanes {
  /** Lane of each row of `rows`. */
  ofRow: Int32Array;
  /** Labels, all different. */
  labels: string[];
  /** Samples of one event by lane and bucket (lane * bucketCount + bucket - 1). */
  counts: Float64Array;
  /** Number of CPUs or threads that share the last lane; 0 when each has its own. */
  others: number;
}

/**
 * Returns at most `most` lanes: by CPU in their order, or by thread with the most samples first. The rest shares the last
 * one.
 */
export function lanesOf(
  tables: PageTables,
  event: number,
  by: "cpu" | "thread",
  most: number,
): TimelineLanes {
  const { rows, threads, comms, cells, bucketStart } = tables;
  const keys = by === "cpu" ? rows.cpu : rows.thread;
  const weight = new Map<number, number>();
  for (let cell = 0; cell < cells.row.length; cell++) {
    const row = cells.row[cell];
    if (rows.event[row] !== event) continue;
    weight.set(keys[row], (weight.get(keys[row]) ?? 0) + cells.count[cell]);
  }
  const ordered = [...weight.keys()].sort((a, b) =>
    by === "cpu" ? a - b : weight.get(b)! - weight.get(a)! || a - b
  );
  const shown = ordered.length > most ? ordered.slice(0, most - 1) : ordered;
  const others = ordered.length - shown.length;
  const laneOf = new Map(shown.map((key, lane) => [key, lane]));
  const names = shown.map((key) => {
    if (by === "cpu") return key < 0 ? "CPU ?" : `CPU ${key}`;
    return `${comms[threads.comm[key]]} ${threads.tid[key]}`;
  });
  // a thread id that was used again may be of the same name
  const labels = names.map((name, lane) =>
    names.indexOf(name) === lane ? name : `${name} of ${threads.pid[shown[lane]]}, lane ${lane + 1}`
  );
  if (others > 0) labels.push(`${others} more ${by === "cpu" ? "CPUs" : "threads"}`);
  const ofRow = keys.map((key) => laneOf.get(key) ?? shown.length);
  const buckets = bucketCount(tables);
  const counts = new Float64Array(labels.length * buckets);
  for (let bucket = 1; bucket <= buckets; bucket++) {
    for (let cell = bucketStart[bucket]; cell < bucketStart[bucket + 1]; cell++) {
      const row = cells.row[cell];
      if (rows.event[row] === event) counts[ofRow[row] * buckets + bucket - 1] += cells.count[cell];
    }
  }
  return { ofRow, labels, counts, others };
}
