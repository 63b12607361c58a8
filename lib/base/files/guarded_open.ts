/**
 * Opens files that somebody else may have written, put there or named: what a process has mapped, its perf map, a
 * debug file, a cached copy. Whoever chose the path can make it a link, a FIFO, a device, a file of another user or
 * one with a lease on it, and can change it between two calls. So:
 *
 *     path --openat2(O_PATH)--> the file, pinned, not yet opened --stat--> regular, and of a user that is trusted?
 *          --open(/proc/self/fd/N, O_NONBLOCK)--> readable; a lease or a device never makes it wait or act
 *
 * Links are followed only where their owner could have changed the file anyway: those of root and of this user.
 */

import { ERRNO, errnoText } from "../system/errno.ts";
import { AT_FDCWD, closeDescriptor, O, openAt, openAt2, readLinkOf, RESOLVE } from "./libc.ts";
import { append } from "../bytes/lists.ts";

/** Restrictions on what an open may reach. */
export interface OpenPolicy {
  /**
   * Folder that stands for `/`: neither the path nor a link leads out of it. Default: this process's root.
   * `/proc/PID/root` opens files of a process that may be in a container.
   */
  root?: string;
  /**
   * Links to follow: `trusted` (the default) follows those of root and of this user, `all` is for paths that the user
   * named.
   */
  links?: "trusted" | "all";
  /** Users that may own the file; default: anyone. */
  owners?: readonly number[];
  /** Size limit in bytes; default: none. */
  maxBytes?: number;
}

/** Reason why a file was not opened. `cause` completes a sentence: `it is a FIFO`. */
export interface OpenRefusal {
  cause: string;
  /**
   * Kind of refusal: nothing is there, it is not trusted, it exceeds the size limit, or it cannot be read for another
   * reason.
   */
  kind: "missing" | "untrusted" | "too large" | "unreadable";
}

/** Opened file with its fstat(2) result. */
export interface GuardedFile {
  file: Deno.FsFile;
  stat: Deno.FileInfo;
}

/** Limit on links followed in one path, as in the kernel. */
const MAX_LINKS = 40;

/** Opens the regular file at `path` for reading, or returns why not. Never blocks and never throws. */
export function openGuarded(path: string, policy: OpenPolicy = {}): GuardedFile | OpenRefusal {
  const pinned = pin(path, policy);
  if (pinned < 0) return refusalOf(pinned);
  try {
    return openPinned(pinned, policy);
  } finally {
    closeDescriptor(pinned);
  }
}

function openPinned(pinned: number, policy: OpenPolicy): GuardedFile | OpenRefusal {
  const stat = statOf(pinned);
  if (stat === undefined) return { kind: "unreadable", cause: "/proc is not mounted" };
  const refused = refuse(stat, policy);
  if (refused) return refused;
  const fd = openAt(AT_FDCWD, `/proc/self/fd/${pinned}`, O.RDONLY | O.NONBLOCK | O.NOCTTY);
  if (fd < 0) return refusalOf(fd);
  try {
    // an open file can get no new lease that would make this wait
    return { file: Deno.openSync(`/proc/self/fd/${fd}`), stat };
  } catch (error) {
    return { kind: "unreadable", cause: error instanceof Error ? error.message : String(error) };
  } finally {
    closeDescriptor(fd);
  }
}

function refuse(stat: Deno.FileInfo, { owners, maxBytes = Infinity }: OpenPolicy): OpenRefusal | undefined {
  if (!stat.isFile) return { kind: "untrusted", cause: `it is ${describeKind(stat)}, not a regular file` };
  if (owners && !owners.includes(stat.uid ?? -1)) {
    return { kind: "untrusted", cause: `it belongs to user ${stat.uid}` };
  }
  if (stat.size > maxBytes) {
    return { kind: "too large", cause: `it is ${stat.size} bytes large; at most ${maxBytes} bytes are read` };
  }
  return undefined;
}

function describeKind(stat: Deno.FileInfo): string {
  if (stat.isDirectory) return "a folder";
  if (stat.isFifo) return "a FIFO";
  if (stat.isSocket) return "a socket";
  return stat.isCharDevice || stat.isBlockDevice ? "a device" : "something else";
}

function refusalOf(result: number): OpenRefusal {
  const errno = -result;
  if (errno === ERRNO.ENOENT || errno === ERRNO.ENOTDIR || errno === ERRNO.ESRCH) {
    return { kind: "missing", cause: errnoText(errno) };
  }
  if (errno === ERRNO.ELOOP) {
    return { kind: "untrusted", cause: "a link of another user leads to it" };
  }
  if (errno === ERRNO.EAGAIN) {
    return { kind: "unreadable", cause: "another process holds a lease on it" };
  }
  return { kind: "unreadable", cause: errnoText(errno) };
}

/** Pins what is at `path` without opening it. Returns an O_PATH descriptor, or -errno. */
function pin(path: string, { root, links = "trusted" }: OpenPolicy): number {
  if (root === undefined && links === "all") return openAt(AT_FDCWD, path, O.PATH);
  // only the kernel can follow the link /proc/PID/root; any other root was named by the user
  const top = openAt(AT_FDCWD, root === undefined || root === "" ? "/" : root, O.PATH | O.DIRECTORY);
  if (top < 0) return top;
  try {
    const inside = RESOLVE.IN_ROOT | RESOLVE.NO_MAGICLINKS;
    const found = openAt2(top, path, O.PATH, links === "all" ? inside : inside | RESOLVE.NO_SYMLINKS);
    const walks = found === -ERRNO.ENOSYS || (found === -ERRNO.ELOOP && links === "trusted");
    return walks ? walk(top, path, links) : found;
  } finally {
    closeDescriptor(top);
  }
}

/**
 * Resolves `path` below `top` component by component, like openat2(RESOLVE_IN_ROOT), but follows only the links that
 * `links` allows. Returns an O_PATH descriptor, or -errno: ELOOP for a link that may not be followed.
 */
function walk(top: number, path: string, links: "trusted" | "all"): number {
  const opened: number[] = [];
  const parts = path.split("/").reverse();
  let followed = 0;
  try {
    while (parts.length > 0) {
      const part = parts.pop()!;
      if (part === "" || part === ".") continue;
      if (part === "..") {
        const left = opened.pop(); // `..` of the top is the top
        if (left !== undefined) closeDescriptor(left);
        continue;
      }
      const fd = openAt(opened.at(-1) ?? top, part, O.PATH | O.NOFOLLOW);
      if (fd < 0) return fd;
      const stat = statOf(fd);
      if (!stat?.isSymlink) {
        opened.push(fd);
        continue;
      }
      const target = (links === "all" || isTrusted(stat.uid)) && ++followed <= MAX_LINKS
        ? readLinkOf(fd)
        : undefined;
      closeDescriptor(fd);
      if (target === undefined) return -ERRNO.ELOOP;
      if (target.startsWith("/")) { for (const left of opened.splice(0)) closeDescriptor(left); }
      append(parts, target.split("/").reverse());
    }
    return opened.pop() ?? openAt(top, ".", O.PATH);
  } finally {
    for (const fd of opened) closeDescriptor(fd);
  }
}

/** Returns whether this process trusts files and links of user `uid`: root's and its own. */
export function isTrusted(uid: number | null): boolean {
  return uid === 0 || uid === Deno.uid();
}

/** Returns the stat of a descriptor, of the link itself for a link; undefined without /proc. */
function statOf(fd: number): Deno.FileInfo | undefined {
  try {
    return Deno.statSync(`/proc/self/fd/${fd}`);
  } catch {
    return undefined;
  }
}
