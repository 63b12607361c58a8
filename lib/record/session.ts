/**
 * A recording from start to end: the child waits, the events open, /proc is told, the drain runs, the
 * child goes; then the ledger is closed and the file gets its features.
 */

import { MeasuredCommand, type StopSignals } from "../../ffi/command.ts";
import { FOREIGN_PROC, inPidNamespace, isForeignProc } from "../base/files/pid_namespace.ts";
import { cutShortAdvice } from "../events/cut_short.ts";
import { backends } from "./backends/all.ts";
import { type BackendOwner, describeSamplers, samplersOf, tracks } from "./backends/registry.ts";
import { waitForStop } from "./stop_conditions.ts";
import { filterTracepoints, openEvents } from "./events.ts";
import { RateGuard } from "./guard/rate_guard.ts";
import { CpuWatch } from "./open/hotplug.ts";
import { commandTime, TargetTime } from "./no_samples.ts";
import { closeAll, type EventOnCpus } from "./open/opening.ts";
import { isStandardOutput, outputName } from "./request/output.ts";
import { OutputSequence } from "./output/output_sequence.ts";
import { liveProc } from "./host/procfs.ts";
import type { Recording, RecordRequest } from "./request/request.ts";
import { QueuedSwitchRequests, type SwitchRequests, switchWhen } from "./triggers.ts";

/**
 * Records until the command ends or `stopper` says so; `prompts` ask for the next file, where there are to be
 * several. `note` gets a line for whatever is not as asked. Throws UnsupportedError when an event or the file
 * cannot be opened, CommandError when the command cannot be run; no file is left then, and one that was
 * there before is as it was.
 */
export async function record(
  request: RecordRequest,
  stopper: StopSignals,
  note: (line: string) => void,
  prompts?: SwitchRequests,
): Promise<Recording> {
  const { target, switching } = request;
  const argv = "argv" in target ? target.argv : [];
  const command = argv.length > 0
    ? new MeasuredCommand(argv, {
      outputToStderr: isStandardOutput(request.output),
      limitMs: request.limitMs,
    })
    : undefined;
  void stopper.first; // from here on
  const earlyPrompts = switching && prompts ? new QueuedSwitchRequests(prompts) : undefined; // from here on, too
  let owner: BackendOwner | undefined;
  let guard: RateGuard | undefined;
  const cpus = new CpuWatch();
  let opened: EventOnCpus[] = [];
  let outputs: OutputSequence | undefined;
  let running = false;
  let stopSwitching = () => {}, stopTelling = () => {};
  try {
    const sampling = owner = backends.open();
    opened = openEvents(request, sampling, command?.pid, note);
    if (request.filter !== undefined) filterTracepoints(opened, request.filter);
    guard = request.keepRate ? undefined : new RateGuard({
      samplers: samplersOf(opened),
      cpus: request.host.cpusOnline,
      ofThreads: target.kind !== "cpus",
      note,
    });
    guard?.begin();
    outputs = new OutputSequence(request, opened, note, {
      rateChanges: guard?.changes ?? [],
      cpuChanges: cpus.changes,
    });
    // the trackers report from here on, so that nothing falls between /proc and the rings; without one, the samplers
    const atOnce = target.kind !== "command" && !tracks(opened);
    if (atOnce) sampling.start();
    outputs.begin();
    const started = performance.now();
    const time = new TargetTime(target, liveProc);
    const delayed = request.delayMs === undefined
      ? undefined
      : setTimeout(() => sampling.start(), request.delayMs);
    guard?.watch(outputs);
    const recording = outputs;
    cpus.begin({
      cpus: request.cpus,
      ofThreads: target.kind !== "cpus",
      reopen: (cpu) => recording.reopen(cpu, () => sampling.running),
      note,
    });
    stopTelling = tell(request.onProgress, outputs, started);
    // last of all: whole CPUs are sampled from here on, and we are not what was asked about
    if (delayed === undefined && !atOnce) sampling.start({ onExec: target.kind === "command" });
    await command?.release();
    running = true;
    noteNamespaces(request, note);
    if (command) outputs.lookAt(command.pid);
    if (switching) stopSwitching = switchWhen(switching.when, earlyPrompts, outputs);
    const { limit, exit } = await waitForStop(command, request, outputs, stopper);
    sampling.stop(); // first of all, likewise
    const seconds = (performance.now() - started) / 1000;
    const spent = time.spent();
    clearTimeout(delayed);
    stopSwitching();
    guard?.stop();
    cpus.stop();
    stopTelling();
    const closed = await outputs.end(stopper.second);
    const events = describeSamplers(opened);
    closeAll(opened.splice(0)); // a command that goes on is no longer measured
    if (limit === "size" || (limit && command)) note(limitLine(limit, request));
    const cutShort = closed.cuts.length > 0 && target.kind !== "cpus";
    if (cutShort) note(cutLine(closed.cuts, request));
    const ended = await exit;
    // of a command that went on, the time is not that of the recording
    const cpuTime = ended && target.kind === "command" && !limit ? commandTime(ended) : spent;
    const timedOut = command?.timedOut ?? false;
    return { ...closed, exit: ended, timedOut, seconds, events, cpuTime, cutShort };
  } catch (error) {
    command?.cancel();
    if (!running) outputs?.discard(); // what has been recorded is never thrown away
    throw error;
  } finally {
    stopSwitching();
    guard?.stop();
    cpus.stop();
    stopTelling();
    outputs?.free();
    owner?.close();
    closeAll(opened);
  }
}

/** How often it is told how far a recording has come, in ms: what the eye can follow. */
const PROGRESS_MS = 250;

function tell(onProgress: RecordRequest["onProgress"], outputs: OutputSequence, started: number): () => void {
  if (!onProgress) return () => {};
  const timer = setInterval(
    () => onProgress(outputs.progress, (performance.now() - started) / 1000),
    PROGRESS_MS,
  );
  return () => clearInterval(timer);
}

function cutLine(programs: readonly string[], { standing }: RecordRequest): string {
  const { cause, remedy } = cutShortAdvice(programs, standing.privilege);
  return `warning: samples are missing: ${cause}: ${remedy}`;
}

/** Says what cannot be told of the processes that are recorded, because of pid namespaces. */
function noteNamespaces({ target }: RecordRequest, note: (line: string) => void): void {
  if (target.kind !== "command" && isForeignProc()) note(`warning: ${FOREIGN_PROC}`);
  if (target.kind !== "cpus" || !inPidNamespace()) return;
  note(
    "warning: this is a pid namespace (container): processes outside it are recorded as one, without names; record on " +
      "the host to tell them apart",
  );
}

/** Says that the recording is over while the command, if there is one, goes on. */
function limitLine(limit: "size" | "time", { target, output, seconds }: RecordRequest): string {
  const reached = limit === "size"
    ? `${outputName(output)} has reached its size (--max-size)`
    : `${seconds} s are over (--duration)`;
  const runs = "argv" in target && target.argv.length > 0;
  return `${reached}, recording has stopped${runs ? `; ${target.argv[0]} goes on` : ""}`;
}
