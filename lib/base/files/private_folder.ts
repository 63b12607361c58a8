/**
 * Folders that this user's files are kept in and nobody else can put anything into: caches, saved programs. A path
 * in the environment (HOME under `sudo -E`) may lead into another user's folder, and through her links anywhere.
 */

const STICKY = 0o1000;
const GROUP_WRITES = 0o020;
const OTHERS_WRITE = 0o002;

/** Why a folder is not used; `cause` completes a sentence: `/home/x belongs to user 1000`. */
export interface UnsafeFolder {
  cause: string;
}

/**
 * Makes the folder at `path` (absolute) with all that is missing above it, for this user alone. Refuses a path on which
 * another user could put something else in its place, now or later. Throws Deno.errors of what cannot be made.
 */
export function makePrivateFolder(path: string): UnsafeFolder | undefined {
  if (!isPlain(path)) return { cause: `${path} is no absolute path` };
  let made = "";
  for (const part of path.split("/").filter(Boolean)) {
    made += `/${part}`;
    try {
      Deno.mkdirSync(made, { mode: 0o700 });
    } catch (error) {
      // a file system may be read-only, or closed, above a folder that is there
      if (statOf(made) === undefined) throw error;
    }
    const unsafe = problemOf(made);
    if (unsafe) return unsafe;
  }
  const own = statOf(path);
  return own?.uid === Deno.uid() ? undefined : { cause: `${path} belongs to user ${own?.uid}` };
}

/**
 * Returns undefined when only root and this user can change what is at `path` or put something else there, and the
 * reason when another user can, or nothing is there.
 */
export function folderProblem(path: string): UnsafeFolder | undefined {
  if (!isPlain(path)) return { cause: `${path} is no absolute path` };
  let above = "";
  for (const part of path.split("/").filter(Boolean)) {
    above += `/${part}`;
    const unsafe = problemOf(above);
    if (unsafe) return unsafe;
  }
  return undefined;
}

/** What is wrong with one folder, or link to a folder, on a path. */
function problemOf(path: string): UnsafeFolder | undefined {
  const stat = statOf(path);
  if (stat === undefined) return { cause: `${path} is not there` };
  if (stat.uid !== 0 && stat.uid !== Deno.uid()) return { cause: `${path} belongs to user ${stat.uid}` };
  if (stat.isSymlink) {
    let real: string;
    try {
      real = Deno.realPathSync(path);
    } catch {
      return { cause: `${path} is a link that leads nowhere` };
    }
    return folderProblem(real);
  }
  if (!stat.isDirectory) return { cause: `${path} is no folder` };
  if (!othersMayWrite(stat)) return undefined;
  return { cause: `others may write to ${path}, whose mode is ${(stat.mode! & 0o7777).toString(8)}` };
}

/** Whether somebody else can put another file in the place of one in this folder. */
function othersMayWrite({ mode, uid, gid }: Deno.FileInfo): boolean {
  const bits = mode ?? OTHERS_WRITE;
  if ((bits & STICKY) !== 0) return false;
  // a group of the same number as its only user is how many distributions set users up
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
