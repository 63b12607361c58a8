/** Which pid namespace this process is in: inside a container of its own, the kernel has no pids for what runs outside. */

/** Inode of the machine's first pid namespace (PROC_PID_INIT_INO, include/linux/proc_ns.h). */
const INITIAL = "pid:[4026531836]";

/** Whether `link`, what /proc/self/ns/pid leads to, is a pid namespace other than the machine's first. */
export function isNestedPidNamespace(link: string | undefined): boolean {
  return link !== undefined && link !== INITIAL;
}

/** Whether this process is in a pid namespace other than the machine's first, as in most containers. */
export function inPidNamespace(): boolean {
  return isNestedPidNamespace(readLink("/proc/self/ns/pid"));
}

let foreign: boolean | undefined;

/**
 * Whether /proc is of another pid namespace than this process (`unshare -pf` without `--mount-proc`), so that a pid there
 * is another process than the one that the kernel has under it. Looked up once.
 */
export function isForeignProc(): boolean {
  return foreign ??= (readLink("/proc/self") ?? String(Deno.pid)) !== String(Deno.pid);
}

/** What a foreign /proc comes to, and what to do, for a warning. */
export const FOREIGN_PROC =
  "/proc is of another pid namespace, so that names and maps of processes that run already " +
  "are not known: mount one of this namespace (mount -t proc proc /proc)";

/**
 * The folder in /proc of a process or thread, by the pid that the kernel gives here; one that is never there (the idle
 * task's) where /proc is of another pid namespace.
 */
export function processFolder(pid: number | "self"): string {
  return pid !== "self" && isForeignProc() ? "/proc/0" : `/proc/${pid}`;
}

/** Why there is no such process or thread here, and what to do. */
export function missingTask(what: "process" | "thread"): { cause: string; remedy: string } {
  if (isForeignProc()) {
    return {
      cause: "/proc is of another pid namespace, where the same numbers are other processes",
      remedy: "mount one of this namespace: mount -t proc proc /proc",
    };
  }
  return {
    cause: `there is no such ${what}`,
    remedy: "it may have ended: check with ps" +
      (inPidNamespace()
        ? "; processes outside this pid namespace (container) have pids on the host alone"
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
