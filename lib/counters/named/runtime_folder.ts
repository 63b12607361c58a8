/**
 * The folder of the sets' sockets: its owner's alone, which is what keeps everybody else from the sets. It is
 * checked before each use, since whoever controls the folder controls what is asked of the sets.
 */

import { UnsupportedError } from "../../base/system/errors.ts";
import { errorCause } from "../../base/system/system_error.ts";

const ROOT_UID = 0;
/** Under systemd each user's, and removed when the user has logged out. */
const RUNTIME_DIR = "XDG_RUNTIME_DIR";
/** sockaddr_un.sun_path, with the NUL at its end. */
const SUN_PATH = 108;

/** What the name of a socket ends with. */
export const SOCKET = ".sock";

/** One name a set, which is a part of a file name and a word in a shell. */
const NAME = /^[A-Za-z0-9._-]{1,64}$/;

/** True for what can be a set's name. */
export function isSetName(name: string): boolean {
  return NAME.test(name);
}

/**
 * The folder's path: /run/pmuctl for root, whatever root's environment says, as it may be another user's;
 * else $XDG_RUNTIME_DIR/pmuctl, or /tmp/pmuctl-UID without that.
 */
export function folderPath(uid: number, env: (name: string) => string | undefined): string {
  if (uid === ROOT_UID) return "/run/pmuctl";
  const runtime = env(RUNTIME_DIR);
  if (!runtime) return `/tmp/pmuctl-${uid}`;
  if (!runtime.startsWith("/")) {
    throw new UnsupportedError({
      attempt: "find the folder of the sets",
      cause: `${RUNTIME_DIR} is '${runtime}', which is no absolute path`,
      remedy: `unset it, or set it to /run/user/${uid}`,
    });
  }
  return `${runtime.replace(/\/+$/, "")}/pmuctl`;
}

/** The socket of a set. Throws UnsupportedError when the path is longer than a socket's can be. */
export function socketPath(folder: string, name: string): string {
  const path = `${folder}/${name}${SOCKET}`;
  if (new TextEncoder().encode(path).length >= SUN_PATH) {
    throw new UnsupportedError({
      attempt: `use the set name '${name}'`,
      cause: `${path} is longer than the ${SUN_PATH - 1} bytes that the path of a socket can have`,
      remedy: `use a shorter name, or a shorter ${RUNTIME_DIR}`,
    });
  }
  return path;
}

/** Makes the folder unless it is there, and checks it. Throws UnsupportedError. */
export function makeFolder(path: string, uid: number): void {
  const umask = Deno.umask(0); // which may take the owner's own permissions
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
 * Whether the folder is there. Throws UnsupportedError when it is not `uid`'s alone, so that others may
 * have put something there: a symbolic link, another owner, another mode than 0700, a parent in which
 * others can put another folder in its place.
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

/** The owner's alone. */
const MODE = 0o700;
/** What a folder inherits from one above it that has it. It says whose group new files have: nobody gets in by it. */
const SETGID = 0o2000;

function problemOf(info: Deno.FileInfo, uid: number): string | undefined {
  if (info.isSymlink) return "it is a symbolic link";
  if (!info.isDirectory) return "it is no folder";
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

/** `problem` is a sentence, or the error of a system call. */
function folderError(path: string, problem: unknown): UnsupportedError {
  const checked = typeof problem === "string";
  const cause = checked ? problem : errorCause(problem);
  return new UnsupportedError({
    attempt: `use ${path} for the sockets of sets`,
    cause,
    remedy: checked
      ? `see who made it so, then remove it: pmuctl makes it anew`
      : `${RUNTIME_DIR} is to name a folder of your own`,
  });
}
