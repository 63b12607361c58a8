/**
 * Errors a user can act on. Each says in one line what was attempted, why it failed and what to do; `main.ts` prints
 * that line and exits with the status of the class. Anything else that reaches `main.ts` is a bug in pmuctl (status
 * 70).
 */

import { printable } from "../text/printable.ts";

/** Exit statuses of pmuctl. */
export const EXIT = {
  ok: 0,
  regressed: 1,
  usage: 2,
  unsupported: 3,
  badInput: 4,
  inconclusive: 5,
  bug: 70,
  /** Statuses of a shell: the command was found but cannot be run, or was not found. */
  cannotRun: 126,
  notFound: 127,
} as const;

/** Parts of an error line; `attempt` and `cause` are always there. */
export interface Advice {
  /** Attempt, completing `cannot ...`: `sample cycles on pid 412`. */
  attempt: string;
  /** Cause, in lower case: `permission denied (perf_event_paranoid is 2)`. */
  cause: string;
  /** Remedy: `run as root, or lower kernel.perf_event_paranoid to 1`. */
  remedy?: string;
}

/** Limit on the length of a message, in UTF-16 units: it may quote any text from a file. */
const MAX_MESSAGE = 4000;

/**
 * Base of every error whose message is meant for the user. The message may quote names and arguments with any
 * characters. `status` is pmuctl's exit status.
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
  if (message.length <= MAX_MESSAGE) return message;
  const half = MAX_MESSAGE / 2;
  return `${message.slice(0, half)} ... ${message.slice(-half)}`;
}

/** Wrong usage: the arguments do not make sense (exit status 2). */
export class UsageError extends UserError {
  constructor(message: string) {
    super(message, EXIT.usage);
  }
}

/** Measurement that is not permitted, or not supported by this machine or kernel (exit status 3). */
export class UnsupportedError extends UserError {
  /** Parts of the message. */
  readonly advice: Advice;
  /** errno of the failed call, or 0 when no system call was made. */
  readonly errno: number;

  constructor(advice: Advice, errno = 0) {
    super(errorLine(advice), EXIT.unsupported);
    this.advice = advice;
    this.errno = errno;
  }
}

/** Input file or stream that is damaged, truncated or of the wrong kind (exit status 4). */
export class BadInputError extends UserError {
  /** Byte offset in the input where the damage was seen, or -1 when it has no offset. */
  readonly offset: number;

  constructor(message: string, offset = -1) {
    super(message, EXIT.badInput);
    this.offset = offset;
  }
}

/** Command that cannot be started: status 127 when it was not found, 126 when it cannot be run. */
export class CommandError extends UserError {}

/** Formats an error line: `cannot ATTEMPT: CAUSE: REMEDY`. */
export function errorLine(advice: Advice): string {
  const tail = advice.remedy ? `: ${advice.remedy}` : "";
  return `cannot ${advice.attempt}: ${advice.cause}${tail}`;
}
