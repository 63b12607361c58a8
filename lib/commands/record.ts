/** Implementation of `pmuctl record`: samples into a perf.data file, with the ledger on stderr. */

import { stacksShare } from "../report/shared/stacks_text.ts";
import { ERRNO } from "../base/system/errno.ts";
import { EXIT, UnsupportedError, UsageError } from "../base/system/errors.ts";
import type { WantedOutput } from "../record/request/output.ts";
import type { CommandSpec, Io, ParsedArgs } from "../cli/command.ts";
import { DEFAULT_FILE } from "../cli/default_input.ts";
import { RecentRate, renderLive } from "../cli/live_line.ts";
import { onDumpSignal, onStopSignals } from "../cli/signals.ts";
import { lowerRateHint } from "../events/attr.ts";
import { hostWorld } from "../events/resolve.ts";
import { CLOCK_NAMES } from "../record/request/clock.ts";
import {
  ledgerLine,
  ledgerTable,
  lossWarnings,
  lostPercent,
  lostText,
  samplesLost,
} from "../perfdata/format/ledger.ts";
import { parseSize } from "../record/request/limits.ts";
import { isStandardOutput, openOutput, type Output } from "../record/request/output.ts";
import { DEFAULT_FREQ } from "../record/request/sampling.ts";
import { noSamplesLine } from "../record/no_samples.ts";
import type { Recording, RecordRequest } from "../record/request/request.ts";
import { record } from "../record/session.ts";
import type { Target } from "../record/request/target.ts";
import { parseControl } from "../base/system/control_option.ts";
import { CONTROL_OPTION, controlOf } from "./control_options.ts";
import { outputSwitching, recordTarget, sampledRequest, wantedOutput } from "./record_options.ts";
import { counted } from "../base/text/plural.ts";

/** The `record` command. */
export const command: CommandSpec = {
  name: "record",
  summary: "sample a command, or the whole system, into a perf.data file",
  usage: [
    "[-e EVENT]... [-F HZ | -c COUNT] [-g] [-o FILE] -- COMMAND [ARG]...",
    "(-a | -C CPUS) [OPTION]... [-- COMMAND [ARG]...]",
    "(-p PID[,PID]... | -t TID[,TID]...) [OPTION]...",
  ],
  options: [
    {
      name: "event",
      short: "e",
      value: "EVENT",
      repeat: true,
      help:
        "sample this event (default: cycles, or cpu-clock without hardware counters); EVENT,=N samples every N of them, EVENT,N suits one N times rarer than cycles; {A,B} is a group, {A,B}:S samples A and reads B with it",
    },
    {
      name: "freq",
      short: "F",
      value: "HZ",
      values: ["max"],
      help:
        `take HZ samples per second on each CPU, or 'max' for the kernel's limit (default: ${DEFAULT_FREQ})`,
    },
    {
      name: "count",
      short: "c",
      value: "COUNT",
      help: "take a sample every COUNT events, instead of at a rate",
    },
    {
      name: "stacks",
      short: "g",
      help: "record the call stack of each sample, of any program, like --call-graph auto",
    },
    {
      name: "call-graph",
      value: "MODE",
      values: ["auto", "fp", "dwarf"],
      help:
        "record call stacks in this way: 'auto[,BYTES]' for any program; 'fp' at the least cost, but whole only for programs built with frame pointers; 'dwarf[,BYTES]' as copies in a large file, for its reader to work out; BYTES, such as 48K, limits how deep a stack may be",
    },
    { name: "all-cpus", short: "a", help: "record all CPUs, while COMMAND runs or until Ctrl-C" },
    { name: "cpu", short: "C", value: "CPUS", help: "record whatever runs on these CPUs: 0-3,8" },
    { name: "pid", short: "p", value: "PIDS", help: "record running processes with all their threads" },
    { name: "tid", short: "t", value: "TIDS", help: "record running threads" },
    { name: "no-inherit", short: "i", help: "leave out threads and processes that the target starts" },
    { name: "duration", value: "SEC", help: "stop recording after SEC seconds; COMMAND goes on" },
    {
      name: "delay",
      short: "D",
      value: "MS",
      help: "start sampling after MS milliseconds; with --control, -1 waits for the first enable",
    },
    CONTROL_OPTION,
    {
      name: "filter",
      value: "EXPR",
      help: "keep only tracepoint events for which EXPR holds: 'prev_pid > 0'",
    },
    {
      name: "output",
      short: "o",
      value: "FILE",
      help: `write to FILE, - for standard output (default: a pipe to pmuctl or perf, else ${DEFAULT_FILE})`,
    },
    {
      name: "no-buildid-cache",
      short: "N",
      help: "don't copy programs into ~/.debug that will be gone later (deleted, replaced, in a container)",
    },
    {
      name: "bundle",
      help: "add the names that a report needs when the recording is over, like 'pmuctl bundle'",
    },
    {
      name: "source",
      help:
        "with --bundle, add the code of the sampled functions and the text of its source lines, which may be secret",
    },
    { name: "open", help: "open the report in a browser when the recording is over" },
    { name: "no-buildid", short: "B", help: "don't list the build ids of programs that ran; implies -N" },
    {
      name: "max-size",
      value: "SIZE",
      help: "stop recording when the file reaches SIZE (64M); COMMAND goes on",
    },
    {
      name: "switch-output",
      value: "WHEN",
      values: ["signal"],
      bare: "signal",
      help: "write FILE.TIMESTAMP, and start a new file on SIGUSR2 and at a size (64M) or time (10s)",
    },
    {
      name: "overwrite",
      help: "keep only the most recent samples in memory (see -m), and write them on SIGUSR2 and at the end",
    },
    { name: "switch-max-files", value: "N", help: "keep only the N most recent files" },
    {
      name: "mmap-pages",
      short: "m",
      value: "PAGES",
      help:
        "use PAGES pages for the ring buffer of each CPU, a power of two (default: 512 KiB; with copies of stacks 16 MiB, and 32 MiB above 4000 Hz, as far as memory and limits allow)",
    },
    {
      name: "queue",
      value: "SIZE",
      help:
        "hold at most SIZE bytes for a slow output before dropping samples (default: three times the ring buffers, at least 16M)",
    },
    {
      name: "backend",
      value: "NAME",
      values: ["perf", "clock"],
      help: "sample only by 'perf' (counter overflow) or 'clock' (timer) (default: whichever works)",
    },
    { name: "data", short: "d", help: "add the address of the accessed data, and record data mappings" },
    { name: "weight", short: "W", help: "add the cost of the sampled instruction, where the PMU reports it" },
    { name: "phys-data", help: "add the physical address of the accessed data" },
    { name: "data-page-size", help: "add the page size of the accessed data" },
    { name: "code-page-size", help: "add the page size of the code" },
    {
      name: "clockid",
      short: "k",
      value: "CLOCK",
      values: CLOCK_NAMES,
      help: "take times from this clock: monotonic, monotonic_raw, ...",
    },
    { name: "timestamp", short: "T", help: "accepted for perf's sake: samples always have a time" },
    { name: "period", short: "P", help: "accepted for perf's sake: samples always have a period" },
    {
      name: "raw-samples",
      short: "R",
      help: "accepted for perf's sake: tracepoint fields are always recorded",
    },
    { name: "sample-cpu", help: "accepted for perf's sake: samples always have a CPU" },
    { name: "buildid-all", help: "accepted for perf's sake: build ids of all programs are listed" },
    { name: "sample-identifier", help: "accepted for perf's sake: samples always have the event's id" },
    {
      name: "max-lost",
      value: "PCT",
      help: "exit with 5 if more than PCT percent of the samples are lost and COMMAND exited with 0",
    },
    { name: "verbose", short: "v", help: "also print the ledger of each CPU" },
    { name: "keep-rate", help: "never lower the sampling rate, however much it slows the machine down" },
    { name: "quiet", short: "q", help: "print errors only" },
  ],
  groups: [
    {
      title: "what to record",
      options: ["all-cpus", "cpu", "pid", "tid", "no-inherit", "duration", "delay", "control"],
    },
    {
      title: "what to sample, and how often",
      options: ["event", "freq", "count", "filter", "backend", "keep-rate", "clockid"],
    },
    {
      title: "what each sample contains",
      options: [
        ...[
          "stacks",
          "call-graph",
          "data",
          "phys-data",
          "data-page-size",
          "code-page-size",
          "weight",
        ],
      ],
    },
    {
      title: "output",
      options: [
        ...[
          "output",
          "max-size",
          "switch-output",
          "switch-max-files",
          "overwrite",
          "bundle",
          "source",
          "open",
        ],
        ...["no-buildid-cache", "no-buildid", "quiet", "verbose"],
      ],
    },
    { title: "buffers and loss", options: ["mmap-pages", "queue", "max-lost"] },
  ],
  hidden: [
    "timestamp",
    "period",
    "raw-samples",
    "sample-cpu",
    "buildid-all",
    "sample-identifier",
  ],
  examples: [
    "pmuctl record -g -- make -j2",
    "pmuctl record -F 999 -a --duration 10",
    "pmuctl record -g -p 4711",
    "pmuctl record -g -a --overwrite -m 1024   # then: kill -USR2 PID",
    "pmuctl record -g -a --switch-output=1m --switch-max-files 60",
  ],
  takesCommand: true,
  run,
};

async function run(args: ParsedArgs, io: Io): Promise<number> {
  const target = recordTarget(args);
  const note = args.has("quiet") ? () => {} : (line: string) => io.err(`pmuctl: ${line}`);
  const wanted = await wantedOutput(args, note);
  refuseWithoutFile(args, wanted);
  if (wanted.kind === "pipe" && isStandardOutput(wanted) && io.stdoutIsTerminal) {
    throw new UsageError("record: -o - writes binary data: redirect it to a pipe or a file");
  }

  const maxLost = args.number("max-lost", { min: 0, max: 100 });
  const sampled = sampledRequest(args, hostWorld(), note);
  const switching = outputSwitching(args, wanted);
  const gates = { ...recordedParts(args), filter: args.text("filter") };
  const output = await openOutput(wanted, note);
  const recording = await record(
    {
      ...sampled,
      target,
      seconds: args.number("duration", { min: 0.001, max: 1e6 }),
      ...gates,
      objectPolicy: args.has("no-buildid") ? "nothing" : args.has("no-buildid-cache") ? "list" : "save",
      queueBytes: args.has("queue") ? parseSize(args.text("queue")!, "--queue") : undefined,
      output,
      maxBytes: args.has("max-size") ? parseSize(args.text("max-size")!, "--max-size") : undefined,
      switching,
      commandLine: ["pmuctl", ...Deno.args],
      backend: args.text("backend"),
      keepRate: args.has("keep-rate"),
      onProgress: showsLiveLine(args, target, io) ? liveLine(io) : undefined,
    },
    onStopSignals(io.stderrIsTerminal),
    note,
    onDumpSignal(),
  ).finally(() => io.status(""));
  report(recording, {
    reason: noSamplesLine(recording, { target, ...gates }),
    output,
    verbose: args.has("verbose"),
    onTerminal: io.stderrIsTerminal,
  }, note);
  throwWriteError(recording, output);
  if (args.has("bundle")) await bundle(recording.paths, { source: args.has("source") }, note);
  if (args.has("open") && recording.ledger.total.sample > 0) await openReport(recording.paths, io);
  const status = recording.exit?.code ?? EXIT.ok;
  if (maxLost === undefined || lostPercent(recording.ledger.total) <= maxLost) return status;
  io.err(
    `pmuctl: lost ${lostText(recording.ledger)} samples, more than --max-lost ${maxLost} allows: ` +
      `record with larger rings (-m) or ${lowerRateHint(recording.events.map(({ rate }) => rate))}`,
  );
  // a failed command matters more than how well it was sampled
  return status === EXIT.ok ? EXIT.inconclusive : status;
}

/** Reads when sampling starts and stops. Throws UsageError. */
function recordedParts(args: ParsedArgs): Pick<RecordRequest, "delayMs" | "control"> {
  if (args.text("delay") === "-1") return { control: controlOf(args, "record") };
  const paths = args.text("control");
  const control = paths === undefined ? {} : { control: { ...parseControl(paths), startDisabled: false } };
  return { delayMs: args.number("delay", { min: 0, max: 1e9 }), ...control };
}

/** Throws UsageError for options that need a file, if there will be none. */
function refuseWithoutFile(args: ParsedArgs, wanted: WantedOutput): void {
  if (args.has("bundle") && (wanted.kind !== "file" || wanted.device)) {
    throw new UsageError("record: --bundle needs a file: name one with -o, or pipe into 'pmuctl bundle'");
  }
  if (args.has("source") && !args.has("bundle")) {
    throw new UsageError("record: --source needs --bundle: add it");
  }
  if (args.has("open") && (wanted.kind !== "file" || wanted.device)) {
    throw new UsageError(
      "record: --open needs a file: name one with -o, or pipe into 'pmuctl report --open'",
    );
  }
}

/** Adds to complete recordings the names that their reports need. Throws as bundled() does. */
async function bundle(
  paths: readonly string[],
  options: { source: boolean },
  note: (line: string) => void,
): Promise<void> {
  const { bundleInPlace } = await import("./bundle_file.ts");
  for (const path of paths) {
    const { summary, warnings } = await bundleInPlace(path, options);
    for (const warning of warnings) note(`warning: ${warning}`);
    note(`${path} has ${summary}`);
  }
}

/** Opens the report of the last of these recordings in a browser. Throws what `report` throws. */
async function openReport(paths: readonly string[], io: Io): Promise<void> {
  const [{ command }, { parseCommandLine }] = await Promise.all([
    import("./report.ts"),
    import("../cli/args.ts"),
  ]);
  await command.run(
    parseCommandLine(command, ["--open", "-i", paths.at(-1)!]),
    io,
    () => Promise.resolve([]),
  );
}

/** Throws UnsupportedError when the output did not accept everything. */
function throwWriteError({ writeError }: Recording, output: Output): void {
  if (!writeError) return;
  const { errno, text } = writeError;
  const cause = errno === ERRNO.ECANCELED
    ? "the second request to stop came before it accepted everything"
    : text;
  const advice = output.kind === "pipe"
    ? { attempt: `write everything to ${output.name}`, cause }
    : { attempt: `write all of ${output.path}`, cause, remedy: "the file contains the samples until then" };
  throw new UnsupportedError(advice, errno);
}

/**
 * Returns whether to show a live line: not while a command runs, whose output would be torn apart on the same terminal.
 */
function showsLiveLine(args: ParsedArgs, target: Target, io: Io): boolean {
  const runsCommand = "argv" in target && target.argv.length > 0;
  return io.stderrIsTerminal && !args.has("quiet") && !runsCommand;
}

function liveLine(io: Io): RecordRequest["onProgress"] {
  const rate = new RecentRate();
  return ({ samples, lost, bytes }, seconds) => {
    io.status(renderLive({ seconds, samples, lost, bytes, rate: rate.at(seconds, samples) }, io.columns));
  };
}

/** Details of the report at the end of a recording. */
interface ReportContext {
  /** Reason why there are no samples, if there are none. */
  reason: string | undefined;
  output: Output;
  /** Show the ledger of each CPU. */
  verbose: boolean;
  /** Standard error is a terminal, where the ledger of a recording without losses is left out; a log keeps it. */
  onTerminal: boolean;
}

function report(recording: Recording, context: ReportContext, note: (line: string) => void) {
  const { ledger, seconds, bytes, events, paths, stacks } = recording;
  const rates = events.map(({ rate }) => rate);
  const lost = samplesLost(ledger.total) === 0 ? "none lost" : `${lostText(ledger)} lost`;
  note(
    `recorded ${counted(ledger.total.sample, "sample")} (${whatOf(events, context.verbose)}) in ${
      seconds.toFixed(3)
    } s, ${lost}${
      stacks?.unwound ? `, ${stacksShare(stacks.whole, stacks.unwound)} of their stacks whole` : ""
    }`,
  );
  if (context.reason) note(context.reason);
  const where = `${whereTo(context.output, paths)} (${(bytes / 1024).toFixed(0)} KiB)`;
  if (context.output.kind === "pipe") note(`wrote ${where}`);
  else if (paths[0] === context.output.path) {
    const hint = `: '${reportCommand(paths[0])}' shows where the time went`;
    note(`wrote ${where}${context.reason ? "" : hint}`);
  } else note(`in total ${where}`); // each file was named when it was complete
  if (context.verbose || !context.onTerminal || samplesLost(ledger.total) > 0) {
    note(`ledger: ${ledgerLine(ledger)}`);
  }
  if (context.verbose) { for (const line of ledgerTable(ledger)) note(line); }
  for (const warning of lossWarnings(ledger.total, rates)) note(`warning: ${warning}`);
}

/** Lists the sampled events: `cpu-clock, 4000 Hz`, and so on, with the backend of each on request. */
function whatOf(events: Recording["events"], withBackend: boolean): string {
  return events.map(({ name, rate, backend }) =>
    `${name}, ${rate}${withBackend ? `, backend ${backend}` : ""}`
  ).join("; ");
}

function reportCommand(path: string): string {
  return path === DEFAULT_FILE ? "pmuctl report" : `pmuctl report -i ${path}`;
}

function whereTo(output: Output, paths: readonly string[]): string {
  if (output.kind === "pipe") return "a pipe";
  if (paths[0] === output.path) return output.path;
  return paths.length === 1 ? paths[0] : `${paths.length} files, ${paths[0]} to ${paths.at(-1)}`;
}
