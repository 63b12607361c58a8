/**
 * Folders that only this user can write to: caches, saved programs. A path from the environment (HOME under `sudo -E`)
 * may lead into another user's folder, and through a link in there to anywhere.
 */

const STICKY = 0o1000;
const GROUP_WRITES = 0o020;
const OTHERS_WRITE = 0o002;

/** Reason to refuse a folder; `cause` completes a sentence: `/home/x belongs to user 1000`. */
export interface UnsafeFolder {
  cause: string;
}

/**
 * Creates the folder at `path` (absolute) and its missing parents, for this user alone. Refuses a path in which another
 * user could replace anything, now or later. Throws Deno.errors when a folder cannot be created.
 */
export function makePrivateFolder(path: string): UnsafeFolder | undefined {
  if (!isPlain(path)) return { cause: `${path} is not an absolute path` };
  let made = "";
  for (const part of path.split("/").filter(Boolean)) {
    made += `/${part}`;
    try {
      Deno.mkdirSync(made, { mode: 0o700 });
    } catch (error) {
      // mkdir also fails for an existing folder on a read-only or inaccessible file system
      if (statOf(made) === undefined) throw error;
    }
    const unsafe = problemOf(made);
    if (unsafe) return unsafe;
  }
  const own = statOf(path);
  return own?.uid === Deno.uid() ? undefined : { cause: `${path} belongs to user ${own?.uid}` };
}

/**
 * Checks an existing path. Returns undefined when only root and this user can change or replace what is at `path`;
 * otherwise the reason: another user can, or nothing is there.
 */
export function folderProblem(path: string): UnsafeFolder | undefined {
  if (!isPlain(path)) return { cause: `${path} is not an absolute path` };
  let above = "";
  for (const part of path.split("/").filter(Boolean)) {
    above += `/${part}`;
    const unsafe = problemOf(above);
    if (unsafe) return unsafe;
  }
  return undefined;
}

/** Checks one folder, or link to a folder, on a path. */
function problemOf(path: string): UnsafeFolder | undefined {
  const stat = statOf(path);
  if (stat === undefined) return { cause: `${path} does not exist` };
  if (stat.uid !== 0 && stat.uid !== Deno.uid()) return { cause: `${path} belongs to user ${stat.uid}` };
  if (stat.isSymlink) {
    let real: string;
    try {
      real = Deno.realPathSync(path);
    } catch {
      return { cause: `${path} is a dangling link` };
    }
    return folderProblem(real);
  }
  if (!stat.isDirectory) return { cause: `${path} is not a folder` };
  if (!othersMayWrite(stat)) return undefined;
  return { cause: `others may write to ${path} (mode ${(stat.mode! & 0o7777).toString(8)})` };
}

/** Returns whether another user can replace files in this folder. */
function othersMayWrite({ mode, uid, gid }: Deno.FileInfo): boolean {
  const bits = mode ?? OTHERS_WRITE;
  if ((bits & STICKY) !== 0) return false;
  // many distributions give each user a group of the same number, with no other members
  const own = gid === 0 || (gid === uid && gid === Deno.gid());
  return (bits & OTHERS_WRITE) !== 0 || ((bits & GROUP_WRITES) !== 0 && !own);
}

function isPlain(path: string): boolean {
  return path.startsWith("/") && path.split("/").every((part) => part !== "." && part !== "..");
}

function statOf(path: string): Deno.FileInfo | undefined {
  try {
    return Deno.lstatSync(path);
  } catch {
    return undefined;
  }
}
