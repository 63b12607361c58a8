/** Access to /proc, sysfs and tracefs, through an interface so that tests can substitute captured trees. */

/** Small text files of the kernel. A missing path is undefined; an inaccessible one throws. */
export interface KernelFiles {
  /** Returns the file's text without white space at its ends. Throws Deno.errors.PermissionDenied. */
  read(path: string): string | undefined;
  /** Returns the names in a directory, sorted. Throws Deno.errors.PermissionDenied. */
  list(path: string): string[] | undefined;
}

/** Files of this machine. */
export const hostFiles: KernelFiles = {
  read: (path) => unlessAbsent(() => Deno.readTextFileSync(path).trim()),
  list: (path) => unlessAbsent(() => Array.from(Deno.readDirSync(path), (entry) => entry.name).sort()),
};

/**
 * Runs `read`, and returns undefined for missing files. A file of sysfs may also exist but answer with an error of its
 * device (EIO, ENODEV, EINVAL), which means that the device lacks the attribute.
 */
function unlessAbsent<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof Deno.errors.PermissionDenied) throw error;
    return undefined;
  }
}

/** Returns the text of `path`, or undefined when it is missing or inaccessible. */
export function readIfAllowed(files: KernelFiles, path: string): string | undefined {
  try {
    return files.read(path);
  } catch {
    return undefined;
  }
}

/** Reads a whole number from a file such as those of /proc/sys; undefined when there is none. */
export function readNumber(files: KernelFiles, path: string): number | undefined {
  const text = readIfAllowed(files, path);
  return text !== undefined && /^-?\d+$/.test(text) ? Number(text) : undefined;
}
