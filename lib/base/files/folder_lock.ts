/** Advisory lock on a folder, for files that are read, changed and replaced. */

/** Longest wait for the lock, in ms. Anyone who may read the folder may lock it, so the wait is bounded. */
const LOCK_TIMEOUT_MS = 10_000;

/**
 * Calls `body` while no other process of this machine runs its own `body` for `folder`. Calls it without the lock when
 * that is not free within ten seconds, or the file system has no locks (some network file systems). Returns the result
 * of `body`.
 */
export async function withFolderLock<T>(folder: string, body: () => T): Promise<T> {
  let locked: Deno.FsFile | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  try {
    const file = Deno.openSync(folder);
    const timeout = new Promise<void>((resolve) => timer = setTimeout(resolve, LOCK_TIMEOUT_MS));
    const lock = file.lock(true).then(() => locked = file, () => file.close());
    await Promise.race([lock, timeout]);
  } catch {
    // an unreadable folder: writing there reports the error
  }
  clearTimeout(timer);
  try {
    return body();
  } finally {
    locked?.close();
  }
}
