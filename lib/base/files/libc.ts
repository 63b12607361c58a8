/**
 * System calls that Deno lacks, made through the C library that Deno itself runs on. They need no shim, so reading
 * files is just as safe in a checkout without a C compiler.
 */

import { toCString } from "../bytes/bytes.ts";
import { ERRNO } from "../system/errno.ts";

/** Flags of open(2); O_DIRECTORY and O_NOFOLLOW differ between architectures. */
export const O = {
  RDONLY: 0,
  NOCTTY: 0o400,
  NONBLOCK: 0o4000,
  DIRECTORY: Deno.build.arch === "aarch64" ? 0o40000 : 0o200000,
  NOFOLLOW: Deno.build.arch === "aarch64" ? 0o100000 : 0o400000,
  CLOEXEC: 0o2000000,
  PATH: 0o10000000,
} as const;

/** RESOLVE_* of openat2(2), include/uapi/linux/openat2.h. */
export const RESOLVE = { NO_MAGICLINKS: 0x02, NO_SYMLINKS: 0x04, IN_ROOT: 0x10 } as const;

/** Directory descriptor that stands for the current folder. */
export const AT_FDCWD = -100;

/** System call numbers, asm/unistd.h; openat2 has the same one everywhere. */
const NR = Deno.build.arch === "aarch64"
  ? { close: 57n, readlinkat: 78n, openat2: 437n }
  : { close: 3n, readlinkat: 267n, openat2: 437n };

type Libc = Deno.DynamicLibrary<typeof SYMBOLS>["symbols"];

const SYMBOLS = {
  // long syscall(long number, ...): integers and pointers are passed as to a function of fixed parameters
  syscall: { parameters: ["i64", "i32", "buffer", "buffer", "u64"], result: "i64" },
  // int *__errno_location(void)
  __errno_location: { parameters: [], result: "pointer" },
} as const;

let libc: Libc | undefined;
let openat: Deno.DynamicLibrary<typeof OPENAT>["symbols"]["openat"] | undefined;

const OPENAT = {
  // int openat(int dirfd, const char *pathname, int flags, ...)
  openat: { parameters: ["i32", "buffer", "i32"], result: "i32" },
} as const;

/** Returns the result of a call, or -errno. */
function outcome(result: number | bigint): number {
  if (result >= 0) return Number(result);
  return -(new Deno.UnsafePointerView(libc!.__errno_location()!).getInt32() || ERRNO.EIO);
}

/** Whether openat2(2) was refused: by an old kernel, or by a seccomp filter that does not know it. */
let lacksOpenat2 = false;

/**
 * Calls openat2(2) (Linux 5.6): opens `path` below the folder `at` with O.* flags (always with O_CLOEXEC) and RESOLVE.*
 * bits. Returns a descriptor, or -errno; -ENOSYS where the call is not available.
 */
export function openAt2(at: number, path: string, flags: number, resolve: number): number {
  if (lacksOpenat2) return -ERRNO.ENOSYS;
  libc ??= Deno.dlopen("libc.so.6", SYMBOLS).symbols;
  // struct open_how { u64 flags, mode, resolve; }
  const how = BigUint64Array.of(BigInt(flags | O.CLOEXEC), 0n, BigInt(resolve));
  const fd = outcome(libc.syscall(NR.openat2, at, toCString(path), how, BigInt(how.byteLength)));
  if (fd !== -ERRNO.ENOSYS && fd !== -ERRNO.EPERM) return fd;
  lacksOpenat2 = true;
  return -ERRNO.ENOSYS;
}

/**
 * Calls openat(2): opens `path` below the folder `at` with O.* flags (always with O_CLOEXEC). Returns a descriptor, or
 * -errno.
 */
export function openAt(at: number, path: string, flags: number): number {
  libc ??= Deno.dlopen("libc.so.6", SYMBOLS).symbols;
  openat ??= Deno.dlopen("libc.so.6", OPENAT).symbols.openat;
  return outcome(openat(at, toCString(path), flags | O.CLOEXEC));
}

/** Closes a descriptor of `openAt()`, `openAt2()` or `createMemoryFile()`. */
export function closeDescriptor(fd: number): void {
  libc ??= Deno.dlopen("libc.so.6", SYMBOLS).symbols;
  libc.syscall(NR.close, fd, null, null, 0n);
}

const MEMFD = {
  // int memfd_create(const char *name, unsigned int flags)
  memfd_create: { parameters: ["buffer", "u32"], result: "i32" },
} as const;
let memfdCreate: Deno.DynamicLibrary<typeof MEMFD>["symbols"]["memfd_create"] | undefined;

const MFD_CLOEXEC = 1;
/** Flag required where vm.memfd_noexec is 2; older kernels than 6.3 refuse it. */
const MFD_NOEXEC_SEAL = 8;

/**
 * Calls memfd_create(2): creates a file that is in memory alone, and gone with the last process that has it open. With
 * `inherited`, programs that this process starts have the descriptor too. Returns a descriptor, or -errno.
 */
export function createMemoryFile(name: string, inherited: boolean): number {
  libc ??= Deno.dlopen("libc.so.6", SYMBOLS).symbols;
  memfdCreate ??= Deno.dlopen("libc.so.6", MEMFD).symbols.memfd_create;
  const flags = inherited ? 0 : MFD_CLOEXEC;
  const fd = outcome(memfdCreate(toCString(name), flags));
  return fd < 0 ? outcome(memfdCreate(toCString(name), flags | MFD_NOEXEC_SEAL)) : fd;
}

const PRCTL = {
  // int prctl(int option, ...)
  prctl: { parameters: ["i32", "u64", "u64", "u64", "u64"], result: "i32" },
} as const;
/** PR_SET_CHILD_SUBREAPER of linux/prctl.h. */
const SET_CHILD_SUBREAPER = 36;

let prctl: Deno.DynamicLibrary<typeof PRCTL>["symbols"]["prctl"] | undefined;

/**
 * Makes this process the parent of what its descendants leave behind when they end, in place of init, or ends that. Those
 * it has stay its children. Returns whether the kernel allowed it.
 */
export function takeOverOrphans(on: boolean): boolean {
  prctl ??= Deno.dlopen("libc.so.6", PRCTL).symbols.prctl;
  return prctl(SET_CHILD_SUBREAPER, on ? 1n : 0n, 0n, 0n, 0n) === 0;
}

/** Returns the target of the symbolic link behind `fd` (O_PATH, O_NOFOLLOW); undefined when it has none. */
export function readLinkOf(fd: number): string | undefined {
  const into = new Uint8Array(4096); // PATH_MAX
  const length = outcome(libc!.syscall(NR.readlinkat, fd, toCString(""), into, BigInt(into.length)));
  return length <= 0 || length === into.length
    ? undefined
    : new TextDecoder().decode(into.subarray(0, length));
}
