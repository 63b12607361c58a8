/** Profiles of the old and new commands, compared to show where the time went when a check found a regression. */

import { fnv1a } from "../../base/bytes/hash.ts";
import { counted } from "../../base/text/plural.ts";
import { BadInputError, UserError } from "../../base/system/errors.ts";
import { openInput, readNamedText } from "../../base/files/file_bytes.ts";
import { temporaryFolder } from "../../base/files/temporary.ts";
import { quoteWords } from "../../cli/shell_words.ts";
import { writeOutputFile } from "../../cli/output_file.ts";
import { TimedOutCommand } from "../../run/command_runner.ts";
import { RepeatedCommand } from "../../run/repeated_command.ts";
import { onlineCpus } from "../../events/sysfs.ts";
import { resolveEvents } from "../../events/resolve.ts";
import { diffProfiles, type DiffRow, type ProfileDiff, shareOf } from "../../profile/compare/diff.ts";
import { loadProfile } from "../../profile/load/load.ts";
import { type Profile, weightUnit } from "../../profile/model/profile.ts";
import { readStoredProfile, storeProfile } from "../../profile/model/stored.ts";
import { defaultCallGraph } from "../../record/request/call_graph.ts";
import { readHost } from "../../record/host/host.ts";
import { liveProc } from "../../record/host/procfs.ts";
import { chooseRings } from "../../record/request/ring_sizes.ts";
import { DEFAULT_FREQ } from "../../record/request/sampling.ts";
import { record } from "../../record/session.ts";
import { renderDiffText } from "../../report/text/diff_text.ts";
import type { GrownSymbols } from "../output/result.ts";
import { hostSymbolFiles } from "../../symbols/files/host_files.ts";
import { type BenchmarkPlan, type CheckContext, limitOf, openRunner, withSetupOf } from "./series.ts";

/** Sampled time in ms to reach by repeating a command, so that a short one has enough samples. */
const SAMPLED_MS = 1000;
const MAX_REPEATS = 200;
/** Shell script that runs "$@" $1 times, each reading the file $2. */
const REPEAT = 'n=$1 in=$2; shift 2; while [ "$n" -gt 0 ]; do "$@" >/dev/null 2>&1 <"$in"; n=$((n-1)); done';
const NO_INPUT = "/dev/null";
/** Limits of the comparison shown: the smallest share of a row in percent, and the number of lines. */
const PERCENT_LIMIT = 0.5, MAX_LINES = 30;
/** Symbols that are named as grown, at most. */
const MAX_GROWN = 10;

/** Characters of a benchmark's name in a file name, which may have 255. */
const MAX_NAME_LENGTH = 100;

/** Returns the hash of the UTF-16 units, in hex. */
function hashOf(text: string): string {
  const units = Uint16Array.from({ length: text.length }, (_, i) => text.charCodeAt(i));
  return fnv1a(units).toString(16).padStart(8, "0");
}

/** Returns the path of a benchmark's profile, next to the baseline. */
function profilePath(baseline: string, name: string): string {
  const plain = name.replace(/[^\w.-]/g, "_").slice(0, MAX_NAME_LENGTH);
  const tail = plain === name ? "" : `-${hashOf(name)}`; // no two names may share a file
  return `${baseline.replace(/\.json$/, "")}.${plain}${tail}.profile.json`;
}

/** Records the command, and writes its profile next to the baseline. Returns the path. */
export async function saveProfile(
  plan: BenchmarkPlan,
  baseline: string,
  context: CheckContext,
): Promise<string> {
  const limited = { ...context, limit: limitOf(plan) };
  const { profile, repeats } = await withSetupOf(plan, limited, () => recordFresh(plan.argv, plan, limited));
  const path = profilePath(baseline, plan.name);
  writeOutputFile(path, storeProfile(profile, repeats));
  return path;
}

/** Comparison of a benchmark's profiles. */
export interface ComparedProfiles {
  /** Table of what changed most, or the reason why there is none. */
  text: string;
  /** Symbols that grew; undefined without a table. */
  grown?: GrownSymbols;
}

/**
 * Compares profiles of the new command and the old one, or the profile next to the baseline. When that is not possible,
 * it returns the reason, because the verdict must not be lost.
 */
export async function regressionProfile(
  plan: BenchmarkPlan,
  baseline: string | undefined,
  shared: CheckContext,
): Promise<ComparedProfiles> {
  const context = { ...shared, limit: limitOf(plan) };
  try {
    const [old, now] = await withSetupOf(plan, context, async () => {
      const old = plan.against
        ? await recordFresh(plan.against, plan, context)
        : readSavedProfile(profilePath(baseline!, plan.name));
      return [old, await recordProfile(plan.argv, old.repeats, plan, context)];
    });
    const runs = counted(old.repeats, "run");
    const diff = diffProfiles(old.profile, now, { normalize: "none" });
    const text = renderDiffText(diff, {
      names: { a: `before, ${runs}`, b: `now, ${runs}` },
      order: "delta",
      percentLimit: PERCENT_LIMIT,
      width: shared.width,
      color: false,
    });
    // hints at options of `diff` do not apply here
    const lines = text.filter((line) => !line.includes("--normalize"))
      .map((line) => line.replace(/ \(--percent-limit .*\)$|, or --full-names$/m, ""));
    const grown = grownSymbols(diff);
    return { text: lines.take(MAX_LINES).toArray().join("").trimEnd(), ...(grown ? { grown } : {}) };
  } catch (error) {
    if (error instanceof UserError) return { text: error.message };
    throw error;
  }
}

/** Returns the symbols that take more than before, by more than sampling alone may explain. */
export function grownSymbols({ events: [event] }: ProfileDiff): GrownSymbols | undefined {
  if (event === undefined) return undefined;
  const { a, b, names, factor } = event;
  const isShown = ({ a: before, b: now, self }: DiffRow) =>
    self.weight > 0 && self.weight >= 2 * self.noise &&
    Math.max(shareOf(before.self, a), shareOf(now.self, b)) >= PERCENT_LIMIT;
  const symbols = event.rows.filter(isShown).toSorted((x, y) => y.self.weight - x.self.weight)
    .slice(0, MAX_GROWN).map(({ symbol, unnamed, object, a: before, b: now }) => ({
      symbol: symbol ?? unnamed ?? "",
      ...(object === undefined ? {} : { object }),
      before: before.self.period,
      now: now.self.period * factor,
    }));
  return { event: names.b, unit: weightUnit(names.b), symbols };
}

/** Records a command of the plan, repeated as its run time requires. */
async function recordFresh(argv: readonly string[], plan: BenchmarkPlan, context: CheckContext) {
  const repeats = await repeatsFor(argv, plan, context);
  return { repeats, profile: await recordProfile(argv, repeats, plan, context) };
}

function readSavedProfile(path: string) {
  const text = readNamedText(path);
  if (typeof text === "string") return readStoredProfile(path, text);
  throw new BadInputError(
    `cannot read the profile ${path} to compare with: ${text.cause}: create one with --update --profile`,
  );
}

/** Returns the number of repetitions for a command. Throws CommandError when it fails. */
async function repeatsFor(
  argv: readonly string[],
  plan: BenchmarkPlan,
  context: CheckContext,
): Promise<number> {
  const runner = openRunner(argv, plan, context);
  try {
    await runner.prepare({ command: 0 });
    const ms = ((await runner.run({ command: 0 }))?.wallNs ?? 0) / 1e6;
    return Math.max(1, Math.min(MAX_REPEATS, Math.ceil(SAMPLED_MS / Math.max(1, ms))));
  } finally {
    runner.close();
  }
}

/** Records `repeats` runs of the command, but not their preparation. Throws UserError when that is not possible. */
async function recordProfile(
  argv: readonly string[],
  repeats: number,
  plan: BenchmarkPlan,
  context: CheckContext,
): Promise<Profile> {
  const { prepare, input = NO_INPUT } = plan;
  if (!prepare) {
    const looped = ["/bin/sh", "-c", REPEAT, "sh", `${repeats}`, input, ...argv];
    return await recordRuns(argv, looped, plan, context);
  }
  // it prepares alone: the FIFOs are for what is recorded
  const runner = openRunner(argv, { ...plan, control: undefined }, context);
  const prepared = async () => {
    await runner.prepare({ command: 0 });
    return runner.stopSignal === undefined;
  };
  try {
    const repeated = RepeatedCommand.open({ argv, input, count: repeats, prepare: prepared });
    try {
      return await recordRuns(argv, repeated.argv, plan, context);
    } finally {
      await repeated.close();
    }
  } finally {
    runner.close();
  }
}

/**
 * Records `looped`, which runs `argv` several times. Throws UserError with the signal's status when the user stopped
 * it: some of the runs compare with nothing.
 */
async function recordRuns(
  argv: readonly string[],
  looped: readonly string[],
  { control }: BenchmarkPlan,
  { standing, stopper, limit: limitNow }: CheckContext,
): Promise<Profile> {
  const limit = limitNow?.();
  const folder = temporaryFolder("pmuctl-check-", "record the command");
  const output = `${folder}/perf.data`;
  let stopSignal: number | undefined;
  stopper.first.then((signal) => stopSignal = signal);
  try {
    const groups = resolveEvents("cycles"), cpus = onlineCpus();
    const host = readHost(liveProc.text, Deno.build.arch);
    const stacks = defaultCallGraph({ arch: host.arch, overwrite: false });
    const { sampling, ringPages } = chooseRings({
      groups,
      sampling: { defaultFreq: DEFAULT_FREQ, callGraph: stacks.callGraph },
      cpus,
      totalMemoryKb: host.totalMemoryKb,
    });
    const { timedOut } = await record(
      {
        groups,
        sampling,
        target: { kind: "command", argv: [...looped] },
        control,
        cpus,
        ringPages,
        objectPolicy: "list",
        output: { kind: "file", path: output },
        commandLine: ["pmuctl", "check", quoteWords(argv)],
        host,
        standing,
        keepRate: false,
        limitMs: limit?.ms,
      },
      stopper,
      () => {},
    );
    if (stopSignal !== undefined) {
      throw new UserError("stopped before the profile was complete", 128 + stopSignal);
    }
    if (timedOut) throw new TimedOutCommand(`the profile of '${quoteWords(argv)}'`, limit!);
    const options = { mergeCpus: true, mergeThreads: true };
    const profile = await loadProfile(openInput(output), hostSymbolFiles(), options);
    // the loop around the command is ours
    return { ...profile, meta: { ...profile.meta, command: quoteWords(argv) } };
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}
