/** `pmuctl analyze`: `report --format tprof`, with the option letters of NetBSD's `tprof analyze`. */

import { giveUpNetwork } from "../base/system/no_network.ts";
import { EXIT } from "../base/system/errors.ts";
import type { CommandSpec, Io, ParsedArgs } from "../cli/command.ts";
import { openChosenInput } from "../cli/default_input.ts";
import { page } from "../cli/pager.ts";
import { withProgress } from "../cli/reading_progress.ts";
import { loadProfile } from "../profile/load/load.ts";
import { ProfileQuery } from "../profile/query/query.ts";
import { renderTprof } from "../report/text/tprof.ts";
import { hostSymbolFiles } from "../symbols/files/host_files.ts";
import { FILTER_OPTIONS, filterWarnings, partOf } from "./report_filter.ts";
import { ANALYZE_OPTIONS, tprofOptionsOf } from "./report_tprof.ts";

/** The `analyze` command. */
export const command: CommandSpec = {
  name: "analyze",
  summary: "print a report in the format of NetBSD's 'tprof analyze'",
  usage: ["[-CkLPs] [-p PID] [FILE]"],
  options: [
    ...ANALYZE_OPTIONS,
    ...FILTER_OPTIONS.filter(({ name }) => name === "kernel" || name === "pid"),
  ],
  examples: ["pmuctl analyze -CLP", "pmuctl analyze -ks perf.data | head"],
  maxPositionals: 1,
  operands: "file",
  run,
};

async function run(args: ParsedArgs, io: Io): Promise<number> {
  const part = partOf(args);
  giveUpNetwork();
  const { file, input } = await openChosenInput(args.positionals[0], io);
  const profile = await withProgress(
    input,
    io,
    (input) => loadProfile(input, hostSymbolFiles(), { leafOnly: true }),
  );
  const query = new ProfileQuery(profile);
  const kept = part.filter ? query.filter(part.filter).profile : profile;
  for (const warning of [...filterWarnings(query, kept, part), ...profile.meta.warnings]) {
    io.err(`pmuctl: warning: ${warning}`);
  }
  const width = io.stdoutIsTerminal ? io.columns : Infinity;
  await page(renderTprof(kept, tprofOptionsOf(args, file, width)), io, { cut: true });
  return EXIT.ok;
}
