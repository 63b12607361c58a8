/** Formats samples and lists of named sets as text and as JSON. */

import { JSON_SCHEMAS } from "../../base/text/json_schemas.ts";
import { columnWidths } from "../../base/bytes/lists.ts";
import { jsonText, printable } from "../../base/text/printable.ts";
import type { PlaceCounts, SetBuffer } from "../open/bound_set.ts";
import type { SetAnswer, SetInfo } from "./protocol.ts";
import type { RegistryEntry } from "./registry.ts";
import { describeTarget } from "./set_target.ts";

/** Aligns columns, to the left for the indices in `left`, else to the right. Every line has a newline. */
function table(given: readonly string[][], left: readonly number[]): string {
  const rows = given.map((row) => row.map(printable));
  const widths = columnWidths(rows);
  const cell = (text: string, column: number) =>
    left.includes(column) ? text.padEnd(widths[column]) : text.padStart(widths[column]);
  return rows.map((row) => row.map(cell).join("  ").trimEnd() + "\n").join("");
}

/**
 * Formats a sample: a header, a row for each place of the set if `each` is set, and a row for the whole. hrtime and
 * tick are in ns. A place's counts include the presets, as the whole's do.
 */
export function bufferText(info: SetInfo, buffer: SetBuffer, each: boolean): string {
  const titles = info.counters.map(({ name, unit }) => unit ? `${name}(${unit})` : name);
  const row = (place: string, { tickNs, counts }: Omit<PlaceCounts, "place">) => [
    ...(each ? [place] : []),
    String(buffer.hrtimeNs),
    String(tickNs),
    ...counts.map(String),
  ];
  const rows = [
    [...(each ? ["place"] : []), "hrtime", "tick", ...titles],
    ...(each ? buffer.places.map((place) => row(place.place, place)) : []),
    row("total", buffer),
  ];
  return table(rows, each ? [0] : []);
}

/**
 * Returns the final counts of a set as part of a sentence: `its last counts are page-faults 12, task-clock 34 ns`.
 */
export function lastCounts({ info, buffer }: SetAnswer): string {
  if (!buffer) return "it had lost its counters, so there are no last counts";
  const counts = info.counters.map(({ name, unit }, i) => `${name} ${buffer.counts[i]} ${unit}`.trimEnd());
  return `its last counts are ${counts.join(", ")}`;
}

/** Formats a sample as one line of JSON, with `places` if `each` is set. */
export function bufferJson(info: SetInfo, buffer: SetBuffer | undefined, each: boolean): string {
  const counts = (values: readonly bigint[]) =>
    values.map((count, i) => ({ ...info.counters[i], count: jsonInteger(count) }));
  return jsonText({
    schema: JSON_SCHEMAS.sample,
    name: info.name,
    state: info.state,
    ...overflowJson(info),
    ...(buffer
      ? {
        hrtime: jsonInteger(buffer.hrtimeNs),
        tick: jsonInteger(buffer.tickNs),
        counts: counts(buffer.counts),
      }
      : { counts: null }),
    ...(buffer && each
      ? {
        places: buffer.places.map((p) => ({
          place: p.place,
          tick: jsonInteger(p.tickNs),
          counts: counts(p.counts),
        })),
      }
      : {}),
  }) + "\n";
}

/** Returns the last overflow for JSON; nothing when there was none. */
function overflowJson({ overflow }: SetInfo) {
  return overflow ? { overflow: { ...overflow, hrtimeNs: jsonInteger(overflow.hrtimeNs) } } : {};
}

/**
 * Describes the last overflow of a set that had one: `an overflow of page-faults in thread 412 at hot+0x1c (ratio)`.
 */
export function overflowText({ counters, overflow }: SetInfo): string {
  if (!overflow) return "an overflow";
  const { counter, tid, text, object } = overflow;
  return `an overflow of ${counters[counter].name} in thread ${tid} at ${text}${
    object ? ` (${object})` : ""
  }`;
}

/** Returns a number, or a string of digits above 2^53, where readers of JSON would round. */
function jsonInteger(value: bigint): number | string {
  return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : String(value);
}

/** Formats the list of sets as text, one row each. */
export function setsText(entries: readonly RegistryEntry[]): string {
  const rows = entries.map((entry) => {
    if ("problem" in entry) return [entry.name, "unknown", "", "", ""];
    const { info } = entry.answer;
    const events = info.counters.map(({ name }) => name).join(",");
    return [info.name, info.state, isoTime(info.boundAtMs), describeTarget(info.target), events];
  });
  return table([["name", "state", "since", "target", "events"], ...rows], [0, 1, 2, 3, 4]);
}

/** Formats the list of sets as lines of JSON. */
export function setsJson(entries: readonly RegistryEntry[]): string {
  const schema = JSON_SCHEMAS.set;
  return entries.map((entry) =>
    "problem" in entry ? jsonText({ schema, ...entry }) + "\n" : infoJson(entry.answer.info)
  ).join("");
}

/** Formats a set as a line of JSON. */
export function infoJson(info: SetInfo): string {
  const { name, state, boundAtMs, target, counters, pmus, holder } = info;
  const since = isoTime(boundAtMs);
  const schema = JSON_SCHEMAS.set;
  return jsonText({
    schema,
    name,
    state,
    since,
    target,
    counters,
    pmus,
    holder,
    ...overflowJson(info),
  }) + "\n";
}

/** Formats a time in UTC, to the second. */
function isoTime(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+Z$/, "Z");
}
