/** Removes a file or an empty folder, if that is possible: it may be gone, or not be this user's to remove. */
export function removeQuietly(path: string): void {
  try {
    Deno.removeSync(path);
  } catch {
    // it stays, or was not there
  }
}
