/**
 * Conducts a recording from start to end: the command waits, the events open, /proc is read, the drain runs, the command
 * is let go; when it ends, the ledger is closed and the file is completed.
 */

import { Control } from "../../ffi/control.ts";
import { MeasuredCommand, type MeasuredCommandOptions, type StopSignals } from "../../ffi/command.ts";
import { FOREIGN_PROC, inPidNamespace, isForeignProc } from "../base/files/pid_namespace.ts";
import { cutShortAdvice } from "../events/cut_short.ts";
import type { RecordingChanges } from "../perfdata/own/session_info.ts";
import { backends } from "./backends/all.ts";
import {
  type BackendOwner,
  type BackendRegistry,
  describeSamplers,
  samplersOf,
  tracks,
} from "./backends/registry.ts";
import { RateGuard } from "./guard/rate_guard.ts";
import { liveProc } from "./host/procfs.ts";
import { commandTime, TargetTime } from "./no_samples.ts";
import { CpuWatch } from "./open/hotplug.ts";
import { filterTracepoints, openEvents } from "./open_events.ts";
import { closeAll, type EventOnCpus } from "./open/open_on_cpus.ts";
import { planEvents } from "./open/plan.ts";
import { OutputSequence } from "./output/output_sequence.ts";
import { isStandardOutput, outputName } from "./request/output.ts";
import type { Recording, RecordRequest } from "./request/request.ts";
import { type StopReason, waitForStop } from "./stop_conditions.ts";
import { QueuedSwitchRequests, type SwitchRequests, switchWhen } from "./triggers.ts";

/** Public side of a measured command. */
export type SessionCommand = Pick<MeasuredCommand, keyof MeasuredCommand>;
/** Public side of the outputs of a recording. */
export type SessionOutputs = Pick<OutputSequence, keyof OutputSequence>;

/** Public side of the FIFOs of a recording. */
export type SessionControl = Pick<Control, "attach" | "close">;

/** Steps of a session that need a kernel, so that tests of their order can do without one. */
export interface SessionSteps {
  /** Backends that open what samples are taken by. */
  backends: Pick<BackendRegistry, "open">;
  /** Makes the command's process, which waits before exec. Throws CommandError. */
  startCommand(argv: readonly string[], options: MeasuredCommandOptions): SessionCommand;
  /** Opens the FIFOs of the request, if it has any. Throws BadInputError. */
  openControl(inputs: SessionInputs): SessionControl | undefined;
  /** Opens the events, disabled. Throws UnsupportedError. */
  openEvents(inputs: SessionInputs, owner: BackendOwner, pid: number | undefined): EventOnCpus[];
  /** Makes the rings and the first output. Throws UnsupportedError. */
  openOutputs(
    inputs: SessionInputs,
    opened: readonly EventOnCpus[],
    happened: RecordingChanges,
  ): SessionOutputs;
}

/** Steps on this machine. */
const LIVE_STEPS: SessionSteps = {
  backends,
  startCommand: (argv, options) => new MeasuredCommand(argv, options),
  openControl: ({ request: { control }, note }) => control && Control.open(control, note),
  openEvents: ({ request, note }, owner, pid) =>
    openEvents(planEvents(request, { pid, proc: liveProc }), owner, request, note),
  openOutputs: ({ request, note }, opened, happened) =>
    new OutputSequence(request, opened, { note, happened }),
};

/** Everything that a session is asked for. */
export interface SessionInputs {
  /** Recording that is asked for. */
  request: RecordRequest;
  /** The user's requests to stop. */
  stopper: StopSignals;
  /** Gets a line for whatever is not as asked. */
  note: (line: string) => void;
  /** The user's requests for the next file, where there are to be several. */
  switchRequests?: SwitchRequests;
}

/**
 * Records until the command ends, a limit is reached or `stopper` says so. Throws UnsupportedError when an event or the
 * file cannot be opened, CommandError when the command cannot be run; no file is left then, and one that was there before
 * is as it was.
 *
 * ```ts
 * const { ledger, paths } = await record(request, stopper, (line) => console.error(line));
 * console.log(`${ledger.total.sample} samples in ${paths[0]}`);
 * ```
 */
export function record(
  request: RecordRequest,
  stopper: StopSignals,
  note: (line: string) => void,
  switchRequests?: SwitchRequests,
): Promise<Recording> {
  return runSession({ request, stopper, note, switchRequests });
}

/** Records as `record()` does, by these steps. */
export async function runSession(
  inputs: SessionInputs,
  steps: SessionSteps = LIVE_STEPS,
): Promise<Recording> {
  return await new Session(inputs, steps).run();
}

class Session {
  readonly #inputs: SessionInputs;
  readonly #steps: SessionSteps;
  readonly #ofThreads: boolean;
  readonly #command: SessionCommand | undefined;
  readonly #switchRequests: QueuedSwitchRequests | undefined;
  readonly #control: SessionControl | undefined;
  /** Resolves when the target says that the recording is over. */
  readonly #stopped = Promise.withResolvers<"control">();
  /** Whether anything was ever sampled. */
  #wasEnabled = false;
  readonly #cpus = new CpuWatch();
  #owner: BackendOwner | undefined;
  #opened: EventOnCpus[] = [];
  #guard: RateGuard | undefined;
  #outputs: SessionOutputs | undefined;
  /** Whether the command has been let go, so that what was recorded is worth keeping. */
  #released = false;
  /** Timers that run beside the drain. */
  readonly #watches: (() => void)[] = [];

  /** Starts the command, which waits, and listens to the user from now on. Throws CommandError. */
  constructor(inputs: SessionInputs, steps: SessionSteps) {
    const { request, stopper, switchRequests } = inputs;
    this.#inputs = inputs;
    this.#steps = steps;
    this.#ofThreads = request.target.kind !== "cpus";
    const argv = argvOf(request);
    this.#control = steps.openControl(inputs);
    this.#command = argv.length === 0 ? undefined : steps.startCommand(argv, {
      outputToStderr: isStandardOutput(request.output),
      limitMs: request.limitMs,
    });
    void stopper.first; // reading it installs the signal handlers
    if (request.switching && switchRequests) this.#switchRequests = new QueuedSwitchRequests(switchRequests);
  }

  async run(): Promise<Recording> {
    try {
      const sampling = this.#owner = this.#steps.backends.open();
      const outputs = this.#open(sampling);
      const clock = await this.#start(sampling, outputs);
      const reason = await this.#wait(sampling, outputs);
      sampling.stop(); // before anything else: from here on we would be recorded
      return await this.#finish(outputs, clock, reason);
    } catch (error) {
      this.#command?.cancel();
      if (!this.#released) this.#outputs?.discard();
      throw error;
    } finally {
      this.#stopWatching();
      this.#control?.close();
      this.#outputs?.free();
      this.#owner?.close();
      closeAll(this.#opened);
    }
  }

  /** Waits for the end. What was recorded until a failure is completed before that is thrown. */
  async #wait(sampling: BackendOwner, outputs: SessionOutputs): Promise<StopReason> {
    const { request, stopper } = this.#inputs;
    try {
      return await waitForStop(
        this.#command,
        { ...request, stopped: this.#stopped.promise },
        outputs,
        stopper,
      );
    } catch (error) {
      sampling.stop();
      this.#stopWatching();
      await outputs.end(stopper.second).catch(() => {}); // for the same cause, as a rule
      throw error;
    }
  }

  /** Opens the events, lowers a rate that the machine could not bear, and makes the rings and the first output. */
  #open(sampling: BackendOwner): SessionOutputs {
    const { request, note } = this.#inputs;
    this.#opened = this.#steps.openEvents(this.#inputs, sampling, this.#command?.pid);
    if (request.filter !== undefined) filterTracepoints(this.#opened, request.filter);
    if (!request.keepRate) {
      this.#guard = new RateGuard({
        samplers: samplersOf(this.#opened),
        cpus: request.host.cpusOnline,
        ofThreads: this.#ofThreads,
        note,
      });
      this.#guard.begin();
    }
    return this.#outputs = this.#steps.openOutputs(this.#inputs, this.#opened, {
      rateChanges: this.#guard?.changes ?? [],
      cpuChanges: this.#cpus.changes,
    });
  }

  /** Writes what runs already, starts the drain and all watches, sampling, and last the command. */
  async #start(sampling: BackendOwner, outputs: SessionOutputs): Promise<SessionClock> {
    const { request: { target, delayMs, control, switching }, note } = this.#inputs;
    // trackers report from the moment they are open, so that nothing falls between /proc and the rings; without one the
    // samplers have to
    const samplesFirst = target.kind !== "command" && !tracks(this.#opened);
    if (samplesFirst) sampling.start();
    outputs.begin();
    const clock = { started: performance.now(), target: new TargetTime(target, liveProc) };
    if (delayMs !== undefined) {
      const delayed = setTimeout(() => this.#sample(sampling, true), delayMs);
      this.#watches.push(() => clearTimeout(delayed));
    }
    this.#watch(sampling, outputs, clock);
    // whole CPUs are sampled from here on, and our own preparations are not what was asked about
    if (delayMs === undefined && !control?.startDisabled && !samplesFirst) {
      sampling.start({ onExec: target.kind === "command" });
    }
    this.#wasEnabled = sampling.running;
    this.#control?.attach({
      enable: () => this.#sample(sampling, true),
      disable: () => this.#sample(sampling, false),
      stop: () => this.#stopped.resolve("control"),
    });
    await this.#command?.release();
    this.#released = true;
    noteNamespaces(target, note);
    if (this.#command) outputs.holdProgramsOf(this.#command.pid);
    if (switching) this.#watches.push(switchWhen(switching.when, this.#switchRequests, outputs));
    return clock;
  }

  /** Starts or stops sampling, unless it is as it should be already. */
  #sample(sampling: BackendOwner, on: boolean): void {
    if (on === sampling.running) return;
    if (on) sampling.start();
    else sampling.stop();
    this.#wasEnabled ||= on;
  }

  /** Watches over the rate and the CPUs, and reports progress, until `#stopWatching()`. */
  #watch(sampling: BackendOwner, outputs: SessionOutputs, { started }: SessionClock): void {
    const { request: { cpus, onProgress }, note } = this.#inputs;
    this.#guard?.watch(outputs);
    this.#cpus.begin({
      cpus,
      ofThreads: this.#ofThreads,
      reopen: (cpu) => outputs.reopen(cpu, () => sampling.running),
      note,
    });
    if (!onProgress) return;
    const report = () => onProgress(outputs.progress, (performance.now() - started) / 1000);
    const timer = setInterval(report, PROGRESS_MS);
    this.#watches.push(() => clearInterval(timer));
  }

  #stopWatching(): void {
    for (const stop of this.#watches.splice(0)) stop();
    this.#guard?.stop();
    this.#cpus.stop();
  }

  /** Completes the output, and waits for a command that is about to end. */
  async #finish(
    outputs: SessionOutputs,
    { started, target: targetTime }: SessionClock,
    { limit, exit }: StopReason,
  ): Promise<Recording> {
    const { request, stopper, note } = this.#inputs;
    const seconds = (performance.now() - started) / 1000;
    const spent = targetTime.spent();
    this.#stopWatching();
    const closed = await outputs.end(stopper.second);
    const events = describeSamplers(this.#opened);
    closeAll(this.#opened.splice(0)); // a command that goes on is no longer measured
    if (limit === "size" || (limit && this.#command)) note(limitLine(limit, request));
    const { control } = request;
    const neverEnabled = this.#wasEnabled ? undefined : control?.commands;
    const cutShort = closed.cuts.length > 0 && this.#ofThreads;
    if (cutShort) note(cutLine(closed.cuts, request));
    const ended = await exit;
    // the CPU time of a command that goes on is not that of the recording
    const cpuTime = ended && request.target.kind === "command" && !limit ? commandTime(ended) : spent;
    const timedOut = this.#command?.timedOut ?? false;
    return { ...closed, exit: ended, timedOut, seconds, events, cpuTime, cutShort, neverEnabled };
  }
}

/** Start of a recording, on the wall and in the target's CPU time. */
interface SessionClock {
  /** Milliseconds, of performance.now(). */
  started: number;
  target: TargetTime;
}

/** Milliseconds between two reports of progress: as often as the eye can follow. */
const PROGRESS_MS = 250;

/** Returns the command's words; none where no command is run. */
function argvOf({ target }: Pick<RecordRequest, "target">): readonly string[] {
  return "argv" in target ? target.argv : [];
}

function cutLine(programs: readonly string[], { standing }: RecordRequest): string {
  const { cause, remedy } = cutShortAdvice(programs, standing.privilege);
  return `warning: samples are missing: ${cause}: ${remedy}`;
}

/** Notes which processes cannot be told apart, or named, because of pid namespaces. */
function noteNamespaces(target: RecordRequest["target"], note: (line: string) => void): void {
  if (target.kind !== "command" && isForeignProc()) note(`warning: ${FOREIGN_PROC}`);
  if (target.kind !== "cpus" || !inPidNamespace()) return;
  note(
    "warning: this is a pid namespace (container): processes outside it are recorded as one, without names; record on " +
      "the host to tell them apart",
  );
}

/** Returns the line that a limit has ended the recording, and that the command, if there is one, goes on. */
function limitLine(limit: NonNullable<StopReason["limit"]>, request: RecordRequest): string {
  const reached = {
    size: `${outputName(request.output)} has reached its size (--max-size)`,
    time: `${request.seconds} s are over (--duration)`,
    control: `'stop' came through ${request.control?.commands} (--control)`,
  }[limit];
  const [name] = argvOf(request);
  return `recording stopped: ${reached}${name === undefined ? "" : `; ${name} keeps running`}`;
}
