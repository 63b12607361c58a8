/**
 * Runner of the commands in a schedule (lib/run/schedule.ts): under the same conditions for each run, with the end of
 * a failed command's output, and until the user stops it.
 */

import { SIGNAL } from "../base/system/numbers.ts";
import { closeFd, createFile, openInputFile, PmuError, seek } from "../../ffi/pmu.ts";
import type { StopSignals } from "../../ffi/command.ts";
import { ERRNO } from "../base/system/errno.ts";
import { BadInputError, CommandError, UnsupportedError } from "../base/system/errors.ts";
import type { ControlRequest } from "../base/system/control_option.ts";
import { printable } from "../base/text/printable.ts";
import { refusal } from "../base/system/system_error.ts";
import type { Standing } from "../events/open.ts";
import { CommandMeter, type MeasuredRun, type RequestedEvent } from "./measured_run.ts";

/** Command to be measured. */
export interface Job {
  /** Name in errors. */
  name: string;
  /** Command and its arguments. */
  argv: readonly string[];
  /** Whole environment of its runs. Default: this process's. */
  env?: Readonly<Record<string, string>>;
  /** Counts in all of it, whatever it says in the FIFOs of `control`. */
  whole?: boolean;
  /** Command to run before each run, unmeasured. */
  prepare?: readonly string[];
  /** Command to run before the first run, unmeasured. */
  setup?: readonly string[];
  /** Command to run after the last run, unmeasured. */
  cleanup?: readonly string[];
}

/** Destination of what commands print: nowhere, pmuctl's own output, its standard error, or a file. */
export type CommandOutput = "null" | "inherit" | "stderr" | { file: string };

/** Options of a CommandRunner. */
export interface RunnerOptions {
  /** Events to count in each run. */
  requestedEvents: readonly RequestedEvent[];
  /** FIFOs by which commands say which parts of them count. */
  control?: ControlRequest;
  /** Rights of this user, by which events are opened. */
  standing: Standing;
  /** Destination of what commands print; default `null`. A file holds the output of the last run. */
  output?: CommandOutput;
  /** File that commands read from their standard input, from its start in each run. Default: it is empty. */
  input?: string;
  /** True to count runs that fail like any other. */
  ignoreFailure?: boolean;
  /** Exit statuses besides 0 of runs that count like any other. */
  allowedStatuses?: readonly number[];
  /** Text after the error of a failed run, but not of a command around it: what to do about it. */
  failureHint?: string;
  /** Receives notes about events, once, and the output of a command that failed. */
  note: (line: string) => void;
  /** Requests of the user to stop. */
  stopper: Pick<StopSignals, "first" | "second" | "commandGetsSignals">;
  /** Returns how long a run may take. Called before each run, and before its preparation. */
  limit?: () => RunLimit;
}

/** Time limit of a run. */
export interface RunLimit {
  /** Length in ms. */
  ms: number;
  /** Description of the limit: `5 s (--timeout)`. */
  text: string;
  /** Scope of the limit: each run, or all of them together. */
  of: "run" | "all";
}

/** A measured command failed; pmuctl exits with its status. */
export class FailedCommand extends CommandError {}

/** A run exceeded its time limit and was ended. */
export class TimedOutCommand extends CommandError {
  /** Limit that was exceeded. */
  readonly limit: RunLimit;

  /** Makes the message, in which `what` names the command. */
  constructor(what: string, limit: RunLimit) {
    super(`${what} did not end within ${limit.text}`, TIMED_OUT);
    this.limit = limit;
  }
}

/** Exit status of timeout(1). */
const TIMED_OUT = 124;

/** Limits of what is shown of a failed command's standard error. */
const SHOWN_TAIL = { bytes: 4096, lines: 12 } as const;
/**
 * Time in ms to wait for a signal after a command ended. A terminal's Ctrl-C also ends the command, and its end may
 * be seen before the signal is.
 */
const SIGNAL_LAG_MS = 100;
/** End of the message of a failed run. */
const UNMEASURED = ": a failed run does not tell how long the command takes";
/** File descriptors of a process's standard streams. */
const STDOUT = 1, STDERR = 2;

/** Runs commands for a schedule, and collects what they print. */
export class CommandRunner {
  readonly #jobs: readonly Job[];
  readonly #options: RunnerOptions;
  readonly #meter: CommandMeter;
  readonly #preparer: CommandMeter;
  readonly #null: number;
  /** File that commands read; undefined for none. */
  readonly #input: number | undefined;
  readonly #stdout: number;
  /** File for the commands' standard error, unless it is shown directly. */
  readonly #errors?: CapturedOutput;
  /** Files that are emptied before each run. */
  readonly #files: readonly CapturedOutput[];
  #stopSignal: number | undefined;
  /** Whether the user has asked a second time to stop. */
  #isForced = false;

  /**
   * Throws UnsupportedError when a file for the commands' output cannot be made, BadInputError when `input` cannot be read
   * or a FIFO of `control` is none.
   */
  constructor(jobs: readonly Job[], options: RunnerOptions) {
    this.#jobs = jobs;
    this.#options = options;
    const { requestedEvents, standing, note, control } = options;
    this.#meter = new CommandMeter(requestedEvents, standing, note, control);
    this.#preparer = new CommandMeter([], options.standing, options.note);
    const output = options.output ?? "null";
    this.#input = options.input === undefined ? undefined : openInput(options.input);
    this.#null = create("/dev/null");
    const file = typeof output === "object" ? new CapturedOutput(output.file) : undefined;
    this.#stdout = output === "inherit" ? STDOUT : output === "stderr" ? STDERR : file?.fd ?? this.#null;
    const shown = output === "inherit" || output === "stderr";
    if (!shown) this.#errors = CapturedOutput.unnamed(); // a file and not a pipe, so that no command waits for us to read
    this.#files = [file, this.#errors].filter((file) => file !== undefined);
    options.stopper.first.then((signal) => {
      this.#stopSignal = signal;
      // the terminal does not send its signals to a command in a process group of its own
      if (!options.stopper.commandGetsSignals || signal === SIGNAL.SIGTERM || options.limit) {
        this.#meter.kill(signal);
      }
      // nothing is lost with a command around the runs, which the terminal's signal may not have reached
      this.#preparer.kill(signal);
    });
    options.stopper.second.then(() => {
      this.#isForced = true;
      this.#meter.kill(SIGNAL.SIGKILL);
      this.#preparer.kill(SIGNAL.SIGKILL);
    });
  }

  /** Reasons why events are not counted, by event name; known after the first run. */
  get absent(): ReadonlyMap<string, string> {
    return this.#meter.absent;
  }

  /** Names that events are measured as, by the requested name. */
  get measured(): ReadonlyMap<string, string> {
    return this.#meter.measured;
  }

  /** Signal by which the user stopped the runs. */
  get stopSignal(): number | undefined {
    return this.#stopSignal;
  }

  /** Runs the commands for before the first run, each once, until the user stops them. Throws as run() does. */
  async setUp(): Promise<void> {
    await this.#runOnce(({ setup }) => setup, "setup");
  }

  /**
   * Runs the commands for after the last run, each once, also after the user has stopped the runs, but not once they have
   * asked a second time. Throws as run() does.
   */
  async cleanUp(): Promise<void> {
    await this.#runOnce(({ cleanup }) => cleanup, "cleanup");
  }

  async #runOnce(commandOf: (job: Job) => readonly string[] | undefined, what: string): Promise<void> {
    const commands = new Map<string, readonly string[]>();
    for (const job of this.#jobs) {
      const argv = commandOf(job);
      if (argv) commands.set(argv.join("\0"), argv);
    }
    for (const argv of commands.values()) {
      const named = `the ${what} '${argv.join(" ")}'`;
      if (this.#isForced && what === "cleanup") this.#options.note(`${named} was not run: stopped before`);
      if (this.#isForced || (this.#stopSignal !== undefined && what === "setup")) continue;
      try {
        await this.#measure(this.#preparer, argv, named, {});
      } catch (error) {
        if (!(error instanceof CommandError) || error.message.startsWith(named)) throw error;
        throw new CommandError(`${named}: ${error.message}`, error.status);
      }
    }
  }

  /** Runs the preparation of a run. Throws as run() does. */
  async prepare({ command }: { command: number }): Promise<void> {
    const { name, prepare } = this.#jobs[command];
    if (prepare && this.#stopSignal === undefined) {
      await this.#measure(this.#preparer, prepare, `the preparation of '${name}'`, {});
    }
  }

  /**
   * Runs the command once; returns undefined when the user stopped it. Throws FailedCommand when the command fails,
   * unless failures are ignored; TimedOutCommand when it exceeds its time limit; CommandError when it cannot be run.
   */
  async run({ command }: { command: number }): Promise<MeasuredRun | undefined> {
    const { name, argv, env, whole } = this.#jobs[command];
    if (this.#stopSignal !== undefined) return undefined;
    return await this.#measure(this.#meter, argv, `'${name}'`, { ...this.#options, env, whole });
  }

  /** Closes what the runs were measured with. */
  close(): void {
    this.#meter.close();
    closeFd(this.#null);
    if (this.#input !== undefined) closeFd(this.#input);
    for (const file of this.#files) file.close();
  }

  async #measure(
    meter: CommandMeter,
    argv: readonly string[],
    what: string,
    { ignoreFailure, allowedStatuses, env, whole }:
      & Pick<RunnerOptions, "ignoreFailure" | "allowedStatuses">
      & Pick<Job, "env" | "whole">,
  ) {
    for (const file of this.#files) file.empty();
    const input = meter === this.#meter ? this.#input : undefined;
    if (input !== undefined) seek(input, 0);
    const limit = this.#options.limit?.();
    if (limit && limit.ms <= 0) throw new TimedOutCommand(what, limit);
    let run;
    try {
      const stdio = [input ?? this.#null, this.#stdout, this.#errors?.fd ?? STDERR] as const;
      const asTree = meter === this.#preparer;
      run = await meter.run({ argv, env, stdio, asTree, whole, ...(limit ? { limitMs: limit.ms } : {}) });
    } catch (error) {
      if (this.#stopSignal !== undefined) return undefined; // it was ended before it began
      throw error;
    }
    const isAllowed = ignoreFailure || (run.signal === 0 && allowedStatuses?.includes(run.code));
    const failed = run.code !== 0 && !isAllowed;
    if (!run.timedOut && (failed || run.signal > 0)) await this.#awaitSignal();
    if (this.#stopSignal !== undefined) return undefined;
    if (run.timedOut) throw new TimedOutCommand(what, limit!);
    if (failed) {
      this.#showErrors(argv[0]);
      const isMeasured = meter === this.#meter;
      const why = isMeasured ? `${UNMEASURED}${this.#options.failureHint ?? ""}` : "";
      throw new FailedCommand(`${failureOf(what, run)}${why}`, run.code);
    }
    return run;
  }

  async #awaitSignal() {
    let timer;
    const lag = new Promise((resolve) => timer = setTimeout(resolve, SIGNAL_LAG_MS));
    await Promise.race([this.#options.stopper.first, lag]);
    clearTimeout(timer);
  }

  #showErrors(name: string) {
    const lines = this.#errors?.tail() ?? []; // otherwise it was shown when it was written
    if (lines.length === 0) return;
    this.#options.note(`${name} wrote to standard error:`);
    for (const line of lines) this.#options.note(`  ${printable(line)}`);
  }
}

/**
 * Runs what is to be run before the first run, then `runs`, then what is to be run after the last one, even if one of them
 * failed. That the last failed is only noted, as the results are there by then.
 */
export async function withSetup<T>(
  runner: Pick<CommandRunner, "setUp" | "cleanUp">,
  runs: () => Promise<T>,
  note: (line: string) => void,
): Promise<T> {
  try {
    await runner.setUp();
    return await runs();
  } finally {
    await runner.cleanUp().catch((error) => {
      if (!(error instanceof CommandError)) throw error;
      note(error.message);
    });
  }
}

function failureOf(what: string, { code, signal }: MeasuredRun): string {
  const how = signal ? `was ended by signal ${signal}` : `failed with exit status ${code}`;
  return `${what} ${how}`;
}

function openInput(path: string): number {
  try {
    return openInputFile(path);
  } catch (error) {
    if (!(error instanceof PmuError)) throw error;
    const cause = error.errno === ERRNO.EINVAL ? "it is no regular file" : error.text;
    throw new BadInputError(`cannot read ${printable(path)} for --input: ${cause}: name a file`);
  }
}

function create(path: string): number {
  try {
    return createFile(path, 0o666);
  } catch (error) {
    if (!(error instanceof PmuError)) throw error;
    throw new UnsupportedError({ attempt: `write to ${path}`, cause: error.text });
  }
}

/** File that commands print into. */
class CapturedOutput {
  /** Descriptor that commands get. They share its position. */
  readonly fd: number;
  /** Second handle of the file, to empty and read it. */
  readonly #file: Deno.FsFile;

  /** Throws UnsupportedError when the file cannot be written. */
  constructor(path: string) {
    this.fd = create(path);
    this.#file = Deno.openSync(path, { read: true, write: true });
  }

  /** Makes a file without a name, so that nothing has to be cleaned up. */
  static unnamed(): CapturedOutput {
    let path;
    try {
      path = Deno.makeTempFileSync({ prefix: "pmuctl-" });
    } catch (error) {
      const remedy = "set TMPDIR to a folder that can be written to, or give --output inherit";
      throw refusal("make a file for what the command writes to standard error", error, remedy);
    }
    const file = new CapturedOutput(path);
    Deno.removeSync(path);
    return file;
  }

  empty() {
    if (!this.#file.statSync().isFile) return; // devices and pipes keep nothing
    this.#file.truncateSync();
    seek(this.fd, 0);
  }

  /** Returns the last lines of the file. */
  tail(): string[] {
    const { size } = this.#file.statSync();
    this.#file.seekSync(Math.max(0, size - SHOWN_TAIL.bytes), Deno.SeekMode.Start);
    const bytes = new Uint8Array(SHOWN_TAIL.bytes);
    const text = new TextDecoder().decode(bytes.subarray(0, this.#file.readSync(bytes) ?? 0)).trimEnd();
    return text === "" ? [] : text.split("\n").slice(-SHOWN_TAIL.lines);
  }

  close() {
    closeFd(this.fd);
    this.#file.close();
  }
}
