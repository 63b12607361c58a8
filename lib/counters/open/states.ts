/** States of a named set, the actions that each allows, and the error that refuses the rest. */

import { errorLine, EXIT, UserError } from "../../base/system/errors.ts";

/**
 * State of a set:
 * - `counting`: bound and enabled.
 * - `frozen`: bound and disabled; the counts are kept.
 * - `overflowed`: frozen by the overflow of a request that notifies, until it is restarted.
 * - `invalid`: lost its counters, so later counts are unknown.
 * - `ended`: the target has ended, and the counts are final.
 */
export type SetState = "counting" | "frozen" | "overflowed" | "invalid" | "ended";

/** Actions on a bound set. */
export type SetAction = "sample" | "preset" | "restart" | "enable" | "disable" | "unbind";

/** Exit status for each errno of a refusal; 2 for mistakes of the caller. */
const STATUS = {
  EINVAL: EXIT.usage,
  EEXIST: EXIT.usage,
  EAGAIN: EXIT.unsupported,
  EACCES: EXIT.unsupported,
  ESRCH: EXIT.unsupported,
  ETIMEDOUT: EXIT.unsupported,
} as const;

/** Errno of a refusal. */
export type SetErrno = keyof typeof STATUS;

/** Reason that an action on a set fails. */
export interface SetFault {
  errno: SetErrno;
  cause: string;
  remedy?: string;
}

/** Error that refuses an action: `cannot sample set 'web': CAUSE: REMEDY (EAGAIN)`. */
export class SetError extends UserError {
  readonly errno: SetErrno;
  readonly refusal: SetFault;

  /** `attempt` completes `cannot ...`. `status` overrides the exit status that the errno implies. */
  constructor(attempt: string, refusal: SetFault, status: number = STATUS[refusal.errno]) {
    super(`${errorLine({ attempt, ...refusal })} (${refusal.errno})`, status);
    this.errno = refusal.errno;
    this.refusal = refusal;
  }
}

/** Tells whether `name` is the errno of a refusal. */
export function isSetErrno(name: unknown): name is SetErrno {
  return typeof name === "string" && Object.hasOwn(STATUS, name);
}

const INVALID: SetFault = {
  errno: "EAGAIN",
  cause: "it is invalid: its counters were taken by another user of the PMU",
  remedy: "unbind it, and bind it again",
};

const ENDED: SetFault = {
  errno: "EINVAL",
  cause: "its target has ended",
  remedy: "it can still be sampled and unbound",
};

const OVERFLOWED: SetFault = {
  errno: "EINVAL",
  cause: "it stopped at an overflow",
  remedy: "'pmuctl restart' resumes it",
};

/** Refused actions by state; all others are allowed. */
const REFUSALS: Record<SetState, Partial<Record<SetAction, SetFault>>> = {
  counting: { enable: { errno: "EINVAL", cause: "it is enabled already" } },
  frozen: { disable: { errno: "EINVAL", cause: "it is disabled already" } },
  overflowed: { enable: OVERFLOWED, disable: OVERFLOWED },
  invalid: { sample: INVALID, preset: INVALID, restart: INVALID, enable: INVALID, disable: INVALID },
  ended: { preset: ENDED, restart: ENDED, enable: ENDED, disable: ENDED },
};

/** Returns the reason that a set in this state refuses the action; undefined if it is allowed. */
export function refusalOf(action: SetAction, state: SetState): SetFault | undefined {
  return REFUSALS[state][action];
}
