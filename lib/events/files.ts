/** Reading /proc, sysfs and tracefs, through an interface so that tests can put captured trees there. */

/** Small text files of the kernel. A path that is not there is undefined; one that may not be read throws. */
export interface KernelFiles {
  /** The file's text without white space at its ends. Throws Deno.errors.PermissionDenied. */
  read(path: string): string | undefined;
  /** The names in a directory, sorted. Throws Deno.errors.PermissionDenied. */
  list(path: string): string[] | undefined;
}

/** The files of the machine we run on. */
export const hostFiles: KernelFiles = {
  read: (path) => unlessAbsent(() => Deno.readTextFileSync(path).trim()),
  list: (path) => unlessAbsent(() => Array.from(Deno.readDirSync(path), (entry) => entry.name).sort()),
};

/**
 * A file of sysfs can also be there and answer with an error of its device (EIO, ENODEV, EINVAL): to us
 * that is an attribute the device does not have.
 */
function unlessAbsent<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof Deno.errors.PermissionDenied) throw error;
    return undefined;
  }
}

/** The text of `path`, or undefined when it is not there or may not be read. */
export function readIfAllowed(files: KernelFiles, path: string): string | undefined {
  try {
    return files.read(path);
  } catch {
    return undefined;
  }
}

/** A whole number in a file such as those of /proc/sys, or undefined when there is none to be read. */
export function readNumber(files: KernelFiles, path: string): number | undefined {
  const text = readIfAllowed(files, path);
  return text !== undefined && /^-?\d+$/.test(text) ? Number(text) : undefined;
}
