/** Implementation of `pmuctl check --from`: compares what other benchmark tools have measured. */

import { exists } from "../base/files/exists.ts";
import { readNamedText } from "../base/files/file_bytes.ts";
import { BadInputError, UsageError } from "../base/system/errors.ts";
import { compareSamples } from "../check/foreign/compare_samples.ts";
import { readCriterion } from "../check/foreign/criterion.ts";
import { FOREIGN_FORMATS } from "../check/foreign/foreign_formats.ts";
import { PARSERS } from "../check/foreign/parsers.ts";
import type { BenchmarkSamples } from "../check/foreign/samples.ts";
import type { CheckResult } from "../check/output/result.ts";
import type { ParsedArgs } from "../cli/command.ts";
import { CHECK_OPTIONS, thresholdsOf } from "./check_options.ts";

/** Options that samples of another tool can have. */
const KNOWN = ["from", "metric", "threshold", "strict", "json", "junit", "comment"];
/** Criterion's name of the measurements of its last run. */
const LAST = "new";

/** Compares the files on the command line. Throws UsageError, and BadInputError for one that cannot be read. */
export function checkForeign(args: ParsedArgs): CheckResult {
  const format = args.choice("from", FOREIGN_FORMATS)!;
  const foreign = CHECK_OPTIONS.find(({ name }) => args.has(name) && !KNOWN.includes(name));
  if (foreign) {
    throw new UsageError(`check: --${foreign.name} is for commands, and --from compares files: leave it out`);
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

function filesOf(paths: readonly string[], format: string): [BenchmarkSamples[], BenchmarkSamples[]] {
  const [old, now] = paths;
  if (paths.length !== 2) {
    throw new UsageError(`check: --from ${format} compares two files: pmuctl check --from ${format} OLD NEW`);
  }
  if (format === "criterion") return [criterionAt(old), criterionAt(now)];
  return [parsed(old, format), parsed(now, format)];
}

/** Reads `target/criterion`, or `target/criterion@NAME`: what --save-baseline NAME has kept there. */
function criterionAt(path: string): BenchmarkSamples[] {
  const at = path.lastIndexOf("@");
  if (at <= 0 || exists(path, Deno.statSync)) return readCriterion(path, LAST);
  return readCriterion(path.slice(0, at), path.slice(at + 1));
}

function parsed(path: string, format: string): BenchmarkSamples[] {
  const text = readNamedText(path);
  if (typeof text === "string") return PARSERS[format](path, text);
  throw new BadInputError(`cannot read ${path}: ${text.cause}`);
}
