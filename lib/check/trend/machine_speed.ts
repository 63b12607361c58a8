/**
 * Speed of the machine over time, by the calibration workload that ran beside each run: a change of times that it shares may be
 * the machine's.
 */

import { meansProbability, momentsOf } from "../statistics/student_t.ts";
import { splitProbability } from "../statistics/permutation_test.ts";
import type { TrendPoint } from "./trend_series.ts";

/** Runs of a series, and the change among them, by index. */
export interface RunsAround {
  start: number;
  at: number;
  end: number;
}

/** Probability by chance up to which the calibration workload has changed, too. */
const CHANGED = 0.05;

/**
 * Returns by how much the calibration workload changed with the values, as a fraction. Undefined when it did not, or changed
 * the other way, or did not run beside all of the runs.
 */
export function sharedChange(
  points: readonly TrendPoint[],
  { start, at, end }: RunsAround,
): number | undefined {
  const runs = points.slice(start, end);
  if (runs.some(({ gauge }) => gauge === undefined)) return undefined;
  const sides = (of: (point: TrendPoint) => number) => {
    const all = Float64Array.from(runs, of);
    return [momentsOf(all, 0, at - start), momentsOf(all, at - start, all.length)];
  };
  const [before, after] = sides(({ gauge }) => gauge!), [old, now] = sides(({ value }) => value);
  const isAlike = (after.mean - before.mean) * (now.mean - old.mean) > 0;
  return isAlike && meansProbability(before, after) <= CHANGED ? after.mean / before.mean - 1 : undefined;
}

/**
 * Returns the probability by the permutation test that the values changed by chance, where the calibration workload changed
 * with them: that of their ratios to it, and 1 where these changed the other way.
 */
export function probabilityBesideMachine(
  points: readonly TrendPoint[],
  { start, at, end }: RunsAround,
  enough: number,
): number {
  const ratios = Float64Array.from(points.slice(start, end), ({ value, gauge }) => value / gauge!);
  const change = (all: Float64Array) =>
    momentsOf(all, at - start, all.length).mean - momentsOf(all, 0, at - start).mean;
  const values = Float64Array.from(points.slice(start, end), ({ value }) => value);
  return change(ratios) * change(values) > 0 ? splitProbability(ratios, enough) : 1;
}
