/**
 * Runs commands for a schedule (lib/run/schedule.ts): the same conditions for each run, what failed told with the end of
 * what it printed, and an end when the user says so.
 */

import { closeFd, createFile, PmuError, seek } from "../../ffi/pmu.ts";
import type { StopSignals } from "../../ffi/command.ts";
import { CommandError, UnsupportedError } from "../base/system/errors.ts";
import { printable } from "../base/text/printable.ts";
import { refusal } from "../base/system/system_error.ts";
import type { Standing } from "../events/open.ts";
import { CommandMeter, type MeasuredRun, type RequestedEvent } from "./measured_run.ts";

/** A command to be measured. */
export interface Job {
  /** What it is called in errors. */
  name: string;
  argv: readonly string[];
  /** What is run before each run and is no part of it. */
  prepare?: readonly string[];
}

/** What becomes of what commands print: nowhere, to where pmuctl's goes, to our standard error, or to a file. */
export type CommandOutput = "null" | "inherit" | "stderr" | { file: string };

export interface RunnerOptions {
  requestedEvents: readonly RequestedEvent[];
  standing: Standing;
  /** Default `null`. A file has what the last run printed. */
  output?: CommandOutput;
  /** A run that fails counts as any other. */
  ignoreFailure?: boolean;
  /** What stands behind the error of a run that failed: what to do about it. */
  failureHint?: string;
  /** Gets what is to be known of events, once, and what a command that failed had to say. */
  note: (line: string) => void;
  stopper: Pick<StopSignals, "first" | "second" | "commandGetsSignals">;
  /** Asked before each run, and before what prepares it: how long it may take. */
  limit?: () => RunLimit;
}

/** How long a run may take. */
export interface RunLimit {
  ms: number;
  /** In words: `5 s (--timeout)`. */
  text: string;
  /** What is limited: each run, or all of them together. */
  of: "run" | "all";
}

/** A command that is measured has failed: its status is pmuctl's. */
export class FailedCommand extends CommandError {}

/** A run took longer than it may, and was ended. */
export class TimedOutCommand extends CommandError {
  readonly limit: RunLimit;

  constructor(what: string, limit: RunLimit) {
    super(`${what} did not end within ${limit.text}`, TIMED_OUT);
    this.limit = limit;
  }
}

/** The status of timeout(1). */
const TIMED_OUT = 124;

/** How much of what a failed command wrote to its standard error is shown. */
const SHOWN_TAIL = { bytes: 4096, lines: 12 } as const;
const SIGTERM = 15, SIGKILL = 9;
/** A terminal's Ctrl-C ends the command, too; its end may be seen before the signal is. In ms. */
const SIGNAL_LAG_MS = 100;
/** Of a process's standard streams. */
const STDOUT = 1, STDERR = 2;

export class CommandRunner {
  readonly #jobs: readonly Job[];
  readonly #options: RunnerOptions;
  readonly #meter: CommandMeter;
  readonly #preparer: CommandMeter;
  readonly #null: number;
  readonly #stdout: number;
  /** What commands write to standard error, unless it is shown. */
  readonly #errors?: CapturedOutput;
  /** The files that are emptied before each run. */
  readonly #files: readonly CapturedOutput[];
  #stopSignal: number | undefined;

  /** Throws UnsupportedError when there is no place for what commands print. */
  constructor(jobs: readonly Job[], options: RunnerOptions) {
    this.#jobs = jobs;
    this.#options = options;
    this.#meter = new CommandMeter(options.requestedEvents, options.standing, options.note);
    this.#preparer = new CommandMeter([], options.standing, options.note);
    const output = options.output ?? "null";
    this.#null = create("/dev/null");
    const file = typeof output === "object" ? new CapturedOutput(output.file) : undefined;
    this.#stdout = output === "inherit" ? STDOUT : output === "stderr" ? STDERR : file?.fd ?? this.#null;
    const shown = output === "inherit" || output === "stderr";
    if (!shown) this.#errors = CapturedOutput.unnamed(); // not a pipe: no command waits for us to read
    this.#files = [file, this.#errors].filter((file) => file !== undefined);
    options.stopper.first.then((signal) => {
      this.#stopSignal = signal;
      // a group of its own is none that the terminal's signals go to
      if (!options.stopper.commandGetsSignals || signal === SIGTERM || options.limit) this.#kill(signal);
    });
    options.stopper.second.then(() => this.#kill(SIGKILL));
  }

  /** Why an event is in no run, by its name; known from the first run on. */
  get absent(): ReadonlyMap<string, string> {
    return this.#meter.absent;
  }

  /** What events are measured as, by their names. */
  get measured(): ReadonlyMap<string, string> {
    return this.#meter.measured;
  }

  /** The signal by which the user has asked for an end. */
  get stopSignal(): number | undefined {
    return this.#stopSignal;
  }

  /** Runs what is to be done before a run of the command. Throws as `run()`. */
  async prepare({ command }: { command: number }): Promise<void> {
    const { name, prepare } = this.#jobs[command];
    if (prepare) await this.#measure(this.#preparer, prepare, `what prepares a run of '${name}'`, false);
  }

  /**
   * One run; undefined when the user has cut it short. Throws FailedCommand when the command fails, unless that is
   * ignored, TimedOutCommand when it takes too long, CommandError when it cannot be run.
   */
  async run({ command }: { command: number }): Promise<MeasuredRun | undefined> {
    const { name, argv } = this.#jobs[command];
    return await this.#measure(this.#meter, argv, `'${name}'`, this.#options.ignoreFailure);
  }

  close(): void {
    this.#meter.close();
    closeFd(this.#null);
    for (const file of this.#files) file.close();
  }

  async #measure(meter: CommandMeter, argv: readonly string[], what: string, ignoreFailure = false) {
    for (const file of this.#files) file.empty();
    const limit = this.#options.limit?.();
    if (limit && limit.ms <= 0) throw new TimedOutCommand(what, limit);
    let run;
    try {
      const stdio = [this.#null, this.#stdout, this.#errors?.fd ?? STDERR] as const;
      run = await meter.run({ argv, stdio, ...(limit ? { limitMs: limit.ms } : {}) });
    } catch (error) {
      if (this.#stopSignal !== undefined) return undefined; // it was ended before it began
      throw error;
    }
    const failed = run.code !== 0 && !ignoreFailure;
    if (!run.timedOut && (failed || run.signal > 0)) await this.#awaitSignal();
    if (this.#stopSignal !== undefined) return undefined;
    if (run.timedOut) throw new TimedOutCommand(what, limit!);
    if (failed) {
      this.#showErrors(argv[0]);
      throw new FailedCommand(`${failureOf(what, run)}${this.#options.failureHint ?? ""}`, run.code);
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
    const lines = this.#errors?.tail() ?? []; // else it was shown when it was written
    if (lines.length === 0) return;
    this.#options.note(`${name} wrote to standard error:`);
    for (const line of lines) this.#options.note(`  ${printable(line)}`);
  }

  #kill(signal: number) {
    this.#meter.kill(signal);
    this.#preparer.kill(signal);
  }
}

function failureOf(what: string, { code, signal }: MeasuredRun): string {
  const how = signal ? `was ended by signal ${signal}` : `failed with exit status ${code}`;
  return `${what} ${how}: a run that fails says nothing of how long it takes`;
}

function create(path: string): number {
  try {
    return createFile(path, 0o666);
  } catch (error) {
    if (!(error instanceof PmuError)) throw error;
    throw new UnsupportedError({ attempt: `write to ${path}`, cause: error.text });
  }
}

/** A file that commands print into. */
class CapturedOutput {
  /** What commands get; they share its position. */
  readonly fd: number;
  /** The same file, to be emptied and read. */
  readonly #file: Deno.FsFile;

  /** Throws UnsupportedError when it cannot be written. */
  constructor(path: string) {
    this.fd = create(path);
    this.#file = Deno.openSync(path, { read: true, write: true });
  }

  /** One that has no name, so that nobody has to clean up after us. */
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
    if (!this.#file.statSync().isFile) return; // nothing stays in a device or a pipe
    this.#file.truncateSync();
    seek(this.fd, 0);
  }

  /** Its last lines. */
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
