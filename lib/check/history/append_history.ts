/** Appending to a history, which others may append to at the same time. */

import { withFolderLock } from "../../base/files/folder_lock.ts";
import { refusal } from "../../base/system/system_error.ts";

const LINE_END = 10;

/** Throws UnsupportedError when the history cannot be appended to. Makes the file if there is none. */
export function tryHistory(file: string): void {
  open(file).close();
}

/**
 * Appends lines to a history, and makes it if there is none; they are on the disk when this returns. A line that another
 * writer had to leave unfinished is ended first. When not all can be written, because the disk is full, the file is left as
 * it was. Throws UnsupportedError.
 */
export async function appendHistory(file: string, lines: readonly string[]): Promise<void> {
  const folder = file.slice(0, file.lastIndexOf("/") + 1) || ".";
  await withFolderLock(folder, () => {
    const opened = open(file);
    try {
      const { size } = opened.statSync();
      const ended = size === 0 || lastByte(opened, size) === LINE_END;
      const bytes = new TextEncoder().encode(`${ended ? "" : "\n"}${lines.join("\n")}\n`);
      let written = 0;
      try {
        while (written < bytes.length) written += opened.writeSync(bytes.subarray(written));
        opened.syncDataSync();
      } catch (error) {
        if (opened.statSync().size === size + written) opened.truncateSync(size);
        throw refusal(`append to the history ${file}`, error);
      }
    } finally {
      opened.close();
    }
  });
}

function open(file: string): Deno.FsFile {
  const remedy = "name another file with --history";
  let opened: Deno.FsFile;
  try {
    opened = Deno.openSync(file, { read: true, append: true, create: true });
  } catch (error) {
    const missing = error instanceof Deno.errors.NotFound ? new Error("no such folder") : error;
    throw refusal(`append to the history ${file}`, missing, remedy);
  }
  if (opened.statSync().isFile) return opened;
  opened.close();
  throw refusal(`append to the history ${file}`, new Error("it is not a regular file"), remedy);
}

function lastByte(file: Deno.FsFile, size: number): number {
  const byte = new Uint8Array(1);
  file.seekSync(size - 1, Deno.SeekMode.Start);
  file.readSync(byte);
  return byte[0];
}
