/** Files that nobody but this user can access: what caches hold. */

import { FileBytes } from "./file_bytes.ts";

/** Bits of the mode that let the group or others do anything. */
const NOT_MINE = 0o077;

/** Returns whether a folder belongs to this user, and nobody else can access it. */
export function isOwnFolder(path: string): boolean {
  try {
    const { uid, mode, isDirectory } = Deno.lstatSync(path);
    return isDirectory && uid === Deno.uid() && mode !== null && (mode & NOT_MINE) === 0;
  } catch {
    return false; // it does not exist
  }
}

/** Reads a file of this user alone; undefined if there is none of at most `maxBytes`, or it cannot be read. */
export function readPrivateFile(path: string, maxBytes: number): Uint8Array<ArrayBuffer> | undefined {
  const file = FileBytes.tryOpen(path, { owners: [Deno.uid()!], maxBytes });
  if (file === undefined) return undefined;
  try {
    return (file.mode & NOT_MINE) === 0 ? file.read(0, file.size) : undefined;
  } catch {
    return undefined; // an error of the disk
  } finally {
    file.close();
  }
}

/**
 * Writes a file of this user alone, which appears once it is whole; until then `path` is followed by a dot and a UUID.
 * Throws Deno.errors, and leaves nothing behind.
 */
export function writePrivateFile(path: string, parts: readonly Uint8Array[]): void {
  const partial = `${path}.${crypto.randomUUID()}`;
  using file = Deno.openSync(partial, { write: true, createNew: true, mode: 0o600 });
  try {
    for (const part of parts) {
      for (let at = 0; at < part.length;) at += file.writeSync(part.subarray(at));
    }
    Deno.renameSync(partial, path);
  } catch (error) {
    Deno.removeSync(partial);
    throw error;
  }
}
