/** Implementation of `pmuctl report --stats`: counts records. */

import type { ByteInput } from "../base/bytes/byte_source.ts";
import { EXIT } from "../base/system/errors.ts";
import type { Io, ParsedArgs } from "../cli/command.ts";
import { withProgress } from "../cli/reading_progress.ts";
import { countRecords } from "../perfdata/read/count.ts";
import { damageWarning } from "../perfdata/read/damage.ts";
import { renderStats, renderStatsJson } from "../report/text/stats.ts";

/** Prints the record counts of `input` and returns the exit status. Throws BadInputError when it is not perf.data. */
export async function printStats(input: ByteInput, args: ParsedArgs, io: Io): Promise<number> {
  const counts = await withProgress(input, io, (input) => countRecords(input, args.has("force")));
  const warning = damageWarning(counts.stats);
  if (warning) io.err(`pmuctl: warning: ${warning}`);
  io.out(args.has("json") ? renderStatsJson(counts) : renderStats(counts));
  return EXIT.ok;
}
