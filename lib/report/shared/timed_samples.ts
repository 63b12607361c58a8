/** Samples one by one. */

import { BadInputError } from "../../base/system/errors.ts";
import type { Profile } from "../../profile/model/profile.ts";

/** Returns the samples and their times. Throws BadInputError unless all have one. */
export function timed(
  { samples, times }: Profile,
): { samples: Profile["samples"]; times: NonNullable<Profile["times"]> } {
  let count = 0;
  for (const each of samples.count) count += each;
  if (times === undefined || times.at.length < count) {
    throw new BadInputError(
      "cannot print samples one by one: not all of them have times: record without --no-timestamp",
    );
  }
  return { samples, times };
}
