/** System call failures, whether the runtime or the shim reported them. */

import { ERRNO, type ErrnoName, errnoText, PmuError } from "./errno.ts";
import { type Advice, UnsupportedError } from "./errors.ts";

/** Returns the error number of a failed system call; undefined for an error of another kind. */
export function errnoOf(error: unknown): number | undefined {
  if (error instanceof PmuError) return error.errno;
  if (!(error instanceof Error)) return undefined;
  // Deno: "Too many open files (os error 24), open '/etc/passwd'"
  const number = /\(os error (\d+)\)/.exec(error.message)?.[1];
  return number === undefined ? undefined : Number(number);
}

/** Returns why something failed, in lower case and without the runtime's wrapping: `no space left on device`. */
export function errorCause(error: unknown): string {
  const errno = errnoOf(error);
  if (errno !== undefined) return errnoText(errno);
  return error instanceof Error ? error.message : String(error);
}

const FILES = "raise the limit (ulimit -n, or LimitNOFILE of a service)";
const MEMORY = "free memory, or raise what limits it (ulimit -v, a cgroup)";
const SECCOMP = "a seccomp filter or a security module may be in the way";
const SPACE = "make room, or write to another place";

/** Remedies for failures that any system call may meet, whatever its purpose. */
const REMEDIES: Partial<Record<ErrnoName, string>> = {
  EMFILE: FILES,
  ENFILE: "raise fs.file-max",
  ENOMEM: MEMORY,
  ESRCH: "it ended meanwhile: try again",
  EAGAIN: "allow more processes and threads (ulimit -u, TasksMax of a service, pids.max of a cgroup)",
  ENOSPC: SPACE,
  EDQUOT: SPACE,
  EFBIG: "raise the limit (ulimit -f), or write to another place",
  EROFS: "write to another place",
  EIO: "see the kernel's log",
  EPERM: SECCOMP,
  EACCES: SECCOMP,
  ENOSYS: SECCOMP,
};

const REMEDY_OF = new Map<number, string>(
  (Object.keys(REMEDIES) as ErrnoName[]).map((name) => [ERRNO[name], REMEDIES[name]!]),
);

/** Returns the remedy for a failure by its error number; undefined for one that pmuctl should never meet. */
export function errorRemedy(error: unknown): string | undefined {
  const errno = errnoOf(error);
  if (errno !== undefined) return REMEDY_OF.get(errno);
  return isOutOfMemory(error) ? MEMORY : undefined;
}

/** Returns whether V8 found no memory for an array or a WebAssembly module. */
function isOutOfMemory(error: unknown): boolean {
  return error instanceof RangeError &&
    /Array buffer allocation failed|could not allocate memory/.test(error.message);
}

/**
 * Builds the UnsupportedError that reports `error`, met while trying `attempt`, with `remedy` instead of the general
 * one.
 */
export function refusal(attempt: string, error: unknown, remedy = errorRemedy(error)): UnsupportedError {
  const advice: Advice = { attempt, cause: errorCause(error), remedy };
  const reported = new UnsupportedError(advice, errnoOf(error) ?? 0);
  reported.cause = error;
  return reported;
}

/**
 * Builds the UnsupportedError for an unexpected error when the system refused: for lack of descriptors, memory,
 * threads, disk space or permission. Returns undefined for a bug.
 */
export function unforeseenRefusal(error: unknown): UnsupportedError | undefined {
  const remedy = errorRemedy(error);
  if (remedy === undefined) return undefined;
  // Deno: "..., open '/etc/passwd'" or "...: open '/etc/passwd'"
  const what = error instanceof PmuError
    ? error.call
    : /\(os error \d+\)[,:] (.+)$/.exec((error as Error).message)?.[1];
  return refusal(what ? `continue: ${what}` : "continue", error, remedy);
}
