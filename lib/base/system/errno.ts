/**
 * Linux's error numbers with their names and texts: include/uapi/asm-generic/errno-base.h and errno.h, which x86_64 and
 * aarch64 share; the texts are glibc's, in lower case. Contains the numbers that calls on files, processes and perf
 * events return.
 */

const TABLE = {
  EPERM: [1, "operation not permitted"],
  ENOENT: [2, "no such file or directory"],
  ESRCH: [3, "no such process"],
  EINTR: [4, "interrupted system call"],
  EIO: [5, "input/output error"],
  ENXIO: [6, "no such device or address"],
  E2BIG: [7, "argument list too long"],
  ENOEXEC: [8, "exec format error"],
  EBADF: [9, "bad file descriptor"],
  ECHILD: [10, "no child processes"],
  EAGAIN: [11, "resource temporarily unavailable"],
  ENOMEM: [12, "cannot allocate memory"],
  EACCES: [13, "permission denied"],
  EFAULT: [14, "bad address"],
  ENOTBLK: [15, "block device required"],
  EBUSY: [16, "device or resource busy"],
  EEXIST: [17, "file exists"],
  EXDEV: [18, "invalid cross-device link"],
  ENODEV: [19, "no such device"],
  ENOTDIR: [20, "not a directory"],
  EISDIR: [21, "is a directory"],
  EINVAL: [22, "invalid argument"],
  ENFILE: [23, "too many open files in system"],
  EMFILE: [24, "too many open files"],
  ENOTTY: [25, "inappropriate ioctl for device"],
  ETXTBSY: [26, "text file busy"],
  EFBIG: [27, "file too large"],
  ENOSPC: [28, "no space left on device"],
  ESPIPE: [29, "illegal seek"],
  EROFS: [30, "read-only file system"],
  EMLINK: [31, "too many links"],
  EPIPE: [32, "broken pipe"],
  EDOM: [33, "numerical argument out of domain"],
  ERANGE: [34, "numerical result out of range"],
  EDEADLK: [35, "resource deadlock avoided"],
  ENAMETOOLONG: [36, "file name too long"],
  ENOLCK: [37, "no locks available"],
  ENOSYS: [38, "function not implemented"],
  ENOTEMPTY: [39, "directory not empty"],
  ELOOP: [40, "too many levels of symbolic links"],
  EBADMSG: [74, "bad message"],
  EOVERFLOW: [75, "value too large for defined data type"],
  EILSEQ: [84, "invalid or incomplete multibyte or wide character"],
  ENOTSOCK: [88, "socket operation on non-socket"],
  EOPNOTSUPP: [95, "operation not supported"],
  ECONNRESET: [104, "connection reset by peer"],
  ETIMEDOUT: [110, "connection timed out"],
  EALREADY: [114, "operation already in progress"],
  ESTALE: [116, "stale file handle"],
  EDQUOT: [122, "disk quota exceeded"],
  ECANCELED: [125, "operation canceled"],
} as const satisfies Record<string, readonly [number, string]>;

/** Symbolic name of an error number: `ENOENT`. */
export type ErrnoName = keyof typeof TABLE;

/** Error numbers by name, positive: `ERRNO.EACCES` is 13. */
export const ERRNO: { readonly [Name in ErrnoName]: (typeof TABLE)[Name][0] } = Object.fromEntries(
  Object.entries(TABLE).map(([name, [number]]) => [name, number]),
) as { [Name in ErrnoName]: (typeof TABLE)[Name][0] };

const byNumber = new Map<number, ErrnoName>(
  Object.entries(TABLE).map(([name, [number]]) => [number, name as ErrnoName]),
);

/** Returns the name of an error number: `ENOENT` for 2; `errno 999` for a number that is not in the table. */
export function errnoName(errno: number): string {
  return byNumber.get(errno) ?? `errno ${errno}`;
}

/**
 * Returns the text of an error number: `no such file or directory` for 2; `error 999` for a number that is not in the
 * table.
 */
export function errnoText(errno: number): string {
  const name = byNumber.get(errno);
  return name === undefined ? `error ${errno}` : TABLE[name][1];
}

/**
 * Failure of a system call made through the shim. Its message is for developers: callers that know the user's intent
 * turn `errno` into advice (an UnsupportedError, a CommandError...).
 */
export class PmuError extends Error {
  /** Error number, positive. */
  readonly errno: number;
  /** Name of the call: `perf_event_open`, `chdir`. */
  readonly call: string;

  constructor(call: string, errno: number) {
    super(`${call}: ${errnoText(errno)} (${errnoName(errno)})`);
    this.name = "PmuError";
    this.errno = errno;
    this.call = call;
  }

  /** Text of the error number: `permission denied`. */
  get text(): string {
    return errnoText(this.errno);
  }
}
