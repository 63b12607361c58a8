/** A command run under measurement: it waits while events are opened on it, is let go, and waited for. */

import { ERRNO, PmuError } from "../lib/base/system/errno.ts";
import { CommandError, EXIT } from "../lib/base/system/errors.ts";
import { refusal } from "../lib/base/system/system_error.ts";
import { type Child, type Exit, spawn, TimeLimit } from "./child.ts";

/** How the user stops a measurement. */
export interface StopSignals {
  /** Resolves to the signal's number at the first request to stop. */
  first: Promise<number>;
  /** Resolves at the second one: end now. */
  second: Promise<number>;
  /** The command gets the terminal's signals by itself, because it shares the terminal with us. */
  commandGetsSignals: boolean;
}

const SIGTERM = 15;

export interface MeasuredCommandOptions {
  /** What it prints goes to standard error, because our standard output holds something else. */
  outputToStderr?: boolean;
  /** How long it may take, in ms: then it and all that it has started are ended. */
  limitMs?: number;
}

export class MeasuredCommand {
  readonly #name: string;
  readonly #child: Child;
  readonly #limitMs: number | undefined;
  #limit: TimeLimit | undefined;
  #released = false;

  /** Makes the process, which waits before exec. Throws CommandError. */
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

  /** Of the process that will be the command. */
  get pid(): number {
    return this.#child.pid;
  }

  /**
   * Lets it exec, and waits until it has. Throws CommandError with status 127 when there is no such
   * command, 126 when it cannot be run, as shells have it.
   */
  async release(): Promise<void> {
    if (this.#limitMs !== undefined) this.#limit = new TimeLimit(this.#child, this.#limitMs);
    try {
      await this.#child.release();
    } catch (error) {
      this.#limit?.end();
      throw commandError(error, this.#name);
    } finally {
      this.#released = true;
    }
  }

  /** Whether it was ended because it took longer than it may. */
  get timedOut(): boolean {
    return this.#limit?.passed ?? false;
  }

  /** Ends it, unless it has been released. */
  cancel(): void {
    if (!this.#released) this.#child.cancel();
    this.#released = true;
  }

  /**
   * Waits for its end, or for the user's word. Ctrl-C on a terminal reaches the command as well, which
   * is then left to end in its own way; a signal sent to us alone is passed on. The second one ends the
   * measurement whatever the command does: it is sent SIGTERM, and undefined comes back.
   */
  async untilDone(stopper: StopSignals): Promise<Exit | undefined> {
    const ended = this.#child.wait().finally(() => this.#limit?.end());
    const first = await Promise.race([ended, stopper.first]);
    if (typeof first !== "number") return first;
    // a group of its own is none that the terminal's signals go to
    if (!stopper.commandGetsSignals || first === SIGTERM || this.#limit) this.#kill(first);
    const second = await Promise.race([ended, stopper.second]);
    if (typeof second !== "number") return second;
    this.#kill(SIGTERM);
    return undefined;
  }

  #kill(signal: number) {
    try {
      if (this.#limit) this.#child.killGroup(signal);
      else this.#child.kill(signal);
    } catch (error) {
      if (!(error instanceof PmuError)) throw error; // it ended in the meantime
    }
  }
}

/** What to do about a command line that was quoted as a whole, as shells and hyperfine take it. */
function oneWordHint(name: string): string {
  return /\s/.test(name)
    ? ": it is one word with spaces in it: give its words apart, or run it by a shell: sh -c '...'"
    : "";
}

/** What there may be too few of to start a command, which is then not the command's fault. */
const SHORTAGES: readonly number[] = [ERRNO.EMFILE, ERRNO.ENFILE, ERRNO.EAGAIN, ERRNO.ENOMEM];

/**
 * The CommandError of a PmuError that was met in starting `name`, or UnsupportedError when descriptors, processes or
 * memory ran out; any other error as it is.
 */
export function commandError(error: unknown, name: string): unknown {
  if (!(error instanceof PmuError)) return error;
  if (SHORTAGES.includes(error.errno)) return refusal(`run ${name}`, error);
  const missing = error.errno === ERRNO.ENOENT || error.errno === ERRNO.ENOTDIR;
  const where = missing && !name.includes("/") ? " in any folder of PATH" : "";
  return new CommandError(
    `cannot run ${name}: ${error.text}${where}${missing ? oneWordHint(name) : ""}`,
    missing ? EXIT.notFound : EXIT.cannotRun,
  );
}
