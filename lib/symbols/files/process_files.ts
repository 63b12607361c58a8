/**
 * The files of running processes, and the perf maps that they write. A process may be in a container, where paths and
 * its own number mean something else; and whoever runs it chooses what is at those paths.
 */

import { FileBytes } from "../../base/files/file_bytes.ts";
import { type OpenRefusal } from "../../base/files/guarded_open.ts";
import { AT_FDCWD, closeDescriptor, O, openAt } from "../../base/files/libc.ts";
import { processFolder } from "../../base/files/pid_namespace.ts";
import { LIMITS } from "../object/limits.ts";
import { parseStat, processUsers, procField } from "../../base/text/proc_text.ts";

/** The size of a perf map in bytes that is still read or saved. */
const MAX_PERF_MAP_BYTES = LIMITS.text;
/** Clock ticks a second in /proc: the kernel's USER_HZ, the same on all architectures here. */
const TICKS = 100;
/** Seconds by which the times of a file and of a process may disagree: both are rounded. */
const CLOCK_SLACK = 2;

/** What tells whose the run-time code of a process is. Recordings keep it, since a process has often ended by then. */
export interface JitProcess {
  pid: number;
  /** The user that its files belong to. */
  uid: number;
  /** When it started, in seconds since 1970. */
  started: number;
  /** Name of the copy of its perf map among the saved ones. */
  map?: string;
}

/** The folder of a process in /proc, held open: it never becomes that of a later process with the same number. */
export class ProcessFolder {
  readonly #fd: number;

  private constructor(fd: number) {
    this.#fd = fd;
  }

  /** Opens it; undefined when there is no such process. */
  static open(pid: number): ProcessFolder | undefined {
    const fd = openAt(AT_FDCWD, processFolder(pid), O.PATH | O.DIRECTORY);
    return fd < 0 ? undefined : new ProcessFolder(fd);
  }

  /** The path by which something in the folder can be opened, as long as this is open. */
  path(name: string): string {
    return `/proc/self/fd/${this.#fd}/${name}`;
  }

  /** The text of a file in the folder, empty when it cannot be read. */
  text(name: string): string {
    try {
      return Deno.readTextFileSync(this.path(name));
    } catch {
      return ""; // the process has ended, or is not ours to look at
    }
  }

  /** Where a link in the folder leads; undefined when that cannot be read. */
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

/** Says whose process `pid` is and when it started; undefined when it has ended. */
export function jitProcess(pid: number): JitProcess | undefined {
  using folder = ProcessFolder.open(pid);
  const users = folder && processUsers(folder.text("status"));
  const stat = folder && parseStat(folder.text("stat"));
  return users && stat && { pid, uid: users.fs, started: bootTime() + stat.start / TICKS };
}

let boot: number | undefined;

/** When the machine was started, in seconds since 1970. */
function bootTime(): number {
  return boot ??= Date.now() / 1000 - parseFloat(Deno.readTextFileSync("/proc/uptime"));
}

/**
 * Opens the perf map of a running process that lives in another pid or mount namespace than this one, in its own /tmp and
 * under its own number; undefined for a process that is in ours, or has ended. It must belong to the user of the process:
 * in a mount namespace of hers a user may put any file there.
 */
export function openNamespacedPerfMap(pid: number): FileBytes | OpenRefusal | undefined {
  using folder = ProcessFolder.open(pid);
  const status = folder?.text("status") ?? "";
  const users = processUsers(status);
  if (!folder || !users) return undefined;
  const numbers = procField(status, "NSpid")?.split(/\s+/) ?? [];
  const own = folder.link("ns/mnt") === ownMountNamespace() && folder.link("root") === "/";
  if (own && numbers.length < 2) return undefined;
  const number = Number(numbers.at(-1) ?? pid);
  return FileBytes.open(`/tmp/perf-${number}.map`, {
    root: folder.path("root"),
    owners: [users.fs],
    maxBytes: MAX_PERF_MAP_BYTES,
  });
}

function ownMountNamespace(): string | undefined {
  try {
    return Deno.readLinkSync("/proc/self/ns/mnt");
  } catch {
    return undefined;
  }
}

/**
 * Opens what a process wrote about its run-time code, at `path` among our own files. It must be of that process: of its
 * user, or of root or this user, who may hand it on; and no older than the process.
 * @param process whose it is, where that is known.
 */
export function openJitFile(path: string, process: JitProcess | undefined): FileBytes | OpenRefusal {
  const owners = [0, Deno.uid()!, ...(process ? [process.uid] : [])];
  const file = FileBytes.open(path, { owners });
  if (!(file instanceof FileBytes) || process === undefined) return file;
  if (file.modified >= process.started - CLOCK_SLACK) return file;
  file.close();
  return { kind: "untrusted", cause: "it is older than the process" };
}
