/** Pid namespaces: inside a container with its own, the kernel has no pids for processes outside. */

/** Link target of the machine's initial pid namespace (PROC_PID_INIT_INO, include/linux/proc_ns.h). */
const INITIAL = "pid:[4026531836]";

/** Returns whether `link`, the target of /proc/self/ns/pid, is a pid namespace other than the initial one. */
export function isNestedPidNamespace(link: string | undefined): boolean {
  return link !== undefined && link !== INITIAL;
}

/** Returns whether this process is in a pid namespace other than the initial one, as in most containers. */
export function inPidNamespace(): boolean {
  return isNestedPidNamespace(readLink("/proc/self/ns/pid"));
}

let foreign: boolean | undefined;

/**
 * Returns whether /proc belongs to another pid namespace than this process (`unshare -pf` without `--mount-proc`),
 * where a pid names a different process than it does to the kernel. Looked up once.
 */
export function isForeignProc(): boolean {
  return foreign ??= (readLink("/proc/self") ?? String(Deno.pid)) !== String(Deno.pid);
}

/** Warning for a /proc of another pid namespace. */
export const FOREIGN_PROC =
  "/proc belongs to another pid namespace, so names and maps of already running processes " +
  "are unknown: mount one for this namespace (mount -t proc proc /proc)";

/**
 * Returns the /proc folder of a process or thread by its pid in this namespace; a folder that never exists (the idle
 * task's) where /proc belongs to another namespace.
 */
export function processFolder(pid: number | "self"): string {
  return pid !== "self" && isForeignProc() ? "/proc/0" : `/proc/${pid}`;
}

/** Returns why a process or thread was not found, and what to do. */
export function missingTask(what: "process" | "thread"): { cause: string; remedy: string } {
  if (isForeignProc()) {
    return {
      cause: "/proc belongs to another pid namespace, where the same pid names a different process",
      remedy: "mount one for this namespace: mount -t proc proc /proc",
    };
  }
  return {
    cause: `there is no such ${what}`,
    remedy: "it may have ended: check with ps" +
      (inPidNamespace()
        ? "; processes outside this container (pid namespace) can only be named on the host"
        : ""),
  };
}

function readLink(path: string): string | undefined {
  try {
    return Deno.readLinkSync(path);
  } catch {
    return undefined;
  }
}
