/** Wall-clock times of a recording. */

import type { Profile } from "../../profile/model/profile.ts";

/** When a recording was made. Times are in microseconds since 1970, NaN if samples have none. */
export interface WallClock {
  first: number;
  last: number;
  /**
   * Source of the times. `clock`: the recording relates its clock to the time of day. `end`: it does not, but says when it
   * ended, which is taken for the time of its last sample. `file`: nor does it say that, so it is taken to have ended when its
   * file was written. `none`: samples have no times.
   */
  source: "clock" | "end" | "file" | "none";
  /** UTC date of the first sample, or of the file: `2026-11-30`. */
  date: string;
  /** UTC date of the last sample. */
  lastDate: string;
}

/** End of the year 9999, in microseconds since 1970: dates have four digits of a year. */
const LATEST = Date.UTC(10000, 0) * 1000;

/** End of a recording, in seconds since 1970. */
export interface RecordingEnd {
  /** Time that the recording gives; undefined if it gives none. */
  ended?: number;
  /** Time of the last write to its file. */
  modified: number;
}

/** Returns when a recording was made. */
export function wallClockOf(
  { meta: { start, end, wallStart } }: Profile,
  { ended, modified }: RecordingEnd,
): WallClock {
  const written = Math.max(0, Math.min((ended ?? modified) * 1e6, LATEST - 1));
  const dateOf = (time: number) => new Date(time / 1000).toISOString().slice(0, 10);
  if (start < 0n) {
    return { first: NaN, last: NaN, source: "none", date: dateOf(written), lastDate: dateOf(written) };
  }
  const length = Number(end - start) / 1000, told = wallStart * 1000;
  const isTold = wallStart >= 0 && told + length < LATEST;
  const first = isTold ? told : Math.max(0, written - length);
  const last = first + length, source = isTold ? "clock" : ended === undefined ? "file" : "end";
  return { first, last, source, date: dateOf(first), lastDate: dateOf(last) };
}
