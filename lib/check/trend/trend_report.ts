/** Trends of a history with what all ways to print them need. */

import { counted } from "../../base/text/plural.ts";
import type { Trend, TrendChange } from "./trend.ts";

/** Trends of a history. */
export interface TrendReport {
  /** Name of the history. */
  file: string;
  /** Branch that its runs are of; undefined for those of none. */
  branch?: string;
  trends: Trend[];
  /** Number of the last runs that decide. */
  recent: number;
  /** Notes to consider, a sentence each. */
  notes: string[];
}

/** Returns the day of a time in ms, in UTC: `2026-10-02`. */
export function dayOf(time: number): string {
  return new Date(time).toISOString().slice(0, 10);
}

/** Digits of an abbreviated commit. */
const SHORT = 9;

/** Returns a commit's abbreviated name, with a plus for uncommitted changes; `?` for none. */
export function commitName({ commit, dirty }: { commit?: string; dirty?: boolean }): string {
  return commit === undefined ? "?" : commit.slice(0, SHORT) + (dirty ? "+" : "");
}

/** Returns the commits that a change lies between: `1a2b3c4d5..5d6e7f8a9, 3 commits`; "" when none is known. */
export function commitRangeText({ series: { points } }: Trend, { at, range }: TrendChange): string {
  const [before, after] = [points[at - 1], points[at]];
  if (before.commit === undefined && after.commit === undefined) return "";
  if (before.commit === after.commit && !before.dirty && !after.dirty) {
    return `between two runs of ${
      commitName(after)
    }: the machine changed, or the run before is one of the new ones`;
  }
  const number = range && range.total > 0 ? `, ${counted(range.total, "commit")}` : "";
  return `${commitName(before)}..${commitName(after)}${number}`;
}

/** Returns what all trends come to in a sentence. */
export function summaryOf({ branch, trends, recent }: TrendReport): string {
  const number = (verdict: Trend["verdict"]) => trends.filter((trend) => trend.verdict === verdict).length;
  const runs = trends.reduce((sum, { series }) => sum + series.points.length, 0);
  return `${trends.length} series with ${counted(runs, "run")} of ${
    branch === undefined ? "no branch" : branch
  }: in the last ${recent} runs ${number("regressed")} regressed, ${number("improved")} improved`;
}

/** Formats a probability: `0.003`, `<0.001`. */
export function probabilityText(probability: number): string {
  return probability < 0.001 ? "<0.001" : probability.toFixed(3);
}
