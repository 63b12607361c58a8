/** `pmuctl check`: whether a command got slower, and how sure that is. */

import { BadInputError, CommandError, EXIT, UnsupportedError } from "../base/system/errors.ts";
import { exists } from "../base/files/exists.ts";
import { readNamedText } from "../base/files/file_bytes.ts";
import { withFolderLock } from "../base/files/folder_lock.ts";
import { append } from "../base/bytes/lists.ts";
import { refusal } from "../base/system/system_error.ts";
import { VERSION } from "../base/system/version.ts";
import {
  type Baseline,
  parseBaseline,
  renderBaseline,
  type StoredBenchmark,
} from "../check/baseline/baseline.ts";
import { checkJson } from "../check/output/check_json.ts";
import { checkText } from "../check/output/check_text.ts";
import { type Fingerprint, fingerprintDifferences, readFingerprint } from "../check/baseline/fingerprint.ts";
import { githubAnnotations, stepSummary } from "../check/output/github.ts";
import { junitXml } from "../check/output/junit.ts";
import { BEST } from "../check/metrics/metric_sources.ts";
import { checkExitStatus, type CheckResult, unmeasuredRow } from "../check/output/result.ts";
import type { CommandSpec, Io, ParsedArgs } from "../cli/command.ts";
import { writeOutputFile } from "../cli/output_file.ts";
import { quoteWords } from "../cli/shell_words.ts";
import { onStopSignals } from "../cli/signals.ts";
import { hostFiles } from "../events/files.ts";
import { readPrivilege } from "../events/privilege.ts";
import { hostWorld } from "../events/resolve.ts";
import { checkBenchmark, measureBaseline } from "../check/series/benchmark.ts";
import { regressionProfile, saveProfile } from "../check/series/profiles.ts";
import { CHECK_OPTIONS, type CheckRequest, requestOf } from "./check_options.ts";
import type { BenchmarkPlan, CheckContext } from "../check/series/series.ts";

export const command: CommandSpec = {
  name: "check",
  summary: "did it get slower? A verdict that CI can trust, by a baseline or side by side",
  usage: [
    "--against 'OLD COMMAND' [-m METRIC]... [-t PCT]... -- NEW COMMAND",
    "--baseline FILE [--update] [-m METRIC]... [-t PCT]... -- COMMAND",
    "[--config FILE] [--update]",
  ],
  options: CHECK_OPTIONS,
  examples: [
    "pmuctl check --against './old/bench' -- ./bench",
    "pmuctl check --update --baseline perf.json -- ./bench && pmuctl check --baseline perf.json -- ./bench",
    "pmuctl check --junit check.xml   # the benchmarks of pmuctl.json",
  ],
  takesCommand: true,
  run,
};

async function run(args: ParsedArgs, io: Io): Promise<number> {
  const request = requestOf(args);
  const note = (line: string) => io.err(`pmuctl: ${line}`);
  const world = hostWorld();
  const setting: CheckContext = {
    io,
    note,
    standing: { privilege: readPrivilege(), hasCorePmu: world.pmus.core().length > 0 },
    stopper: onStopSignals(io.stderrIsTerminal),
    width: io.stdoutIsTerminal && !args.has("json") ? io.columns : Infinity,
  };
  const machine = readFingerprint(hostFiles, { arch: Deno.build.arch, tool: `pmuctl ${VERSION}` });
  if (args.has("update")) return await update(request, machine, args.has("profile"), setting);

  const { result, stopSignal } = await check(request, machine, args, setting);
  const strict = args.has("strict");
  const status = stopSignal === undefined ? checkExitStatus(result.rows, strict) : 128 + stopSignal;
  const colors = io.stdoutIsTerminal && !io.env("NO_COLOR");
  io.out(
    args.has("json")
      ? checkJson(result, { status, version: VERSION, machine })
      : checkText(result, { colors, width: setting.width }),
  );
  const junit = args.text("junit");
  if (junit !== undefined) writeOutputFile(junit, junitXml(result, { strict }));
  if (io.env("GITHUB_ACTIONS") === "true") tellGithub(result, { strict, file: request.config }, io);
  return status;
}

/** Runs all benchmarks, one after another. */
async function check(
  { plans, baseline: file }: CheckRequest,
  machine: Fingerprint,
  args: ParsedArgs,
  setting: CheckContext,
): Promise<{ result: CheckResult; stopSignal?: number }> {
  const baseline = file === undefined ? {} : readBaseline(file);
  const result: CheckResult = { rows: [], notes: [], where: {} };
  for (const plan of plans) {
    const stored = plan.against ? undefined : baseline[plan.name];
    const metrics = plan.metrics.length ? plan.metrics : stored ? Object.keys(stored.metrics) : [BEST];
    const hindrance = plan.against
      ? undefined
      : hindranceOf(plan, metrics, stored, machine, file!, args, result);
    if (hindrance !== undefined) {
      const of = { benchmark: plan.name, comparedWith: "baseline" as const };
      append(result.rows, metrics.map((metric) => unmeasuredRow(of, metric, hindrance)));
      continue;
    }
    const { rows, notes, stopSignal } = await checkBenchmark({ ...plan, metrics }, stored, setting);
    append(result.rows, rows);
    append(result.notes, notes);
    if (stopSignal !== undefined) return { result, stopSignal };
    if (args.has("profile") && rows.some(({ verdict }) => verdict === "regressed")) {
      result.where[plan.name] = await regressionProfile(plan, file, setting);
    }
  }
  return { result };
}

/** Why a benchmark cannot be compared with the baseline; what is only to be known goes into the notes. */
function hindranceOf(
  plan: BenchmarkPlan,
  metrics: readonly string[],
  stored: StoredBenchmark | undefined,
  machine: Fingerprint,
  file: string,
  args: ParsedArgs,
  result: CheckResult,
): string | undefined {
  if (!stored) return `${file} has no '${plan.name}': measure it with --update`;
  const missing = metrics.find((metric) => !Object.hasOwn(stored.metrics, metric));
  if (missing !== undefined) return `${file} has no ${missing} of '${plan.name}': measure it with --update`;
  if (!isSameCommand(stored.command, plan.argv)) {
    return `the baseline is of another command, ${
      quoteWords(stored.command)
    }: measure this one with --update`;
  }
  const differing = fingerprintDifferences(stored.machine, machine);
  if (differing.length === 0) return undefined;
  if (!args.has("allow-mismatch")) {
    return `the baseline is of another machine (${
      differing.join("; ")
    }): make one here with --update, use --against, ` +
      "or compare machine and command together with --allow-mismatch";
  }
  result.notes.push(
    `${plan.name}: the baseline is of another machine (${
      differing.join("; ")
    }): a change is of the machine and the ` +
      "command together, and nothing here tells them apart (--allow-mismatch)",
  );
  return undefined;
}

function isSameCommand(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((word, i) => word === other[i]);
}

/** Measures all benchmarks, and writes them into the baseline. Those of others stay in it. */
async function update(
  { plans, baseline: file }: CheckRequest,
  machine: Fingerprint,
  withProfile: boolean,
  setting: CheckContext,
): Promise<number> {
  const { note } = setting;
  if (file === undefined) {
    note("there is nothing to update: every benchmark is compared with a command of its own (against)");
    return EXIT.ok;
  }
  const read = () => exists(file, Deno.statSync) ? readBaseline(file) : {};
  const before = read(); // first, so that what is wrong with it is told before anything is measured
  const measured: Baseline = {};
  for (const plan of plans) {
    const full = { ...plan, metrics: plan.metrics.length ? plan.metrics : [BEST] };
    const { metrics, wall, notes, stopSignal } = await measuring(plan, () => measureBaseline(full, setting));
    for (const line of notes) note(line);
    if (stopSignal !== undefined) {
      note(`stopped: nothing was written to ${file}`);
      return 128 + stopSignal;
    }
    if (withProfile) note(`wrote ${await measuring(plan, () => saveProfile(plan, file, setting))}`);
    measured[plan.name] = { command: plan.argv, machine, metrics, ...(wall ? { wall } : {}) };
    const old = before[plan.name]?.command;
    if (old && !isSameCommand(old, plan.argv)) {
      note(`${plan.name}: this takes the place of another command's baseline: ${quoteWords(old)}`);
    }
    for (const { rung, samples } of Object.values(metrics)) {
      note(`${plan.name}: ${rung}, ${samples.length} runs`);
    }
  }
  // another --update may have written its own meanwhile
  await withFolderLock(folderOf(file), () => {
    writeOutputFile(file, renderBaseline({ ...read(), ...measured }), { durable: true });
  });
  note(`wrote ${file}`);
  return EXIT.ok;
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

/** The folder that the file is in, wherever links lead to. */
function folderOf(file: string): string {
  const path = exists(file, Deno.statSync) ? Deno.realPathSync(file) : file;
  return path.slice(0, path.lastIndexOf("/") + 1) || ".";
}

function readBaseline(file: string): Baseline {
  const text = readNamedText(file);
  if (typeof text === "string") return parseBaseline(file, text);
  const cause = text.kind === "missing" ? "no such file" : text.cause;
  throw new BadInputError(`cannot read the baseline ${file}: ${cause}: make one with --update`);
}

/** Annotations on standard error, where the runner looks as well, so that standard output is the result alone. */
function tellGithub(result: CheckResult, options: { strict: boolean; file?: string }, io: Io) {
  for (const line of githubAnnotations(result, options)) io.err(line);
  const summary = io.env("GITHUB_STEP_SUMMARY");
  if (!summary) return;
  try {
    Deno.writeTextFileSync(summary, stepSummary(result), { append: true });
  } catch (error) {
    throw refusal(`write the step summary to ${summary}`, error, "see what GITHUB_STEP_SUMMARY is set to");
  }
}
