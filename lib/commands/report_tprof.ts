/** Options of `report --format tprof`, and of `analyze` with the letters of NetBSD's tprof. */

import type { OptionSpec, ParsedArgs } from "../cli/command.ts";
import type { TprofOptions } from "../report/text/tprof.ts";

const MERGE_CPUS = { name: "merge-cpus", help: "merge rows of all CPUs" };
const MERGE_THREADS = { name: "merge-threads", short: "L", help: "merge rows of all threads (LWPs)" };
const MERGE_PROCESSES = { name: "merge-processes", short: "P", help: "merge rows of all processes" };
const PER_SYMBOL = { name: "per-symbol", help: "print a row per symbol instead of per address" };

/** Options that only the tprof format has. tprof's -C and -s mean other things in `report`. */
export const TPROF_OPTIONS: readonly OptionSpec[] = [MERGE_CPUS, MERGE_THREADS, MERGE_PROCESSES, PER_SYMBOL];

/** Options of `analyze`, all with tprof's letters. */
export const ANALYZE_OPTIONS: readonly OptionSpec[] = [
  { ...MERGE_CPUS, short: "C" },
  MERGE_THREADS,
  MERGE_PROCESSES,
  { ...PER_SYMBOL, short: "s" },
];

/** Returns the options for the report of `file`, in lines of at most `width` columns. */
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
