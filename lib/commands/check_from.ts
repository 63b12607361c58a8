/** Implementation of `pmuctl check --from`: compares what other benchmark tools have measured. */

import { BadInputError, UsageError } from "../base/system/errors.ts";
import { compareSamples } from "../check/foreign/compare_samples.ts";
import { FOREIGN_FORMATS, type ForeignFormat } from "../check/foreign/foreign_formats.ts";
import { readForeign } from "../check/foreign/read_foreign.ts";
import type { BenchmarkSamples } from "../check/foreign/samples.ts";
import type { CheckResult } from "../check/output/result.ts";
import type { ParsedArgs } from "../cli/command.ts";
import { CHECK_OPTIONS, thresholdsOf } from "./check_options.ts";

/** Options that samples of another tool can have. */
const KNOWN = ["from", "metric", "threshold", "strict", "json", "junit", "comment"];
/** Compares the files on the command line. Throws UsageError, and BadInputError for one that cannot be read. */
export function checkForeign(args: ParsedArgs): CheckResult {
  const format = args.choice("from", FOREIGN_FORMATS)!;
  const foreign = CHECK_OPTIONS.find(({ name }) => args.has(name) && !KNOWN.includes(name));
  if (foreign) {
    throw new UsageError(
      `check: --${foreign.name} is for commands, and --from compares files: leave it out, or give two commands, the ` +
        "old one with --against",
    );
  }
  const [old, now] = filesOf(args.command, format);
  const { rows, notes } = compareSamples(old, now, {
    thresholds: thresholdsOf(args),
    metrics: args.texts("metric"),
  });
  if (rows.length === 0) {
    throw new BadInputError(
      "check: the two files have no benchmark and metric in common: nothing to compare",
    );
  }
  return { rows, notes, where: {} };
}

function filesOf(
  paths: readonly string[],
  format: ForeignFormat,
): [old: BenchmarkSamples[], now: BenchmarkSamples[]] {
  if (paths.length !== 2) {
    throw new UsageError(
      `check: --from ${format} compares two files, pmuctl check --from ${format} OLD NEW, or what two commands write: ` +
        `--from ${format} --against 'OLD COMMAND' -- NEW COMMAND`,
    );
  }
  return [readForeign(format, paths[0]), readForeign(format, paths[1])];
}
