/**
 * Errors a user can act on. Each says what was attempted, why it failed and what to do, in one line;
 * `main.ts` prints that line and ends with the class's exit status. Anything else that reaches
 * `main.ts` is a bug in pmuctl (status 70).
 */

import { printable } from "../text/printable.ts";

/** Exit statuses, as the design lists them. */
export const EXIT = {
  ok: 0,
  regressed: 1,
  usage: 2,
  unsupported: 3,
  badInput: 4,
  inconclusive: 5,
  bug: 70,
  /** As a shell: the command was found but cannot be run, or was not found. */
  cannotRun: 126,
  notFound: 127,
} as const;

/** What an error line is made of; only `attempt` and `cause` are always there. */
export interface Advice {
  /** Completes `cannot ...`: `sample cycles on pid 412`. */
  attempt: string;
  /** Why, in lower case: `permission denied (perf_event_paranoid is 2)`. */
  cause: string;
  /** What to do about it: `run as root, or lower kernel.perf_event_paranoid to 1`. */
  remedy?: string;
}

/** Letters of a message that are kept: it may quote what a file says, and a file may say anything. */
const MOST_MESSAGE = 4000;

/**
 * The base of every error whose message is meant for the user, which may quote names and arguments with anything in
 * them. `status` is pmuctl's exit status.
 */
export class UserError extends Error {
  readonly status: number;

  constructor(message: string, status: number, options?: ErrorOptions) {
    super(printable(shortened(message)), options);
    this.name = new.target.name;
    this.status = status;
  }
}

/** Cuts the middle out of a message that is too long: its start says what was attempted, its end what to do. */
function shortened(message: string): string {
  if (message.length <= MOST_MESSAGE) return message;
  const half = MOST_MESSAGE / 2;
  return `${message.slice(0, half)} ... ${message.slice(-half)}`;
}

/** The arguments do not make sense (exit status 2). */
export class UsageError extends UserError {
  constructor(message: string) {
    super(message, EXIT.usage);
  }
}

/** Not permitted, or not supported by this machine or kernel (exit status 3). */
export class UnsupportedError extends UserError {
  /** The parts of the message. */
  readonly advice: Advice;
  /** The errno behind it, or 0 when no system call was made. */
  readonly errno: number;

  constructor(advice: Advice, errno = 0) {
    super(errorLine(advice), EXIT.unsupported);
    this.advice = advice;
    this.errno = errno;
  }
}

/** An input file or stream is damaged, truncated or not what it should be (exit status 4). */
export class BadInputError extends UserError {
  /** Byte offset in the input where the damage was seen, or -1 when it has no place. */
  readonly offset: number;

  constructor(message: string, offset = -1) {
    super(message, EXIT.badInput);
    this.offset = offset;
  }
}

/** The command to run cannot be started: 127 when it was not found, 126 when it cannot be run. */
export class CommandError extends UserError {}

/** `cannot ATTEMPT: CAUSE: REMEDY`, the one shape of an error line. */
export function errorLine(advice: Advice): string {
  const tail = advice.remedy ? `: ${advice.remedy}` : "";
  return `cannot ${advice.attempt}: ${advice.cause}${tail}`;
}
