/** Errors and warnings about a recording that could not be read completely. */

import { BadInputError } from "../../base/system/errors.ts";
import type { Features } from "../format/features.ts";
import { decodeSessionInfo, type SessionInfo } from "../own/session_info.ts";
import type { ReadStats } from "./stats.ts";

/**
 * Throws BadInputError when records are missing because of damage. Damage to what only describes the recording, or
 * after its last record, is no reason to refuse it: see damageWarning().
 */
export function refuseDamage({ damage, cut }: ReadStats): void {
  if (!damage || !cut) return;
  throw new BadInputError(`${damage.message}: --force reports what comes before`, damage.offset);
}

/** Returns the warning about damage, for a caller that continues; undefined when there is none. */
export function damageWarning({ damage, cut }: ReadStats): string | undefined {
  if (!damage) return undefined;
  return `${damage.message}: ${
    cut ? "what follows is not in this report" : "all records are in this report"
  }`;
}

/**
 * Returns pmuctl's own information about the recording; undefined when another tool recorded it, or pmuctl was killed
 * before it wrote any.
 */
export function sessionOf({ ledger }: Features): SessionInfo | undefined {
  return ledger === undefined ? undefined : decodeSessionInfo(ledger);
}

/** Version string of a file that pmuctl recorded. */
const OURS = /^pmuctl /;

/**
 * Returns whether the loss is unknown because the recorder did not finish. pmuctl says so in its files and pipes;
 * perf fills in the size of the data last. A recording that was cut off later counts as unfinished.
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
