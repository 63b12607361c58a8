/** Command under measurement: it waits while events are opened on it, is released, and waited for. */

import { SIGNAL } from "../lib/base/system/numbers.ts";
import { ERRNO, PmuError } from "../lib/base/system/errno.ts";
import { CommandError, EXIT } from "../lib/base/system/errors.ts";
import { refusal } from "../lib/base/system/system_error.ts";
import { type Child, type Exit, spawn } from "./child.ts";
import { TimeLimit } from "./time_limit.ts";

/** Requests of the user to stop a measurement. */
export interface StopSignals {
  /** Resolves to the signal number of the first request to stop. */
  first: Promise<number>;
  /** Resolves at the second request: stop now. */
  second: Promise<number>;
  /** Whether the command gets the terminal's signals itself, because it shares the terminal with pmuctl. */
  commandGetsSignals: boolean;
}

/** Settings of a measured command. */
export interface MeasuredCommandOptions {
  /** Redirect what it prints to standard error, because pmuctl's standard output holds something else. */
  outputToStderr?: boolean;
  /** Time limit in ms, after which the command and everything it started are ended. */
  limitMs?: number;
}

/** Command that starts only when released, so that it is measured from its exec on. */
export class MeasuredCommand {
  readonly #name: string;
  readonly #child: Child;
  readonly #limitMs: number | undefined;
  #limit: TimeLimit | undefined;
  #released = false;

  /** Creates the process, which waits before exec. Throws CommandError. */
  constructor(command: readonly string[], options: MeasuredCommandOptions = {}) {
    this.#name = command[0];
    this.#limitMs = options.limitMs;
    try {
      this.#child = spawn({
        argv: command,
        stdio: [-1, options.outputToStderr ? 2 : -1, -1],
        ownGroup: options.limitMs !== undefined,
      });
    } catch (error) {
      throw commandError(error, this.#name);
    }
  }

  /** Pid of the process that becomes the command. */
  get pid(): number {
    return this.#child.pid;
  }

  /**
   * Lets the command exec, and waits until it has. Throws CommandError with status 127 when there is no such command,
   * 126 when it cannot be run, as in shells.
   */
  async release(): Promise<void> {
    if (this.#limitMs !== undefined) this.#limit = new TimeLimit(this.#child, this.#limitMs);
    try {
      await this.#child.release();
    } catch (error) {
      await this.#limit?.end();
      throw commandError(error, this.#name);
    } finally {
      this.#released = true;
    }
  }

  /** Whether the command was ended because it exceeded its time limit. */
  get timedOut(): boolean {
    return this.#limit?.passed ?? false;
  }

  /** Ends the process unless it has been released. */
  cancel(): void {
    if (!this.#released) this.#child.cancel();
    this.#released = true;
  }

  /**
   * Waits until the command ends or the user stops the measurement. Ctrl-C on a terminal also reaches the command,
   * which may then end in its own way; a signal sent to pmuctl alone is passed on. The second request ends the
   * measurement whatever the command does: the command gets SIGTERM, and the result is undefined.
   */
  async untilDone(stopper: StopSignals): Promise<Exit | undefined> {
    const ended = this.#child.wait().finally(() => this.#limit?.end());
    const first = await Promise.race([ended, stopper.first]);
    if (typeof first !== "number") return first;
    // the terminal's signals do not reach a process group of its own
    if (!stopper.commandGetsSignals || first === SIGNAL.SIGTERM || this.#limit) this.#kill(first);
    const second = await Promise.race([ended, stopper.second]);
    if (typeof second !== "number") return second;
    this.#kill(SIGNAL.SIGTERM);
    return undefined;
  }

  #kill(signal: number) {
    try {
      if (this.#limit) this.#limit.kill(signal);
      else this.#child.kill(signal);
    } catch (error) {
      if (!(error instanceof PmuError)) throw error; // it has ended meanwhile
    }
  }
}

/** Returns a hint for a command line that was quoted as one word, as hyperfine takes it; "" otherwise. */
function oneWordHint(name: string): string {
  return /\s/.test(name)
    ? ": this is one word with spaces in it: remove the quotes around it, or use a shell: sh -c '...'"
    : "";
}

/** Returns a hint for a file that is there but cannot be executed; "" for other errors. */
function executableHint(errno: number): string {
  if (errno === ERRNO.EACCES) return ": name a file that you may execute, or make it one: chmod +x";
  if (errno === ERRNO.ENOEXEC) return ": a script needs #! in its first line, or its interpreter: sh FILE";
  return "";
}

/** Errors of a shortage while starting a command, which is not the command's fault. */
const SHORTAGES: readonly number[] = [ERRNO.EMFILE, ERRNO.ENFILE, ERRNO.EAGAIN, ERRNO.ENOMEM];

/**
 * Converts a PmuError met in starting `name` into a CommandError, or into UnsupportedError when descriptors, processes
 * or memory ran out. Returns any other error as it is.
 */
export function commandError(error: unknown, name: string): unknown {
  if (!(error instanceof PmuError)) return error;
  if (SHORTAGES.includes(error.errno)) return refusal(`run ${name}`, error);
  const missing = error.errno === ERRNO.ENOENT || error.errno === ERRNO.ENOTDIR;
  const where = missing && !name.includes("/") ? " in any folder of PATH" : "";
  return new CommandError(
    `cannot run ${name}: ${error.text}${where}${missing ? oneWordHint(name) : executableHint(error.errno)}`,
    missing ? EXIT.notFound : EXIT.cannotRun,
  );
}
