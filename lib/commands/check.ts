/** Implementation of `pmuctl check`: decides whether a command got slower, and how sure that is. */

import { CommandError, EXIT, UnsupportedError, UsageError } from "../base/system/errors.ts";
import { exists } from "../base/files/exists.ts";
import { withFolderLock } from "../base/files/folder_lock.ts";
import { append } from "../base/bytes/lists.ts";
import { refusal } from "../base/system/system_error.ts";
import { VERSION } from "../base/system/version.ts";
import { type Baseline, renderBaseline, type StoredBenchmark } from "../check/baseline/baseline.ts";
import { checkJson } from "../check/output/check_json.ts";
import { checkComment, type CheckedOn } from "../check/output/comment.ts";
import { checkText } from "../check/output/check_text.ts";
import { type Fingerprint, fingerprintDifferences, readFingerprint } from "../check/baseline/fingerprint.ts";
import { githubAnnotations, stepSummary } from "../check/output/github.ts";
import { junitXml } from "../check/output/junit.ts";
import { BEST } from "../check/metrics/metric_sources.ts";
import { checkExitStatus, type CheckResult, unmeasuredRow } from "../check/output/result.ts";
import type { CommandSpec, Io, ParsedArgs } from "../cli/command.ts";
import { isSameFile, writeOutputFile } from "../cli/output_file.ts";
import { quoteWords } from "../cli/shell_words.ts";
import { onStopSignals } from "../cli/signals.ts";
import { hostFiles } from "../events/files.ts";
import { readPrivilege } from "../events/privilege.ts";
import { hostWorld } from "../events/resolve.ts";
import { checkBenchmark, measureBaseline, type MeasuredBaseline } from "../check/series/benchmark.ts";
import { comparable, comparisonOf, isSameCommand, measurementsIn, readBaseline } from "./check_baseline.ts";
import type { CheckHistory } from "./check_history.ts";
import { checkHarness, isHarness, withResultPaths } from "../check/series/harness.ts";
import { regressionProfile, saveProfile } from "../check/series/profiles.ts";
import {
  CHECK_GROUPS,
  CHECK_OPTIONS,
  type CheckRequest,
  DEFAULT_WARMUPS,
  requestOf,
} from "./check_options.ts";
import type { BenchmarkPlan, CheckContext } from "../check/series/series.ts";
import { counted } from "../base/text/plural.ts";

/** The `check` command. */
export const command: CommandSpec = {
  name: "check",
  summary: "decide whether a command got slower than a baseline, or than another command run side by side",
  usage: [
    "--against 'OLD COMMAND' [-m METRIC]... [-t PCT]... -- NEW COMMAND",
    "--baseline FILE [--update] [-m METRIC]... [-t PCT]... -- COMMAND",
    "[--config FILE] [--update]",
    "--from FORMAT [-m METRIC]... [-t PCT]... OLD NEW",
    "--from FORMAT --against 'OLD HARNESS' [-m METRIC]... [-t PCT]... -- NEW HARNESS",
    "--history FILE [--baseline-branch NAME | --update] [-m METRIC]... [-t PCT]... -- COMMAND",
  ],
  options: CHECK_OPTIONS,
  groups: CHECK_GROUPS,
  examples: [
    "pmuctl check --against './old/bench' -- ./bench",
    "pmuctl check --update --baseline perf.json -- ./bench && pmuctl check --baseline perf.json -- ./bench",
    "pmuctl check --junit check.xml   # the benchmarks of pmuctl.json",
    "pmuctl check --from go old.txt new.txt",
    "pmuctl check --from google-benchmark --against './old/bench --benchmark_out={}' -- ./bench --benchmark_out={}",
    "pmuctl check --history perf.jsonl --baseline-branch main -- ./bench",
  ],
  takesCommand: true,
  run,
};

async function run(args: ParsedArgs, io: Io): Promise<number> {
  const machine = readFingerprint(hostFiles, { arch: Deno.build.arch, tool: `pmuctl ${VERSION}` });
  if (args.has("from") && !args.has("against")) {
    refuseOverwriting(args, { from: args.command, history: [args.text("history")] });
    const { checkForeign } = await import("./check_from.ts");
    const result = await checkForeign(args, machine, io);
    return tell({ result, files: args.command }, machine, args, io);
  }
  const request = requestOf(args);
  const { config, history: past, baseline } = request;
  refuseOverwriting(args, { config: [config], history: [past?.file], baseline: [baseline] });
  const note = (line: string) => io.err(`pmuctl: ${line}`);
  const world = hostWorld();
  const setting: CheckContext = {
    io,
    note,
    standing: { privilege: readPrivilege(), hasCorePmu: world.pmus.core().length > 0 },
    stopper: onStopSignals(io.stderrIsTerminal),
    width: widthOf(args, io),
  };
  const history = request.history &&
    await (await import("./check_history.ts")).CheckHistory.open(request.history, machine, io.env);
  if (args.has("update")) return await update(request, { machine, history, args }, setting);
  const checked = await check(request, { machine, history, args }, setting);
  return tell({ ...checked, file: request.config }, machine, args, io);
}

/** Refuses results in files that the check reads, by option, or in one file. Throws UsageError. */
function refuseOverwriting(
  args: ParsedArgs,
  inputs: Record<string, readonly (string | undefined)[]>,
): void {
  const junit = args.text("junit"), comment = args.text("comment");
  if (junit !== undefined && (junit === comment || (comment !== undefined && isSameFile(junit, comment)))) {
    throw new UsageError(`check: --junit and --comment both name ${junit}: name two files`);
  }
  for (const [output, path] of Object.entries({ junit, comment })) {
    for (const [input, files] of Object.entries(inputs)) {
      if (path !== undefined && files.some((file) => file !== undefined && isSameFile(path, file))) {
        throw new UsageError(
          `check: --${output} ${path} would overwrite what --${input} reads: name another file`,
        );
      }
    }
  }
}

/** Returns the width of the result in columns. */
function widthOf(args: ParsedArgs, io: Io): number {
  return io.stdoutIsTerminal && !args.has("json") ? io.columns : Infinity;
}

/** Result of a check, and where it comes from. */
interface ResultToTell {
  result: CheckResult;
  /** Signal by which the user stopped it. */
  stopSignal?: number;
  /** Config file, if one was used. */
  file?: string;
  /** Files of another tool that were compared; otherwise, what was measured ran here. */
  files?: readonly string[];
}

/** Prints the result of a check, and writes it where else it was asked for; returns the exit status. */
function tell(
  { result, stopSignal, file, files }: ResultToTell,
  machine: Fingerprint,
  args: ParsedArgs,
  io: Io,
): number {
  const strict = args.has("strict");
  const status = stopSignal === undefined ? checkExitStatus(result.rows, strict) : 128 + stopSignal;
  const colors = io.stdoutIsTerminal && !io.env("NO_COLOR");
  io.out(
    args.has("json")
      ? checkJson(result, { status, version: VERSION, machine })
      : checkText(result, { colors, width: widthOf(args, io) }),
  );
  const junit = args.text("junit");
  if (junit !== undefined) writeOutputFile(junit, junitXml(result, { strict }));
  const comment = args.text("comment");
  if (comment !== undefined) {
    const on: CheckedOn = files ? { format: args.text("from")!, files } : { machine };
    writeOutputFile(comment, checkComment(result, on));
  }
  if (io.env("GITHUB_ACTIONS") === "true") tellGithub(result, { strict, file }, io);
  return status;
}

/** Surroundings of a check: its machine, its history and its command line. */
interface CheckPlace {
  machine: Fingerprint;
  history?: CheckHistory;
  args: ParsedArgs;
}

/** Runs all benchmarks, one after another, and judges each. */
async function check(
  { plans, baseline: file }: CheckRequest,
  { machine, history, args }: CheckPlace,
  setting: CheckContext,
): Promise<{ result: CheckResult; stopSignal?: number }> {
  const baseline = file === undefined ? history : measurementsIn(file);
  const result: CheckResult = { rows: [], notes: [...(history?.notes ?? [])], where: {} };
  for (const plan of plans) {
    const { stored, metrics, obstacle, ...compared } = plan.against
      ? { ...comparisonOf(plan, undefined), obstacle: undefined }
      : await comparable(plan, baseline!, { machine, args });
    if (obstacle !== undefined) {
      const of = { benchmark: plan.name, comparedWith: "baseline" as const };
      const added = history && baseline === history
        ? await addFirst(history, { ...plan, metrics }, setting)
        : undefined;
      if (added?.stopSignal !== undefined) return { result, stopSignal: added.stopSignal };
      const reason = added ? `${obstacle}; ${added.text}` : obstacle;
      append(result.rows, metrics.map((metric) => unmeasuredRow(of, metric, reason)));
      continue;
    }
    append(result.notes, compared.notes);
    // wall times of another machine tell nothing, whatever its counts do
    const isSameMachine = stored && fingerprintDifferences(stored.machine, machine).length === 0;
    const { rows, notes, stopSignal, measured, foreign } = isHarness(plan)
      ? await checkHarness(plan, setting)
      : await checkBenchmark(
        { ...plan, metrics },
        stored && { ...stored, wall: isSameMachine ? stored.wall : undefined },
        setting,
      );
    append(result.rows, rows);
    append(result.notes, notes);
    if (stopSignal !== undefined) return { result, stopSignal };
    await (plan.from === undefined
      ? history?.add(plan, measured)
      : history?.addSamples(plan.from, foreign ?? []));
    if (args.has("profile") && rows.some(({ verdict }) => verdict === "regressed")) {
      const profiled = (of: BenchmarkPlan) => regressionProfile(of, file, setting);
      const { text, grown } = await (isHarness(plan) ? withResultPaths(plan, profiled) : profiled(plan));
      result.where[plan.name] = text;
      if (grown) (result.grown ??= {})[plan.name] = grown;
    }
  }
  return { result };
}

/** Measures a benchmark that has nothing to compare with, and adds it to the history. Returns what came of it. */
async function addFirst(
  history: CheckHistory,
  plan: BenchmarkPlan,
  setting: CheckContext,
): Promise<{ text: string; stopSignal?: number }> {
  let measured: MeasuredBaseline;
  try {
    measured = await measureBaseline(plan, setting);
  } catch (error) {
    if (!(error instanceof CommandError || error instanceof UnsupportedError)) throw error;
    return { text: error.message };
  }
  const { stopSignal } = measured;
  if (stopSignal === undefined) await history.add(plan, measured);
  return { text: "this run was added to the history, for the next one to compare with", stopSignal };
}

/**
 * Measures all benchmarks, adds them to the history, and writes them into the baseline. Other benchmarks in the baseline
 * stay as they are.
 */
async function update(
  { plans, baseline: file, history: kept }: CheckRequest,
  { machine, history, args }: CheckPlace,
  setting: CheckContext,
): Promise<number> {
  const { note } = setting;
  for (const line of history?.notes ?? []) note(line);
  if (plans.length === 0) {
    note("nothing to update: every benchmark is compared with another command (against)");
    return EXIT.ok;
  }
  const written = [file, kept?.file].filter((name) => name !== undefined).join(" and ");
  const read = () => file !== undefined && exists(file, Deno.statSync) ? readBaseline(file) : {};
  const before = read(); // read first, to report a damaged baseline before anything is measured
  const measured: Baseline = {};
  for (const plan of plans) {
    const full = { ...plan, metrics: plan.metrics.length ? plan.metrics : [BEST] };
    const { metrics, wall, notes, stopSignal } = await measuring(plan, () => measureBaseline(full, setting));
    for (const line of notes) note(line);
    if (stopSignal !== undefined) {
      note(
        `interrupted: ${
          file === undefined ? `${plan.name} was not added to ${kept!.file}` : `${file} was not written`
        }`,
      );
      return 128 + stopSignal;
    }
    await history?.add(plan, { metrics, wall });
    if (file !== undefined && args.has("profile")) {
      note(`wrote ${await measuring(plan, () => saveProfile(plan, file, setting))}`);
    }
    measured[plan.name] = {
      ...{ command: plan.argv, machine, metrics: withoutUnits(metrics) },
      ...(wall ? { wall } : {}),
      ...(plan.warmups === DEFAULT_WARMUPS ? {} : { warmups: plan.warmups }),
      ...(plan.input === undefined ? {} : { input: plan.input }),
    };
    const old = before[plan.name]?.command;
    if (old && !isSameCommand(old, plan.argv)) {
      note(`${plan.name}: replaces the baseline of another command: ${quoteWords(old)}`);
    }
    for (const { rung, samples } of Object.values(metrics)) {
      note(`${plan.name}: ${rung}, ${counted(samples.length, "run")}`);
    }
  }
  if (file !== undefined) {
    // another --update may have written the file meanwhile
    await withFolderLock(folderOf(file), () => {
      writeOutputFile(file, renderBaseline({ ...read(), ...measured }), { durable: true });
    });
  }
  note(`wrote ${written}`);
  return EXIT.ok;
}

/** Returns metrics as a baseline has them, where the source says the unit. */
function withoutUnits(metrics: MeasuredBaseline["metrics"]): StoredBenchmark["metrics"] {
  return Object.fromEntries(
    Object.entries(metrics).map(([name, { unit: _, ...metric }]) => [name, metric]),
  );
}

/** Does `work` on a benchmark. Throws UnsupportedError for a command that fails: its own status may say "regressed". */
async function measuring<T>(plan: BenchmarkPlan, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    throw new UnsupportedError({ attempt: `measure '${plan.name}'`, cause: error.message });
  }
}

/** Returns the folder of the file, with links resolved. */
function folderOf(file: string): string {
  const path = exists(file, Deno.statSync) ? Deno.realPathSync(file) : file;
  return path.slice(0, path.lastIndexOf("/") + 1) || ".";
}

/**
 * Writes annotations for GitHub: on standard error, which the runner also reads, so that standard output is the result
 * alone; and the step summary.
 */
function tellGithub(result: CheckResult, options: { strict: boolean; file?: string }, io: Io) {
  for (const line of githubAnnotations(result, options)) io.err(line);
  const summary = io.env("GITHUB_STEP_SUMMARY");
  if (!summary) return;
  try {
    Deno.writeTextFileSync(summary, stepSummary(result), { append: true });
  } catch (error) {
    throw refusal(`write the step summary to ${summary}`, error, "check GITHUB_STEP_SUMMARY");
  }
}
