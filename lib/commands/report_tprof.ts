/** `report --format tprof`, and `analyze` with the letters that NetBSD's tprof gives its options. */

import type { OptionSpec, ParsedArgs } from "../cli/command.ts";
import type { TprofOptions } from "../report/tprof.ts";

const MERGE_CPUS = { name: "merge-cpus", help: "tprof: do not tell CPUs apart" };
const MERGE_THREADS = { name: "merge-threads", short: "L", help: "tprof: do not tell threads (lwps) apart" };
const MERGE_PROCESSES = { name: "merge-processes", short: "P", help: "tprof: do not tell processes apart" };
const PER_SYMBOL = { name: "per-symbol", help: "tprof: a row for each symbol rather than each address" };

/** What only the tprof format knows. tprof's -C and -s are perf's letters for other things in `report`. */
export const TPROF_OPTIONS: readonly OptionSpec[] = [MERGE_CPUS, MERGE_THREADS, MERGE_PROCESSES, PER_SYMBOL];

/** The same for `analyze`, all with tprof's letters. */
export const ANALYZE_OPTIONS: readonly OptionSpec[] = [
  { ...MERGE_CPUS, short: "C" },
  MERGE_THREADS,
  MERGE_PROCESSES,
  { ...PER_SYMBOL, short: "s" },
].map((option) => ({ ...option, help: option.help.replace("tprof: ", "") }));

/** The options of `file`'s report. */
export function tprofOptionsOf(args: ParsedArgs, file: string): TprofOptions {
  return {
    file,
    mergeCpus: args.has("merge-cpus"),
    mergeThreads: args.has("merge-threads"),
    mergeProcesses: args.has("merge-processes"),
    perSymbol: args.has("per-symbol"),
  };
}
