/**
 * Removes a file or an empty folder, with `recursive` also one with files in it, if that is possible: it may be gone, or not
 * be this user's to remove.
 */
export function removeQuietly(path: string, { recursive = false } = {}): void {
  try {
    Deno.removeSync(path, { recursive });
  } catch {
    // it stays, or was not there
  }
}
