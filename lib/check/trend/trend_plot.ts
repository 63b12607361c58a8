/** Plot of a series as SVG: a dot for each run, a line for each level, and a dashed line at each change. */

import { greatest, least, thinned } from "../../base/bytes/lists.ts";
import { escapeXml } from "../../base/text/xml.ts";
import { formatQuantity, formatScaled, scaleFor } from "../metrics/format_quantity.ts";
import { formatSignedPercent } from "../output/result.ts";
import type { Trend, TrendChange } from "./trend.ts";
import { commitName, dayOf } from "./trend_report.ts";

/** Size of the drawing, and the margins for labels, in units of its own. */
const WIDTH = 1060, HEIGHT = 210, LEFT = 76, RIGHT = 12, TOP = 18, BOTTOM = 24;
/** Horizontal lines, and days below, at most. */
const ROWS = 4, DAYS = 6;
/** Width of the label of a change. */
const LABEL_WIDTH = 48;
/** Dots, at most: of more runs, as many, evenly spread. */
const MAX_DOTS = 2000;

/** Places on the drawing. */
interface Axes {
  x(index: number): string;
  y(value: number): string;
  low: number;
  high: number;
}

/** Draws a trend. */
export function trendPlot(trend: Trend): string {
  const axes = axesOf(trend);
  return `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${escapeXml(labelOf(trend))}">${
    [grid(trend, axes), days(trend, axes), dots(trend, axes), levels(trend, axes), changeLines(trend, axes)]
      .join("")
  }</svg>`;
}

function labelOf({ series: { benchmark, points }, changes }: Trend): string {
  return `${benchmark}: ${points.length} runs, ${changes.length} changes`;
}

function axesOf({ series: { points } }: Trend): Axes {
  const values = points.map(({ value }) => value);
  const least_ = least(values), greatest_ = greatest(values);
  // flat series have room around them, and no more of it than tells them from others
  const margin = Math.max((greatest_ - least_) * 0.06, Math.abs(greatest_) * 1e-6, Number.MIN_VALUE);
  const low = least_ - margin, high = greatest_ + margin;
  const step = (WIDTH - LEFT - RIGHT) / Math.max(1, points.length);
  return {
    ...{ low, high },
    x: (index) => (LEFT + (index + 0.5) * step).toFixed(1),
    y: (value) => (TOP + (high - value) / (high - low) * (HEIGHT - TOP - BOTTOM)).toFixed(1),
  };
}

function grid({ series: { unit } }: Trend, { low, high, y }: Axes): string {
  const step = roundStep((high - low) / ROWS);
  // as many digits as tell one line from the next
  const scale = scaleFor(unit, Math.max(Math.abs(low), Math.abs(high)));
  const decimals = Math.max(0, Math.min(20, -Math.floor(Math.log10(step / scale.divisor) + 1e-9)));
  const lines: string[] = [];
  for (let value = Math.ceil(low / step) * step; value <= high && lines.length <= 2 * ROWS; value += step) {
    const label = `${formatScaled(value, { ...scale, decimals })} ${scale.unit}`.trimEnd();
    lines.push(
      `<line class="grid" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${y(value)}" y2="${y(value)}"/>` +
        `<text x="${LEFT - 8}" y="${y(value)}" dy="4" text-anchor="end">${escapeXml(label)}</text>`,
    );
  }
  return lines.join("");
}

/** Returns the smallest of 1, 2 and 5 times a power of ten that is not below `step`. */
function roundStep(step: number): number {
  const power = 10 ** Math.floor(Math.log10(step));
  return power * ([1, 2, 5].find((factor) => factor * power >= step) ?? 10);
}

function days({ series: { points } }: Trend, { x }: Axes): string {
  const last = points.length - 1;
  const shown = new Set(Array.from({ length: DAYS }, (_, i) => Math.round(i * last / (DAYS - 1))));
  return [...shown].map((i) => {
    const anchor = i === 0 ? "start" : i === last ? "end" : "middle";
    return `<text x="${x(i)}" y="${HEIGHT - 6}" text-anchor="${anchor}">${dayOf(points[i].time)}</text>`;
  }).join("");
}

function dots({ series: { points, unit } }: Trend, { x, y }: Axes): string {
  return thinned(points.map((_, i) => i), MAX_DOTS).map((i) => {
    const point = points[i];
    const text = `${dayOf(point.time)} ${commitName(point)}: ${formatQuantity(point.value, unit)}`;
    return `<circle class="run${point.dirty ? " dirty" : ""}" cx="${x(i)}" cy="${
      y(point.value)
    }" r="2.5"><title>${escapeXml(text)}</title></circle>`;
  }).join("");
}

function levels({ series: { points }, changes }: Trend, { x, y }: Axes): string {
  if (changes.length === 0) return "";
  const starts = [0, ...changes.map(({ at }) => at)];
  return starts.map((start, i) => {
    const end = (starts[i + 1] ?? points.length) - 1;
    const level = y(i === 0 ? changes[0].before : changes[i - 1].after);
    return `<line class="level" x1="${x(start - 0.4)}" x2="${x(end + 0.4)}" y1="${level}" y2="${level}"/>`;
  }).join("");
}

/** Draws a line at each change, with its size above unless the label would lie on the one before. */
function changeLines({ changes }: Trend, { x }: Axes): string {
  let free = -Infinity;
  return changes.map((change) => {
    const at = x(change.at - 0.5), isFree = Number(at) >= free;
    if (isFree) free = Number(at) + LABEL_WIDTH;
    const line = `<line class="change ${directionOf(change)}" x1="${at}" x2="${at}" y1="${TOP}" y2="${
      HEIGHT - BOTTOM
    }"/>`;
    const label = formatSignedPercent(change.change);
    return isFree ? `${line}<text x="${at}" y="${TOP - 5}" text-anchor="middle">${label}</text>` : line;
  }).join("");
}

function directionOf({ sure, change }: TrendChange): string {
  return !sure ? "unsure" : change > 0 ? "up" : "down";
}
