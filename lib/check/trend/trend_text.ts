/** Trends as text for people. */

import { bold, green, red } from "@std/fmt/colors";
import { append, greatest, least } from "../../base/bytes/lists.ts";
import { printable } from "../../base/text/printable.ts";
import { counted } from "../../base/text/plural.ts";
import { fit } from "../../base/text/width.ts";
import { wrap } from "../../base/text/wrap.ts";
import { formatQuantity } from "../metrics/format_quantity.ts";
import { formatSignedPercent } from "../output/result.ts";
import { marksBelow, sparkline } from "./sparkline.ts";
import type { Trend, TrendChange, TrendVerdict } from "./trend.ts";
import {
  commitName,
  commitRangeText,
  dayOf,
  probabilityText,
  summaryOf,
  type TrendReport,
} from "./trend_report.ts";
import { partsApart, titleOf } from "./trend_series.ts";

const COLORS: Record<TrendVerdict, (text: string) => string> = {
  pass: green,
  regressed: red,
  improved: green,
};

/** Changes of a series that are shown; the older ones are counted. */
const MAX_CHANGES = 5;

/** Formats for each series its verdict, a sparkline with a mark at each change, and the changes; then a summary. */
export function trendText(
  report: TrendReport,
  { colors, width }: { colors: boolean; width: number },
): string {
  const partsOf = partsApart(report.trends.map(({ series }) => series));
  const lines = report.trends.flatMap((trend) => {
    const { verdict, series } = trend;
    const word = colors ? bold(COLORS[verdict](verdict)) : verdict;
    const apart = partsOf.get(series);
    const title = printable(titleOf(series)) + (apart ? ` (${printable(apart)})` : "");
    const head = `${word}${" ".repeat(14 - verdict.length)}${title}${printable(verdictText(trend))}`;
    return [...wrap(head, width, "    "), ...seriesLines(trend, width), ""];
  });
  append(lines, wrap(printable(summaryOf(report)), width, "  "));
  append(lines, report.notes.flatMap((note) => wrap(`note: ${printable(note)}`, width, "  ")));
  return lines.join("\n") + "\n";
}

/** Returns what the verdict is about: ` +12.3% since 5d6e7f8a9 (2026-10-02)`. */
function verdictText({ series: { points }, ended, newest, rise }: Trend): string {
  if (ended) return ", no longer measured";
  if (newest === undefined) return "";
  const point = points[newest.at];
  const since = point.commit === undefined
    ? dayOf(point.time)
    : `${commitName(point)} (${dayOf(point.time)})`;
  const total = rise !== undefined && rise > newest.change * 1.1
    ? `, ${formatSignedPercent(rise)} in all`
    : "";
  return ` ${formatSignedPercent(newest.change)} since ${since}${total}`;
}

function seriesLines(trend: Trend, width: number): string[] {
  const { series: { points, unit }, changes } = trend;
  const values = points.map(({ value }) => value), inner = width - 2;
  const marks = new Map(changes.map(({ at, sure }) => [at, sure ? "^" : "?"]));
  const below = marksBelow(marks, values.length, inner);
  const [first, last] = [points[0], points[points.length - 1]];
  const extent = `${counted(points.length, "run")}, ${dayOf(first.time)} to ${dayOf(last.time)}, ` +
    `${formatQuantity(least(values), unit)} to ${formatQuantity(greatest(values), unit)}`;
  const shown = changes.slice(-MAX_CHANGES);
  const older = changes.length - shown.length;
  return [
    `  ${sparkline(values, inner)}`,
    ...(below === undefined ? [] : [`  ${below}`]),
    `  ${extent}`,
    ...(older > 0 ? [`  ${counted(older, "older change")}`] : []),
    ...shown.flatMap((change) => changeLines(trend, change, width)),
  ];
}

function changeLines(trend: Trend, change: TrendChange, width: number): string[] {
  const { points, unit } = trend.series;
  const { at, before, after, sure, permuted, range, conditions } = change;
  const figures = `${formatQuantity(before, unit)} -> ${formatQuantity(after, unit)}`;
  const commits = printable(commitRangeText(trend, change));
  const head = `  ${dayOf(points[at].time)} ${formatSignedPercent(change.change)} (${figures})${
    commits && ` ${commits}`
  }${sure ? "" : `; not sure: p ${probabilityText(permuted)}`}`;
  const listed = range?.commits ?? [];
  return [
    ...wrap(head, width, "    "),
    ...listed.map(({ name, subject }) => fit(`    ${printable(`${name} ${subject}`)}`, width)),
    ...(range && range.total > listed.length && listed.length > 0
      ? [`    and ${counted(range.total - listed.length, "older commit")}`]
      : []),
    ...conditions.flatMap((text) => wrap(`    with ${printable(text)}`, width, "      ")),
  ];
}
