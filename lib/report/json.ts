/** The report as JSON, for programs: the same rows as the text, with whole numbers. */

import { overhead, placeName, placeObject, placesOf } from "../profile/aggregate.ts";
import { type Profile, sampleCount, totalPeriod } from "../profile/profile.ts";
import { clockText } from "../profile/time_ranges.ts";

/**
 * One object: `meta`, `events` (each with `samples`, `period` and `rows` by command, object and symbol,
 * heaviest self first) and `unresolved`. Periods are in events, or ns for the clock events.
 */
export function renderJson(profile: Profile): string {
  const places = placesOf(profile);
  const events = profile.events.map((event, index) => ({ event, index })).filter(({ event }) =>
    !event.tracksOnly
  ).map(({ event, index }) => ({
    name: event.name,
    rate: event.rate,
    samples: sampleCount(profile, index),
    period: totalPeriod(profile, index),
    rows: overhead(profile, places, index).map((row) => ({
      command: profile.comms[row.comm],
      object: placeObject(profile, places, row.place),
      symbol: places.symbol[row.place] >= 0 ? placeName(profile, places, row.place) : null,
      kernel: places.kernel[row.place] === 1,
      self: row.self,
      total: row.total,
    })),
  }));
  const unresolved = profile.unresolved.filter((u) => u.samples > 0);
  return JSON.stringify({ meta: metaJson(profile), events, unresolved }, null, 1) + "\n";
}

/** `meta` with its times as text in seconds, since no JSON number holds ns since 1970; null where not known. */
function metaJson({ meta }: Profile) {
  const time = (ns: bigint) => ns < 0n ? null : clockText(ns);
  return { ...meta, start: time(meta.start), end: time(meta.end) };
}
