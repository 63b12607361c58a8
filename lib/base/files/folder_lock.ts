/** One process at a time in a folder: for files that are read, changed and replaced. */

/** How long somebody else may take, in ms: anybody who may read the folder may lock it, and no one has to wait for that. */
const PATIENCE = 10_000;

/**
 * Calls `body` while no other process of this machine is in its own call for `folder`; or without that when the folder
 * stays locked for ten seconds, or cannot be locked (some network file systems). Returns what `body` does.
 */
export async function withFolderLock<T>(folder: string, body: () => T): Promise<T> {
  let locked: Deno.FsFile | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  try {
    const file = Deno.openSync(folder);
    const patience = new Promise<void>((resolve) => timer = setTimeout(resolve, PATIENCE));
    const lock = file.lock(true).then(() => locked = file, () => file.close());
    await Promise.race([lock, patience]);
  } catch {
    // a folder that cannot be read: whoever writes there is told
  }
  clearTimeout(timer);
  try {
    return body();
  } finally {
    locked?.close();
  }
}
