/** Implementation of `pmuctl check --from`: compares what other benchmark tools have measured. */

import { BadInputError, UsageError } from "../base/system/errors.ts";
import { counted } from "../base/text/plural.ts";
import { compareSamples } from "../check/foreign/compare_samples.ts";
import { FOREIGN_FORMATS, type ForeignFormat } from "../check/foreign/foreign_formats.ts";
import { readForeign } from "../check/foreign/read_foreign.ts";
import type { BenchmarkSamples } from "../check/foreign/samples.ts";
import type { Fingerprint } from "../check/baseline/fingerprint.ts";
import { type CheckResult, type CheckRow, unmeasuredRow } from "../check/output/result.ts";
import type { Io, ParsedArgs } from "../cli/command.ts";
import { CheckHistory } from "./check_history.ts";
import { CHECK_OPTIONS, historyOf, thresholdsOf } from "./check_options.ts";

/** Options that samples of another tool can have. */
const KNOWN = [
  ...["from", "metric", "threshold", "strict", "json", "junit", "comment"],
  ...["history", "baseline-branch", "update"],
];

/**
 * Compares the files on the command line; with a history, one file with what that has. Throws UsageError, and
 * BadInputError for one that cannot be read.
 */
export async function checkForeign(args: ParsedArgs, machine: Fingerprint, io: Io): Promise<CheckResult> {
  const format = args.choice("from", FOREIGN_FORMATS)!;
  const foreign = CHECK_OPTIONS.find(({ name }) => args.has(name) && !KNOWN.includes(name));
  if (foreign) {
    throw new UsageError(
      `check: --${foreign.name} is for commands, and --from compares files: leave it out, or give two commands, the ` +
        "old one with --against",
    );
  }
  const request = historyOf(args);
  const paths = pathsOf(args, format, request !== undefined);
  const files = paths.map((path) => readForeign(format, path));
  const now = files[files.length - 1], old = files.length > 1 ? files[0] : undefined;
  const history = request && await CheckHistory.open(request, machine, io.env);
  const options = { thresholds: thresholdsOf(args), metrics: args.texts("metric") };
  const { rows, notes } = args.has("update")
    ? { rows: [], notes: [`added ${counted(now.length, "series")} to ${request!.file}`] }
    : old === undefined
    ? compareWithHistory(now, history!, format, options)
    : compareSamples(old, now, options);
  if (rows.length === 0 && !args.has("update")) {
    throw new BadInputError(
      "check: the two files have no benchmark and metric in common: nothing to compare",
    );
  }
  await history?.addSamples(format, now);
  return { rows, notes: [...(history?.notes ?? []), ...notes], where: {} };
}

/** Compares samples with the newest ones in a history; what that does not have is unmeasurable. */
function compareWithHistory(
  now: readonly BenchmarkSamples[],
  history: CheckHistory,
  format: ForeignFormat,
  options: Parameters<typeof compareSamples>[2],
): { rows: CheckRow[]; notes: string[] } {
  const keyOf = ({ benchmark, metric }: BenchmarkSamples) => JSON.stringify([benchmark, metric]);
  const chosen = options.metrics.length === 0
    ? now
    : now.filter(({ metric }) => options.metrics.includes(metric));
  const keys = new Set(chosen.map(keyOf));
  const old = history.samples(format).filter((samples) => keys.has(keyOf(samples)));
  const known = new Set(old.map(keyOf));
  const [both, first] = [true, false].map((is) => chosen.filter((each) => known.has(keyOf(each)) === is));
  const compared = compareSamples(old, both, options);
  const unmeasured = first.map(({ benchmark, metric }) =>
    unmeasuredRow(
      { benchmark, comparedWith: "file" },
      metric,
      `${history.name} has no '${benchmark}' of this machine: it was added, for the next one to compare with`,
    )
  );
  return { rows: [...compared.rows, ...unmeasured], notes: both.length > 0 ? compared.notes : [] };
}

/** Returns the files to read: the old one, unless a history takes its place, and the new one. */
function pathsOf(args: ParsedArgs, format: ForeignFormat, hasHistory: boolean): readonly string[] {
  const paths = args.command, usage = `pmuctl check --from ${format}`;
  if (args.has("update")) {
    if (hasHistory && paths.length === 1) return paths;
    throw new UsageError(
      `check: --update adds one file to a history: ${usage} --update --history HISTORY FILE`,
    );
  }
  if (paths.length === 2 && !args.has("baseline-branch")) return paths;
  if (hasHistory && paths.length === 1) return paths;
  throw new UsageError(
    hasHistory
      ? `check: --from ${format} compares one file with a history: ${usage} --history HISTORY FILE`
      : `check: --from ${format} compares two files, ${usage} OLD NEW, or what two commands write: ` +
        `--from ${format} --against 'OLD COMMAND' -- NEW COMMAND`,
  );
}
