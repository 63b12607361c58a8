/** Times of day as options have them. */

import { UsageError } from "../base/system/errors.ts";

const UNITS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86400, w: 7 * 86400 };
/** A date, a time in it, fractions of a second, and the offset from UTC. */
const STAMP = /^\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?(?:Z|[+-]\d\d:\d\d)?)?$/;

/**
 * Parses a time, in UTC unless it says otherwise: `2026-11-30`, `2026-11-30T14:05:30`, or how long ago it was: `7d`.
 * Returns microseconds since 1970. Throws UsageError.
 * @param now time in ms since 1970.
 */
export function parseWallTime(option: string, text: string, now: number): number {
  const [, count, unit] = /^(\d{1,9})([smhdw])$/.exec(text) ?? [];
  if (unit !== undefined) return (now - Number(count) * UNITS[unit] * 1000) * 1000;
  const hasZone = /(?:Z|[+-]\d\d:\d\d)$/.test(text.slice(10)), hasTime = text.length > 10;
  const time = STAMP.test(text) ? Date.parse(text.replace(" ", "T") + (hasTime && !hasZone ? "Z" : "")) : NaN;
  if (time === time && isDate(text.slice(0, 10))) return time * 1000;
  throw new UsageError(
    `${option} '${text}': expected a time such as 2026-11-30, 2026-11-30T14:05, or 7d, 12h, 30m for how long ago`,
  );
}

/** Returns whether a day is in the calendar: Date.parse() takes February 30 for March 2. */
function isDate(day: string): boolean {
  return new Date(`${day}T00:00Z`).toISOString().startsWith(day);
}
