/** Trends as JSON; docs/formats.md describes the format. */

import { JSON_SCHEMAS } from "../../base/text/json_schemas.ts";
import { jsonText } from "../../base/text/printable.ts";
import type { Trend, TrendChange } from "./trend.ts";
import type { TrendReport } from "./trend_report.ts";

/** Formats the report, a series a line. `status` is the exit status that goes with it. */
export function* trendJson(
  { file, branch = undefined, trends, recent, notes }: TrendReport,
  { status, version }: { status: number; version: string },
): Generator<string> {
  const head = { schema: JSON_SCHEMAS.trend, version, status, file, branch: branch ?? null, recent, notes };
  yield `${jsonText(head, 2).slice(0, -2)},\n  "series": [`;
  for (const [i, trend] of trends.entries()) yield `${i > 0 ? "," : ""}\n    ${jsonText(documentOf(trend))}`;
  yield "\n  ]\n}\n";
}

function documentOf({ series, changes, ended, verdict, rise }: Trend): object {
  const { benchmark, from, rung, unit, machine, points } = series;
  const time = (ms: number) => new Date(ms).toISOString();
  return {
    ...{ benchmark, from, rung, unit, machine, ended, verdict, rise },
    changes: changes.map((change) => changeOf(change, series.points)),
    points: points.map((point) => ({
      time: time(point.time),
      commit: point.commit ?? null,
      ...(point.dirty ? { dirty: true } : {}),
      value: point.value,
    })),
  };
}

function changeOf(change: TrendChange, points: Trend["series"]["points"]): object {
  const { at, before, after, probability, permuted, sure, conditions, range } = change;
  return {
    ...{ at, from: points[at - 1].commit ?? null, to: points[at].commit ?? null },
    ...{ before, after, change: Number.isFinite(change.change) ? change.change : null },
    ...{ probability, permuted, sure, conditions },
    ...(range ? { commits: range.commits, total: range.total } : {}),
  };
}
