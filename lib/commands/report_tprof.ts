/** `report --format tprof`, and `analyze` with the letters that NetBSD's tprof gives its options. */

import type { OptionSpec, ParsedArgs } from "../cli/command.ts";
import type { TprofOptions } from "../report/text/tprof.ts";

const MERGE_CPUS = { name: "merge-cpus", help: "merge CPUs" };
const MERGE_THREADS = { name: "merge-threads", short: "L", help: "merge threads (LWPs)" };
const MERGE_PROCESSES = { name: "merge-processes", short: "P", help: "merge processes" };
const PER_SYMBOL = { name: "per-symbol", help: "one row per symbol, instead of per address" };

/** What only the tprof format knows. tprof's -C and -s are perf's letters for other things in `report`. */
export const TPROF_OPTIONS: readonly OptionSpec[] = [MERGE_CPUS, MERGE_THREADS, MERGE_PROCESSES, PER_SYMBOL];

/** The same for `analyze`, all with tprof's letters. */
export const ANALYZE_OPTIONS: readonly OptionSpec[] = [
  { ...MERGE_CPUS, short: "C" },
  MERGE_THREADS,
  MERGE_PROCESSES,
  { ...PER_SYMBOL, short: "s" },
];

/** The options of `file`'s report, which has lines of `width` columns, or of any. */
export function tprofOptionsOf(args: ParsedArgs, file: string, width = Infinity): TprofOptions {
  return {
    file,
    width,
    mergeCpus: args.has("merge-cpus"),
    mergeThreads: args.has("merge-threads"),
    mergeProcesses: args.has("merge-processes"),
    perSymbol: args.has("per-symbol"),
  };
}
