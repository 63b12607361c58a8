/** Samples one by one. */

import { BadInputError } from "../../base/system/errors.ts";
import { type Profile, sampleCount } from "../../profile/model/profile.ts";

/** Returns the samples and their times. Throws BadInputError unless all have one. */
export function timed(
  profile: Profile,
): { samples: Profile["samples"]; times: NonNullable<Profile["times"]> } {
  const { samples, times } = profile;
  if (times === undefined || times.at.length < sampleCount(profile)) {
    throw new BadInputError(
      "cannot print samples one by one: not all of them have times: record without --no-timestamp",
    );
  }
  return { samples, times };
}
