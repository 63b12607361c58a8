/** The states of a named set, what each of them allows, and the error that refuses the rest. */

import { errorLine, EXIT, UserError } from "../../base/system/errors.ts";

/**
 * - `counting`: bound, and counts.
 * - `frozen`: bound, disabled: the counts are kept, and do not move.
 * - `overflowed`: a request that notifies has overflowed, which froze the set until it is restarted.
 * - `invalid`: its counters were taken from it, so what it has counted since is not known.
 * - `ended`: its target has ended: these are the final counts.
 */
export type SetState = "counting" | "frozen" | "overflowed" | "invalid" | "ended";

/** What can be asked of a set that is bound. */
export type SetAction = "sample" | "preset" | "restart" | "enable" | "disable" | "unbind";

/** The errno names that a refusal can have, with the exit status: 2 for what the caller got wrong. */
const STATUS = {
  EINVAL: EXIT.usage,
  EEXIST: EXIT.usage,
  EAGAIN: EXIT.unsupported,
  EACCES: EXIT.unsupported,
  ESRCH: EXIT.unsupported,
  ETIMEDOUT: EXIT.unsupported,
} as const;

export type SetErrno = keyof typeof STATUS;

/** Why something cannot be done with a set. */
export interface SetFault {
  errno: SetErrno;
  cause: string;
  remedy?: string;
}

/** A refusal to the user: `cannot sample set 'web': CAUSE: REMEDY (EAGAIN)`. */
export class SetError extends UserError {
  readonly errno: SetErrno;
  readonly refusal: SetFault;

  /** `attempt` completes `cannot ...`. `status` is for an errno that is not the caller's fault for once. */
  constructor(attempt: string, refusal: SetFault, status: number = STATUS[refusal.errno]) {
    super(`${errorLine({ attempt, ...refusal })} (${refusal.errno})`, status);
    this.errno = refusal.errno;
    this.refusal = refusal;
  }
}

/** True for one of the errno names above. */
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
  cause: "it stands still since an overflow",
  remedy: "'pmuctl restart' lets it go on",
};

/** Only what is refused stands here. */
const REFUSALS: Record<SetState, Partial<Record<SetAction, SetFault>>> = {
  counting: { enable: { errno: "EINVAL", cause: "it is enabled already" } },
  frozen: { disable: { errno: "EINVAL", cause: "it is disabled already" } },
  overflowed: { enable: OVERFLOWED, disable: OVERFLOWED },
  invalid: { sample: INVALID, preset: INVALID, restart: INVALID, enable: INVALID, disable: INVALID },
  ended: { preset: ENDED, restart: ENDED, enable: ENDED, disable: ENDED },
};

/** Why a set in this state refuses the action; undefined when it does not. */
export function refusalOf(action: SetAction, state: SetState): SetFault | undefined {
  return REFUSALS[state][action];
}
