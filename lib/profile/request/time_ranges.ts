/** Time ranges of a recording, as given to `--time`: parser and test. */

import { UsageError } from "../../base/system/errors.ts";

/** Point in time: ns of the recording's clock, or (`relative`) ns since the first sample. */
interface Moment {
  ns: bigint;
  relative: boolean;
}

/** Span between two points, both included. A missing end is open. */
export interface TimeSpan {
  from?: Moment;
  to?: Moment;
}

/** Spans of time, or slices of the recording: shares from 0 to 1 of the time between the first and the last sample. */
export type TimeSelection = { spans: TimeSpan[] } | { slices: [from: number, to: number][] };

/** Times of the first and the last sample, in ns of the recording's clock. */
export interface TimeExtent {
  first: bigint;
  last: bigint;
}

const FORMS = "FROM,TO in seconds of the recording's clock, +FROM,+TO in seconds from the first sample, " +
  "or slices of the whole such as 10%-20% or 10%/2";

/**
 * Parses perf's notation: `FROM,TO` with either end left out, several separated by blanks; `A%-B%`, `A%/N` (the Nth
 * slice of that size) and `A%` (from the start), several separated by commas. In addition, an end with a leading +
 * counts from the first sample. Throws UsageError.
 */
export function parseTimeRanges(text: string): TimeSelection {
  const refuse = (why: string) => new UsageError(`--time '${text}': ${why}: expected ${FORMS}`);
  if (text.includes("%")) {
    return {
      slices: text.split(",").map((part) => {
        const slice = parseSlice(part.trim());
        if (!slice) throw refuse(`'${part}' is not a slice`);
        if (slice[0] > slice[1]) throw refuse(`'${part}' ends before it starts`);
        if (slice[1] > 1) throw refuse(`'${part}' goes beyond 100%`);
        return slice;
      }),
    };
  }
  const spans = text.trim().split(/\s+/).map((part) => {
    const ends = part.split(",");
    if (ends.length > 2) throw refuse(`'${part}' has more than two ends`);
    const [from, to] = ends.map((end) => {
      if (end === "") return undefined;
      const moment = parseMoment(end);
      if (!moment) throw refuse(`'${end}' is not a time`);
      return moment;
    });
    if (!from && !to) throw refuse("neither end is given");
    if (from && to && from.relative === to.relative && from.ns > to.ns) {
      throw refuse(`'${part}' ends before it starts`);
    }
    return { from, to };
  });
  return { spans };
}

function parseSlice(text: string): [number, number] | undefined {
  const [, a, sign, b, unit] = /^(\d+(?:\.\d+)?)%(?:([-/])(\d+(?:\.\d+)?)(%?))?$/.exec(text) ?? [];
  if (a === undefined) return undefined;
  const from = Number(a) / 100;
  if (sign === undefined) return [0, from];
  if (sign === "-") return unit === "%" ? [from, Number(b) / 100] : undefined;
  const n = Number(b);
  return unit === "" && Number.isInteger(n) && n > 0 ? [from * (n - 1), from * n] : undefined;
}

function parseMoment(text: string): Moment | undefined {
  const [, plus, seconds, fraction = ""] = /^(\+?)(\d+)(?:\.(\d{1,9}))?$/.exec(text) ?? [];
  if (seconds === undefined) return undefined;
  return { relative: plus === "+", ns: BigInt(seconds) * 1_000_000_000n + BigInt(fraction.padEnd(9, "0")) };
}

/**
 * Returns a test whether a time, in ns since `base` (a time of the recording's clock), is in the ranges. Slices need
 * `extent`; spans take the first time tested for that of the first sample. NaN, the time of a sample without one, is in
 * no range.
 */
export function timeTest(
  ranges: TimeSelection,
  base: () => bigint,
  extent?: TimeExtent,
): (at: number) => boolean {
  // [from, to, from, to, ...], set at the first test, because the reader has no base before
  let ends: number[] | undefined;
  return (at) => {
    if (at !== at) return false;
    ends ??= "slices" in ranges
      ? sliceEnds(ranges.slices, base(), extent)
      : spanEnds(ranges.spans, base(), at);
    for (let i = 0; i < ends.length; i += 2) if (at >= ends[i] && at <= ends[i + 1]) return true;
    return false;
  };
}

function sliceEnds(slices: [number, number][], base: bigint, extent: TimeExtent | undefined): number[] {
  if (!extent) throw new Error("timeTest() of slices needs the extent of the recording");
  const first = Number(extent.first - base), last = Number(extent.last - base);
  return slices.flatMap(([from, to]) => {
    const start = first + Math.round(from * (last - first));
    const end = first + Math.round(to * (last - first));
    // a slice ends 1 ns before the next one starts, as in perf, so that no sample is in both
    return [start, end > start && end !== last ? end - 1 : end];
  });
}

function spanEnds(spans: TimeSpan[], base: bigint, first: number): number[] {
  const time = (moment: Moment | undefined, open: number) =>
    moment === undefined ? open : moment.relative ? first + Number(moment.ns) : Number(moment.ns - base);
  return spans.flatMap(({ from, to }) => [time(from, -Infinity), time(to, Infinity)]);
}

/** Formats a time of the recording's clock in seconds, as perf does: `12.345678901`. */
export function clockText(ns: bigint): string {
  return `${ns / 1_000_000_000n}.${String(ns % 1_000_000_000n).padStart(9, "0")}`;
}
