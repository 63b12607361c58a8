/** What frames are called in the formats that have nothing but a name for them. */

import { aggregationKeysOf, placeName } from "../../profile/query/aggregation_keys.ts";
import type { Profile } from "../../profile/model/profile.ts";

/** Names of frames: each once, and the row of each frame's. */
export interface FrameNames {
  name: string[];
  ofFrame: Int32Array;
}

/**
 * The names of a profile's frames, as `placeName` has them. `decorate` may add to a name that is of code of this
 * object (-1: none).
 */
export function frameNames(
  profile: Profile,
  decorate: (name: string, object: number) => string = (name) => name,
): FrameNames {
  const places = aggregationKeysOf(profile, "symbol");
  const name: string[] = [];
  const rows = new Map<string, number>();
  const ofPlace = Int32Array.from(places.symbol, (_, place) => {
    const text = decorate(placeName(profile, places, place), places.object[place]);
    let row = rows.get(text);
    if (row === undefined) rows.set(text, row = name.push(text) - 1);
    return row;
  });
  return { name, ofFrame: places.ofFrame.map((place) => ofPlace[place]) };
}
