/** Names of frames in formats that have no other field for them. */

import type { Profile } from "../../profile/model/profile.ts";
import { ProfileQuery } from "../../profile/query/query.ts";

/** Distinct names of frames, and the row of each frame's name. */
export interface FrameNames {
  name: string[];
  ofFrame: Int32Array;
}

/**
 * Returns the names of a profile's frames, as `SampleCounts.nameOf` does. `decorate` may append to the name of code in this
 * object (-1: none), of an inlined function or not.
 */
export function frameNames(
  profile: Profile,
  decorate: (name: string, object: number, isInlined: boolean) => string = (name) => name,
): FrameNames {
  const counts = new ProfileQuery(profile).by(["sym"]), { places } = counts;
  const name: string[] = [];
  const rows = new Map<string, number>();
  const ofPlace = Int32Array.from(places.symbol, (_, place) => {
    const isInlined = places.inlined?.[place] === 1;
    const text = decorate(counts.nameOf(place), places.object[place], isInlined);
    let row = rows.get(text);
    if (row === undefined) rows.set(text, row = name.push(text) - 1);
    return row;
  });
  return { name, ofFrame: places.ofFrame.map((place) => ofPlace[place]) };
}
