/**
 * Folder of the sets' sockets. It belongs to its owner alone, which keeps other users from the sets. It is checked
 * before each use, since whoever controls the folder controls what the sets are asked.
 */

import { UnsupportedError } from "../../base/system/errors.ts";
import { errorCause } from "../../base/system/system_error.ts";

const ROOT_UID = 0;
/** Variable with the user's runtime folder, which systemd removes when the user has logged out. */
const RUNTIME_DIR = "XDG_RUNTIME_DIR";
/** Size of sockaddr_un.sun_path, including the NUL at its end. */
const SUN_PATH = 108;

/** Extension of a socket's file name. */
export const SOCKET = ".sock";

/** Pattern of a set's name, which becomes part of a file name and a word in a shell. */
const NAME = /^[A-Za-z0-9._-]{1,64}$/;

/** Tells whether a set can have this name. */
export function isSetName(name: string): boolean {
  return NAME.test(name);
}

/**
 * Returns the path of the folder. For root it is /run/pmuctl, regardless of the environment, which may be another
 * user's; for others $XDG_RUNTIME_DIR/pmuctl, or /tmp/pmuctl-UID if that is not set.
 */
export function folderPath(uid: number, env: (name: string) => string | undefined): string {
  if (uid === ROOT_UID) return "/run/pmuctl";
  const runtime = env(RUNTIME_DIR);
  if (!runtime) return `/tmp/pmuctl-${uid}`;
  if (!runtime.startsWith("/")) {
    throw new UnsupportedError({
      attempt: "find the folder for named sets",
      cause: `${RUNTIME_DIR} is '${runtime}', which is not an absolute path`,
      remedy: `unset it, or set it to /run/user/${uid}`,
    });
  }
  return `${runtime.replace(/\/+$/, "")}/pmuctl`;
}

/** Returns the path of a set's socket. Throws UnsupportedError when it is too long for a socket. */
export function socketPath(folder: string, name: string): string {
  const path = `${folder}/${name}${SOCKET}`;
  if (new TextEncoder().encode(path).length >= SUN_PATH) {
    throw new UnsupportedError({
      attempt: `use the set name '${name}'`,
      cause: `${path} is longer than a socket's path may be (${SUN_PATH - 1} bytes)`,
      remedy: `use a shorter name, or a shorter ${RUNTIME_DIR}`,
    });
  }
  return path;
}

/** Makes the folder if it does not exist, and checks it. Throws UnsupportedError. */
export function makeFolder(path: string, uid: number): void {
  const umask = Deno.umask(0); // a umask may remove the owner's own permissions
  try {
    Deno.mkdirSync(path, { mode: MODE });
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw folderError(path, error);
  } finally {
    Deno.umask(umask);
  }
  checkFolder(path, uid);
}

/**
 * Tells whether the folder exists. Throws UnsupportedError when others may have put something there: it is a symbolic
 * link, has another owner than `uid` or another mode than 0700, or its parent lets others replace it.
 */
export function checkFolder(path: string, uid: number): boolean {
  const parent = path.slice(0, path.lastIndexOf("/")) || "/";
  let info: Deno.FileInfo;
  let above: Deno.FileInfo;
  try {
    info = Deno.lstatSync(path);
    above = Deno.statSync(parent);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw folderError(path, error);
  }
  const problem = problemOf(info, uid) ?? problemAbove(parent, above, uid);
  if (problem) throw folderError(path, problem);
  return true;
}

/** Mode of the folder: for its owner alone. */
const MODE = 0o700;
/** Bit that a folder inherits from its parent. It sets the group of new files, and gives nobody access. */
const SETGID = 0o2000;

function problemOf(info: Deno.FileInfo, uid: number): string | undefined {
  if (info.isSymlink) return "it is a symbolic link";
  if (!info.isDirectory) return "it is not a folder";
  if (info.uid !== uid) return `it belongs to user ${info.uid}, not to user ${uid}`;
  const mode = info.mode! & 0o7777;
  return (mode & ~SETGID) === MODE ? undefined : `its mode is ${octal(mode)}, not 0700`;
}

const STICKY = 0o1000;
const OTHERS_WRITE = 0o022;

function problemAbove(parent: string, { uid: owner, mode }: Deno.FileInfo, uid: number): string | undefined {
  if (owner !== uid && owner !== ROOT_UID) return `${parent} belongs to user ${owner}`;
  if ((mode! & OTHERS_WRITE) === 0 || (mode! & STICKY) !== 0) return undefined;
  return `others may write to ${parent}, whose mode is ${octal(mode! & 0o7777)}`;
}

function octal(mode: number): string {
  return mode.toString(8).padStart(4, "0");
}

/** Returns the error for a folder. `problem` is a sentence, or the error of a system call. */
function folderError(path: string, problem: unknown): UnsupportedError {
  const checked = typeof problem === "string";
  const cause = checked ? problem : errorCause(problem);
  return new UnsupportedError({
    attempt: `use ${path} for the sockets of named sets`,
    cause,
    remedy: checked
      ? `find out who changed it, then remove it: pmuctl creates it again`
      : `${RUNTIME_DIR} must name a folder of your own`,
  });
}
