/** Names that samples of a profile may be filtered by. */

import type { Profile } from "../model/profile.ts";
import { unnamedName } from "../model/unnamed.ts";

/** Field of a filter that holds names. */
export type NamedField = "comms" | "objects" | "symbols";

/** Yields the names that a profile has for a field, some more than once. */
export function* namedValues(profile: Profile, field: NamedField): Generator<string> {
  if (field === "comms") yield* profile.comms;
  else if (field === "symbols") {
    yield* profile.symbols.name;
    for (const row of profile.unnamed.object.keys()) yield unnamedName(profile, row);
  } else {
    for (const { name, path } of profile.objects) {
      yield name;
      yield path;
    }
  }
}
