/** What to say of a recording that was read as far as it goes. */

import { BadInputError } from "../../base/system/errors.ts";
import type { Features } from "../format/features.ts";
import { decodeSessionInfo, type SessionInfo } from "../format/session_info.ts";
import type { ReadStats } from "./stats.ts";

/**
 * Throws what was wrong, with the way around it, when records are missing for it. Damage to what only describes the
 * recording, or behind its last record, is no reason to refuse it: damageWarning() says what is left out.
 */
export function refuseDamage({ damage, cut }: ReadStats): void {
  if (!damage || !cut) return;
  throw new BadInputError(`${damage.message}: --force reports what comes before`, damage.offset);
}

/** The warning in its place, for a reading that goes on; undefined when nothing was wrong. */
export function damageWarning({ damage, cut }: ReadStats): string | undefined {
  if (!damage) return undefined;
  return `${damage.message}: ${
    cut ? "what follows is not in this report" : "all records are in this report"
  }`;
}

/** What pmuctl told of the recording; undefined when it did not record it, or did not get to. */
export function sessionOf({ ledger }: Features): SessionInfo | undefined {
  return ledger === undefined ? undefined : decodeSessionInfo(ledger);
}

/** The version that pmuctl gives itself in a file. */
const OURS = /^pmuctl /;

/**
 * Whether the recorder did not get to tell, at its end, what was lost: a file or a pipe that pmuctl records says so, and
 * perf fills in the size of the data last. What was cut off later is lost as well.
 */
export function isUnfinished(
  { features, pipe, dataSize }: { features: Features; pipe: boolean; dataSize: number },
  { cut }: ReadStats,
): boolean {
  if (cut) return true;
  const session = sessionOf(features);
  if (session) return session.unfinished === true;
  return pipe ? OURS.test(features.version ?? "") : dataSize === 0;
}
