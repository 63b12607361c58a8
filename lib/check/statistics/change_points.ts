/**
 * Change points of a series: E-divisive in overlapping windows, and a t-test for each, in the way of Hunter (Fleming and
 * others, Hunter: Using Change Point Detection to Hunt for Performance Regressions, 2023) and of Apache Otava, which goes on
 * from it. Both steps are deterministic, so the same series has the same change points everywhere.
 *
 *   split: in each window, take the best split while its parts differ at ten times the probability of error
 *   merge: drop the least sure change point, until all are as sure as asked for, and as large
 *
 * The loose first step finds changes that others hide from a test; the second one tests each with its neighbours known.
 */

import { Splitter } from "./e_divisive.ts";
import { meansProbability, type Moments, momentsOf } from "./student_t.ts";

/** Change point of a series. */
export interface ChangePoint {
  /** Index of the first value after the change. */
  at: number;
  /** Probability of so large a difference of means by chance, as it was when the change point was last tested. */
  probability: number;
}

/** Options of changePoints(). */
export interface ChangePointOptions {
  /** Values that are looked at together; windows overlap by half. */
  window: number;
  /** Largest probability of a change point. */
  maxProbability: number;
  /** Relative difference that a change point is larger than, as a fraction of the smaller side. */
  minChange: number;
}

/** Options of Apache Otava, unless it is given others. */
export const CHANGE_POINT_DEFAULTS: ChangePointOptions = { window: 50, maxProbability: 0.001, minChange: 0 };

/** Change point with the largest relative difference that its sides have, from either one. */
interface TestedPoint extends ChangePoint {
  magnitude: number;
}

/** Returns the change points of `values`, ascending. */
export function changePoints(
  values: Float64Array,
  { window, maxProbability, minChange }: ChangePointOptions = CHANGE_POINT_DEFAULTS,
): ChangePoint[] {
  const loose = maxProbability < 0.05
    ? maxProbability * 10
    : maxProbability < 0.5
    ? maxProbability * 2
    : maxProbability;
  const found = splitInWindows(values, window, loose);
  const points = found.map((at, i) => tested(values, at, found[i - 1] ?? 0, found[i + 1] ?? values.length));
  return merged(points, values, { maxProbability, minChange }).map(({ at, probability }) => ({
    at,
    probability,
  }));
}

/** Returns the change points of all windows, ascending. The next window begins half a window later, or at the last change point beyond. */
function splitInWindows(values: Float64Array, window: number, maxProbability: number): number[] {
  const step = Math.floor(window / 2);
  const found = new Set<number>();
  for (let start = 0; start < values.length;) {
    const end = Math.min(start + window, values.length);
    const points = splitWindow(values.subarray(start, end), maxProbability);
    for (const at of points) found.add(start + at);
    start += Math.max(points.at(-1) ?? 0, step);
  }
  return [...found].sort((a, b) => a - b);
}

/** Returns the change points of one window, ascending: it is split at the best place until that one is not significant. */
function splitWindow(values: Float64Array, maxProbability: number): number[] {
  const splitter = new Splitter(values);
  const partOf = (from: number, to: number) => ({
    from,
    to,
    split: to - from > 1 ? splitter.best(from, to) : undefined,
  });
  let parts = [partOf(0, values.length)];
  for (;;) {
    let best: typeof parts[number] | undefined;
    for (const part of parts) {
      if (part.split && (best === undefined || part.split.q > best.split!.q)) best = part;
    }
    if (best === undefined) break;
    const { from, to, split } = best, { at } = split!;
    if (!(tested(values, at, from, to).probability <= maxProbability)) break;
    parts = parts.flatMap((part) => part === best ? [partOf(from, at), partOf(at, to)] : [part]);
  }
  return parts.slice(1).map(({ from }) => from);
}

/** Drops change points that are not significant, or too small, and returns the others. */
function merged(
  points: TestedPoint[],
  values: Float64Array,
  { maxProbability, minChange }: Pick<ChangePointOptions, "maxProbability" | "minChange">,
): TestedPoint[] {
  while (points.length > 0) {
    // NaN, of equal values on both sides, is dropped only as the first: as by Otava, whose results these are to equal
    let weakest = extreme(points, (one, other) => one.probability > other.probability);
    if (points[weakest].probability < maxProbability) {
      weakest = extreme(points, (one, other) => one.magnitude < other.magnitude);
      if (points[weakest].magnitude > minChange) break;
    }
    points = points.toSpliced(weakest, 1);
    // Otava tests these two again, and leaves the one before them as it was
    for (const i of [weakest, weakest + 1]) {
      if (i < points.length) {
        points[i] = tested(values, points[i].at, points[i - 1]?.at ?? 0, points[i + 1]?.at ?? values.length);
      }
    }
  }
  return points;
}

/** Returns the index of the first point that none goes beyond. */
function extreme(
  points: readonly TestedPoint[],
  isBeyond: (a: TestedPoint, b: TestedPoint) => boolean,
): number {
  let found = 0;
  points.forEach((point, i) => {
    if (isBeyond(point, points[found])) found = i;
  });
  return found;
}

/** Tests a change point between the values from `from` to it, and from it to `to`. */
function tested(values: Float64Array, at: number, from: number, to: number): TestedPoint {
  const before = momentsOf(values, from, at), after = momentsOf(values, at, to);
  return { at, probability: meansProbability(before, after), magnitude: magnitudeOf(before, after) };
}

function magnitudeOf({ mean: a }: Moments, { mean: b }: Moments): number {
  return Math.max(a === 0 ? 0 : Math.abs(b / a - 1), b === 0 ? 0 : Math.abs(a / b - 1));
}
