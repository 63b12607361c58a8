/** Trends as one HTML page that needs nothing else: a plot and a table of changes for each series. */

import { printable } from "../../base/text/printable.ts";
import { escapeXml } from "../../base/text/xml.ts";
import { formatQuantity } from "../metrics/format_quantity.ts";
import { formatSignedPercent } from "../output/result.ts";
import type { Trend, TrendChange } from "./trend.ts";
import { trendPlot } from "./trend_plot.ts";
import { commitRangeText, dayOf, probabilityText, summaryOf, type TrendReport } from "./trend_report.ts";
import { partsApart, titleOf } from "./trend_series.ts";
import { TREND_STYLE } from "./trend_style.ts";

/** Formats the page, a section for each series; those that regressed are listed first. */
export function* trendHtml(report: TrendReport): Generator<string> {
  const { file, trends, notes } = report;
  const partsOf = partsApart(trends.map(({ series }) => series));
  yield `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Trend: ${text(file)}</title>
<style>${TREND_STYLE}</style>
</head>
<body>
<main>
<h1>${text(file)}</h1>
<p class="muted">${text(summaryOf(report))}</p>
`;
  if (notes.length > 0) {
    yield `<ul class="notes">${notes.map((note) => `<li>${text(note)}</li>`).join("")}</ul>\n`;
  }
  const changed = trends.flatMap((trend, i) => trend.verdict === "pass" ? [] : [{ trend, i }]);
  if (changed.length > 0) {
    yield `<ul class="index">${
      changed.map(({ trend, i }) =>
        `<li>${verdict(trend)}<a href="#series-${i}">${text(titleOf(trend.series))}</a></li>`
      ).join("")
    }</ul>\n`;
  }
  for (const [i, trend] of trends.entries()) yield sectionOf(trend, i, partsOf.get(trend.series) ?? "");
  yield "</main>\n</body>\n</html>\n";
}

/** Escapes a text for the page, in one line. */
function text(value: string): string {
  return escapeXml(printable(value));
}

function verdict({ verdict }: Trend): string {
  return `<span class="verdict ${verdict}">${verdict}</span>`;
}

/** Formats the section of series `i`; `apart` tells it from others of its name, if there are any. */
function sectionOf(trend: Trend, i: number, apart: string): string {
  return `<section id="series-${i}">
<h2>${verdict(trend)}${text(titleOf(trend.series))}${
    apart && ` <span class="muted">(${text(apart)})</span>`
  }${trend.ended ? ' <span class="muted">no longer measured</span>' : ""}</h2>
<div class="wide">${trendPlot(trend)}</div>
${changeTable(trend)}</section>
`;
}

function changeTable(trend: Trend): string {
  if (trend.changes.length === 0) return "";
  const rows = trend.changes.toReversed().map((change) => changeRow(trend, change)).join("\n");
  return `<div class="wide"><table>
<tr><th>since</th><th>change</th><th>before</th><th>after</th><th>p</th><th>commits</th></tr>
${rows}
</table></div>
`;
}

function changeRow(trend: Trend, change: TrendChange): string {
  const { points, unit } = trend.series;
  const { at, before, after, permuted, sure, range, conditions } = change;
  const listed = [
    ...(range?.commits ?? []).map(({ name, subject }) => `<code>${text(name)}</code> ${text(subject)}`),
    ...conditions.map((condition) => `with ${text(condition)}`),
  ];
  const direction = !sure ? "" : change.change > 0 ? "regressed" : "improved";
  return `<tr><td class="number">${dayOf(points[at].time)}</td><td class="number ${direction}">${
    formatSignedPercent(change.change)
  }</td><td class="number">${text(formatQuantity(before, unit))}</td><td class="number">${
    text(formatQuantity(after, unit))
  }</td><td class="number">${text(probabilityText(permuted))}${sure ? "" : " (not sure)"}</td><td><code>${
    text(commitRangeText(trend, change))
  }</code>${
    listed.length > 0 ? `<ul>${listed.map((item) => `<li>${item}</li>`).join("")}</ul>` : ""
  }</td></tr>`;
}
