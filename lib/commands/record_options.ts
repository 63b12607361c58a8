/** Requests of `pmuctl record`, read from its options. */

import { UsageError } from "../base/system/errors.ts";
import { parseIdList } from "../base/text/id_list.ts";
import type { ParsedArgs } from "../cli/command.ts";
import { DEFAULT_FILE } from "../cli/default_input.ts";
import { refuseReadOnly } from "../cli/output_file.ts";
import { recordingReader } from "../cli/recording_reader.ts";
import { hostFiles, readNumber } from "../events/files.ts";
import { readPrivilege } from "../events/privilege.ts";
import { type EventWorld, type ResolvedGroup, resolveEvents } from "../events/resolve.ts";
import { parseWrittenCpus } from "../base/text/cpu_list.ts";
import { onlineCpus } from "../events/sysfs.ts";
import { type CallGraphChoice, defaultCallGraph, parseCallGraph } from "../record/request/call_graph.ts";
import { parseClock } from "../record/request/clock.ts";
import { parseSwitchWhen } from "../record/request/limits.ts";
import { outputOf, type WantedOutput } from "../record/request/output.ts";
import { readHost } from "../record/host/host.ts";
import { liveProc } from "../record/host/procfs.ts";
import { cyclesPerSecond, parseRate } from "../record/request/rates.ts";
import { SAMPLE_FIELDS, type Sampling } from "../record/request/sampling.ts";
import type { OutputSwitching, RecordRequest } from "../record/request/request.ts";
import { chooseRings } from "../record/request/ring_sizes.ts";
import type { Target } from "../record/request/target.ts";

/**
 * Chooses the output: the file of -o, else the pipe to a reader of recordings, else perf.data. Throws UsageError, and
 * UnsupportedError for standard output that is closed.
 */
export async function wantedOutput(args: ParsedArgs, note: (line: string) => void): Promise<WantedOutput> {
  const path = args.text("output");
  const makesFiles = ["switch-output", "overwrite"].some((name) => args.has(name));
  const reader = path === undefined && !makesFiles ? await recordingReader() : undefined;
  if (path !== undefined) refuseReadOnly(path === "-" ? "/dev/stdout" : path);
  if (reader === undefined) return outputOf(path ?? DEFAULT_FILE);
  const command = args.command.length > 0 ? ", and the command's output to standard error" : "";
  note(`the recording goes into the pipe to '${reader}'${command}; use -o FILE to write a file`);
  return outputOf("-");
}

/** Reads when the next file begins, and how many are kept; undefined for one output. Throws UsageError. */
export function outputSwitching(args: ParsedArgs, output: WantedOutput): OutputSwitching | undefined {
  const when = args.has("overwrite") ? overwriteWhen(args) : args.text("switch-output");
  const maxFiles = args.number("switch-max-files", { min: 1, integer: true });
  if (when === undefined) {
    if (maxFiles !== undefined) {
      throw new UsageError("--switch-max-files needs --switch-output or --overwrite");
    }
    return undefined;
  }
  if (output.kind !== "file" || output.device) {
    const option = args.has("overwrite") ? "--overwrite" : "--switch-output";
    throw new UsageError(
      `${option} writes files, and -o ${args.text("output")} is not one: name a file with -o`,
    );
  }
  return { when: parseSwitchWhen(when), maxFiles };
}

/** Returns when a flight recorder writes a file. It has no file that grows, so a size makes no sense. */
function overwriteWhen(args: ParsedArgs): string {
  if (args.has("max-size")) {
    throw new UsageError("--overwrite and --max-size exclude each other: use -m to set how much is kept");
  }
  const when = args.text("switch-output") ?? "signal";
  if (parseSwitchWhen(when).kind === "size") {
    throw new UsageError(
      `--overwrite --switch-output=${when}: expected a time or 'signal'; use -m to set how much is kept`,
    );
  }
  return when;
}

/** Reads what to record. Throws UsageError. */
export function recordTarget(args: ParsedArgs): Target {
  const { command: argv } = args;
  const given = ["all-cpus", "cpu", "pid", "tid"].filter((name) => args.has(name));
  if (given.length > 1 && !(given.length === 2 && given[0] === "all-cpus" && given[1] === "cpu")) {
    throw new UsageError(`record: --${given[0]} and --${given[1]} exclude each other: use one of them`);
  }
  const idsOf = (name: string) => {
    if (argv.length > 0) {
      const instead = argv[0] === "sleep"
        ? `; to record for some time, use --duration ${argv[1] ?? "SEC"}`
        : "";
      throw new UsageError(`record: a command and --${name} exclude each other: use one of them${instead}`);
    }
    return idList(args.text(name)!, `--${name}`);
  };
  switch (given.at(-1)) {
    case "all-cpus":
    case "cpu":
      return { kind: "cpus", argv };
    case "pid":
      return { kind: "processes", pids: idsOf("pid") };
    case "tid":
      return { kind: "threads", tids: idsOf("tid") };
  }
  if (argv.length > 0) return { kind: "command", argv };
  throw new UsageError(
    "record: nothing to record: give a command (pmuctl record -- COMMAND), the whole system (-a) or a process (-p PID)",
  );
}

function idList(text: string, option: string): number[] {
  const ids = parseIdList(text);
  if (ids) return ids;
  throw new UsageError(`${option} '${text}': expected numbers separated by commas, as in 12,34`);
}

/** Returns the online CPUs, or those of them that were requested. */
function recordCpus(args: ParsedArgs): readonly number[] {
  const online = onlineCpus();
  const text = args.text("cpu");
  if (text === undefined) return online;
  const wanted = parseWrittenCpus(text) ?? [];
  if (wanted.length === 0) throw new UsageError(`--cpu '${text}': expected CPUs, as in 0-3,8`);
  const missing = wanted.find((cpu) => !online.includes(cpu));
  if (missing !== undefined) {
    throw new UsageError(`--cpu ${text}: CPU ${missing} is not online; online are ${online.join(",")}`);
  }
  return wanted;
}

/** Resolves the events of one -e. Throws UsageError. */
function sampledGroups(text: string, world: EventWorld): ResolvedGroup[] {
  const groups = resolveEvents(text, world);
  const alone = groups.find((group) => group.sampleRead && group.events.length < 2);
  if (alone) {
    throw new UsageError(
      `record: '${text}': S is for groups: {${
        alone.events[0].name.replace(/:S$/, "")
      },OTHER}:S samples the first ` +
        "event and reads the others with it",
    );
  }
  return groups;
}

/** Parts of a request that say what is sampled, and how. */
type SampledRequest = Pick<
  RecordRequest,
  "groups" | "sampling" | "cpus" | "ringPages" | "overwrite" | "host" | "standing"
>;

/**
 * Reads what to sample and how, and chooses rings for that. `note` gets a line for whatever is not as asked. Throws
 * UsageError, or UnsupportedError for what this machine cannot do.
 */
export function sampledRequest(
  args: ParsedArgs,
  world: EventWorld,
  note: (line: string) => void,
): SampledRequest {
  const maxSampleRate = readNumber(hostFiles, "/proc/sys/kernel/perf_event_max_sample_rate");
  const overwrite = args.has("overwrite");
  const texts = args.has("event") ? args.texts("event") : ["cycles"];
  const groups = texts.flatMap((text) => sampledGroups(text, world));
  const stacks = callGraphOf(args, overwrite);
  const rated = { ...samplingOf(args, maxSampleRate, note), callGraph: stacks?.callGraph };
  const cpus = recordCpus(args);
  const host = readHost(liveProc.text, Deno.build.arch);
  const { sampling, ringPages, note: ringNote } = chooseRings({
    groups,
    sampling: rated,
    cpus,
    overwrite,
    pages: ringPagesOf(args),
    bytesGiven: stacks?.bytesGiven,
    totalMemoryKb: host.totalMemoryKb,
  });
  for (const line of [stacks?.note, ringNote]) if (line !== undefined) note(line);
  const standing = {
    privilege: readPrivilege(),
    hasCorePmu: world.pmus.core().length > 0,
    maxSampleRate,
  };
  return { groups, sampling, cpus, ringPages, overwrite, host, standing };
}

function callGraphOf(args: ParsedArgs, overwrite: boolean): CallGraphChoice | undefined {
  const context = { arch: Deno.build.arch, overwrite };
  const text = args.text("call-graph");
  if (text !== undefined) return parseCallGraph(text, context);
  return args.has("stacks") ? defaultCallGraph(context) : undefined;
}

/** Reads how often to sample, and what each sample contains besides call chains. Throws UsageError. */
function samplingOf(
  args: ParsedArgs,
  maxRate: number | undefined,
  note: (line: string) => void,
): Sampling {
  const count = args.number("count", { min: 1, integer: true });
  if (args.has("freq") && count !== undefined) {
    throw new UsageError("-F and -c exclude each other: use one of them");
  }
  const { freq, defaultFreq, note: rateNote } = parseRate(args.text("freq"), maxRate);
  if (rateNote !== undefined && count === undefined) note(rateNote);
  const clock = args.text("clockid");
  return {
    freq,
    defaultFreq,
    period: count === undefined ? undefined : BigInt(count),
    cyclesPerSecond: cyclesPerSecond(liveProc.text),
    inherit: !args.has("no-inherit"),
    clockid: clock === undefined ? undefined : parseClock(clock),
    fields: new Set(SAMPLE_FIELDS.filter((field) => args.has(field))),
  };
}

function ringPagesOf(args: ParsedArgs): number | undefined {
  const pages = args.number("mmap-pages", { min: 1, max: 1 << 20, integer: true });
  if (pages !== undefined && pages & (pages - 1)) {
    throw new UsageError(`--mmap-pages ${pages}: expected a power of two`);
  }
  return pages;
}
