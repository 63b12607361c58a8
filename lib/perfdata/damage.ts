/** What to say of a recording that was read as far as it goes. */

import { BadInputError } from "../base/errors.ts";
import type { ReadStats } from "./stats.ts";

/** Throws what was wrong, with the way around it, when there was anything. */
export function refuseDamage({ damage, cut }: ReadStats): void {
  if (!damage) return;
  const rest = cut ? "--force reports what comes before" : "all records are there, and --force reports them";
  throw new BadInputError(`${damage.message}: ${rest}`, damage.offset);
}

/** The warning in its place, for a reading that was forced; undefined when nothing was wrong. */
export function damageWarning({ damage, cut }: ReadStats): string | undefined {
  if (!damage) return undefined;
  return `${damage.message}: ${
    cut ? "what follows is not in this report" : "all records are in this report"
  }`;
}
