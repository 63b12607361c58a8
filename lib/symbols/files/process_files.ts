/**
 * Files of running processes, and the perf maps that they write. A process may be in a container, where paths and its
 * own pid mean something else, and its user chooses what is at those paths.
 */

import { FileBytes } from "../../base/files/file_bytes.ts";
import { type OpenRefusal } from "../../base/files/guarded_open.ts";
import { AT_FDCWD, closeDescriptor, O, openAt } from "../../base/files/libc.ts";
import { processFolder } from "../../base/files/pid_namespace.ts";
import { LIMITS } from "../object/limits.ts";
import { perfMapPath } from "../object/objects.ts";
import { parseStat, processUsers, procField } from "../../base/text/proc_text.ts";

/** Most bytes of a perf map that is read. */
const MAX_PERF_MAP_BYTES = LIMITS.text;
/** Clock ticks per second in /proc: the kernel's USER_HZ, the same on all supported architectures. */
const TICKS = 100;
/** Seconds by which two times of a process, or those of a file and of a process, may disagree, since all are rounded. */
const CLOCK_SLACK = 2;

/**
 * Owner of the run-time code of a process. Recordings keep it, since the process has often ended by the time of a
 * report.
 */
export interface JitProcess {
  pid: number;
  /** User that its files belong to. */
  uid: number;
  /** Start time, in seconds since 1970. */
  started: number;
}

/** Folder of a process in /proc, held open so that it never becomes that of a later process with the same pid. */
export class ProcessFolder {
  readonly #fd: number;

  private constructor(fd: number) {
    this.#fd = fd;
  }

  /** Opens the folder; undefined if there is no such process. */
  static open(pid: number): ProcessFolder | undefined {
    const fd = openAt(AT_FDCWD, processFolder(pid), O.PATH | O.DIRECTORY);
    return fd < 0 ? undefined : new ProcessFolder(fd);
  }

  /** Returns a path to a file in the folder, valid until this is disposed. */
  path(name: string): string {
    return `/proc/self/fd/${this.#fd}/${name}`;
  }

  /** Reads a file in the folder as text; empty if it cannot be read. */
  text(name: string): string {
    try {
      return Deno.readTextFileSync(this.path(name));
    } catch {
      return ""; // the process has ended, or belongs to another user
    }
  }

  /** Returns the target of a link in the folder; undefined if it cannot be read. */
  link(name: string): string | undefined {
    try {
      return Deno.readLinkSync(this.path(name));
    } catch {
      return undefined;
    }
  }

  [Symbol.dispose](): void {
    closeDescriptor(this.#fd);
  }
}

/** Returns the user and start time of process `pid`; undefined if it has ended. */
export function jitProcess(pid: number): JitProcess | undefined {
  using folder = ProcessFolder.open(pid);
  const users = folder && processUsers(folder.text("status"));
  const stat = folder && parseStat(folder.text("stat"));
  return users && stat && { pid, uid: users.fs, started: bootTime() + stat.start / TICKS };
}

/**
 * Returns whether the process that has a pid now (undefined: none) is the one that was seen before, rather than a later
 * one; any is if nothing is known of that.
 */
export function isSameProcess(
  now: JitProcess | undefined,
  before: Pick<JitProcess, "started"> | undefined,
): boolean {
  return now !== undefined &&
    (before === undefined || Math.abs(now.started - before.started) < CLOCK_SLACK);
}

let boot: number | undefined;

/** Returns when the machine booted, in seconds since 1970. */
function bootTime(): number {
  return boot ??= Date.now() / 1000 - parseFloat(Deno.readTextFileSync("/proc/uptime"));
}

/**
 * Root of a process in another pid or mount namespace, and its /tmp, which is often another mount. Both are held open: the
 * perf map can be read when the process has ended, and its mounts with it, as long as nobody removes the file.
 */
export class NamespacedRoot {
  readonly #fd: number;
  /** Negative if there is none, or a link in its place. */
  readonly #tmp: number;
  /** Pid in the process's own namespace. */
  readonly #number: number;
  readonly #user: number;

  private constructor(fd: number, number: number, user: number) {
    this.#fd = fd;
    this.#tmp = openAt(fd, "tmp", O.PATH | O.DIRECTORY | O.NOFOLLOW);
    this.#number = number;
    this.#user = user;
  }

  /** Opens the root; undefined if the process is in our namespaces, or has ended. */
  static open(pid: number): NamespacedRoot | undefined {
    using folder = ProcessFolder.open(pid);
    const status = folder?.text("status") ?? "";
    const users = processUsers(status);
    if (!folder || !users) return undefined;
    const numbers = procField(status, "NSpid")?.split(/\s+/) ?? [];
    const own = folder.link("ns/mnt") === ownMountNamespace() && folder.link("root") === "/";
    if (own && numbers.length < 2) return undefined;
    const fd = openAt(AT_FDCWD, folder.path("root"), O.PATH | O.DIRECTORY);
    return fd < 0 ? undefined : new NamespacedRoot(fd, Number(numbers.at(-1) ?? pid), users.fs);
  }

  /**
   * Opens the perf map of the process, in its own /tmp and under its own pid. The file must belong to the user of the
   * process, who may put any file there.
   */
  openPerfMap(): FileBytes | OpenRefusal {
    const path = perfMapPath(this.#number);
    const inTmp = this.#tmp >= 0 ? this.#open(this.#tmp, path.slice("/tmp".length)) : undefined;
    if (inTmp instanceof FileBytes) return inTmp;
    // a link in /tmp may lead out of it; without the mount, another folder is in its place
    return inTmp === undefined || this.#isMounted() ? this.#open(this.#fd, path) : inTmp;
  }

  /** Returns whether /tmp below the root is still the folder that is held. */
  #isMounted(): boolean {
    try {
      const [held, now] = [this.#tmp, `${this.#fd}/tmp`].map((path) =>
        Deno.lstatSync(`/proc/self/fd/${path}/.`)
      );
      return held.dev === now.dev && held.ino === now.ino;
    } catch {
      return false; // it has gone
    }
  }

  #open(root: number, path: string): FileBytes | OpenRefusal {
    return FileBytes.open(path, {
      root: `/proc/self/fd/${root}`,
      owners: [this.#user],
      maxBytes: MAX_PERF_MAP_BYTES,
    });
  }

  [Symbol.dispose](): void {
    closeDescriptor(this.#fd);
    if (this.#tmp >= 0) closeDescriptor(this.#tmp);
  }
}

/**
 * Opens the perf map of a running process in another pid or mount namespace. Returns undefined if the process is in our
 * namespaces, or has ended.
 */
export function openNamespacedPerfMap(pid: number): FileBytes | OpenRefusal | undefined {
  using root = NamespacedRoot.open(pid);
  return root?.openPerfMap();
}

function ownMountNamespace(): string | undefined {
  try {
    return Deno.readLinkSync("/proc/self/ns/mnt");
  } catch {
    return undefined;
  }
}

/**
 * Opens what a process wrote about its run-time code, at `path` in our own namespace. The file must belong to the user
 * of the process, to root or to this user, and be no older than the process.
 * @param process owner to check; undefined if unknown.
 */
export function openJitFile(path: string, process: JitProcess | undefined): FileBytes | OpenRefusal {
  const owners = [0, Deno.uid()!, ...(process ? [process.uid] : [])];
  const file = FileBytes.open(path, { owners });
  if (!(file instanceof FileBytes) || process === undefined) return file;
  if (file.modified >= process.started - CLOCK_SLACK) return file;
  file.close();
  return { kind: "untrusted", cause: "it is older than the process" };
}
